#include "method.h"

#include <stdio.h>

const Setting setting_list[SETTINGS] = {
	{1e-3, false, 0, 10.0},
	{1e-3, true, 0, 1.0},
	{1e-3, false, 3, 30.0},
	{1e-3, true, 3, 3.0},
	{5e-4, true, 3, 10.0},
	{2e-3, true, 3, 30.0},
};

#define PUBLISHED .alignment = EASQ_DPO, .pairwise = EASQ_ON_SCORE
#define DISTIL .alignment = EASQ_DISTIL, .pairwise = EASQ_ON_LOGIT, .pairs = PAIRS_GROUPED
#define SPLIT .beta = 1.0, .experts = {4, 2}
#define NO_KNOB .knobs = 1, .knob = {0}
#define MIX_KNOBS .knobs = 7, .knob = {.1, .3, .6, 1, 2, 4, 8}
#define DPO_KNOBS .knobs = 7, .knob = {.1, .3, .6, 1, 2, 4, 8}
#define DISTIL_KNOBS .knobs = 7, .knob = {.05, .1, .2, .4, .7, 1, 2}
#define SUM_KNOBS .knobs = 10, .knob = {.05, .1, .2, .3, .5, .7, 1, 2, 3, 5}
#define ON_LOGIT .pairwise = EASQ_ON_LOGIT

const Method method_list[METHODS] = {
	{"behaviour", "behaviour only", LEARNS_NOTHING, RANKS_MAIN, 4, SPLIT, ON_LOGIT, NO_KNOB},
	{"rehearsal", "rehearsal only", LEARNS_BEHAVIOUR, RANKS_MAIN, 4, SPLIT, ON_LOGIT, NO_KNOB},
	{"mixed", "mixed", LEARNS_MIXED, RANKS_MAIN, 0, SPLIT, ON_LOGIT, MIX_KNOBS},
	{"mixed-lora", "mixed, the same LoRA, no stop-gradient", LEARNS_MIXED_LORA, RANKS_MAIN, 4, SPLIT, ON_LOGIT, MIX_KNOBS},
	{"head", "satisfaction head without LoRA, summed", LEARNS_PATHWAY, RANKS_SUM, 0, SPLIT, ON_LOGIT, SUM_KNOBS},
	{"rate", "control + the coat's smoothed rate", LEARNS_BEHAVIOUR, RANKS_RATE, 4, SPLIT, ON_LOGIT, SUM_KNOBS},
	{"published", "EASQ as published (dpo, score)", LEARNS_EASQ, RANKS_MAIN, 4, SPLIT, PUBLISHED, DPO_KNOBS},
	{"ours", "**ours** (distil within the shopper, logit)", LEARNS_EASQ, RANKS_MAIN, 4, SPLIT, DISTIL, DISTIL_KNOBS},
	{"ours-no-lora", "ours without LoRA", LEARNS_EASQ, RANKS_MAIN, 0, SPLIT, DISTIL, DISTIL_KNOBS},
	{"ours-one-expert", "ours with one expert a pathway", LEARNS_EASQ, RANKS_MAIN, 4, .beta = 1.0, .experts = {1, 1}, DISTIL, DISTIL_KNOBS},
	{"ours-no-alignment", "ours without alignment", LEARNS_PATHWAY, RANKS_MAIN, 4, SPLIT, DISTIL, NO_KNOB},
};

const Method alignment_list[ALIGNMENTS] = {
	{"behaviour", "behaviour only", LEARNS_NOTHING, RANKS_MAIN, 4, SPLIT, ON_LOGIT, NO_KNOB},
	{"dpo-score", "dpo, score", LEARNS_EASQ, RANKS_MAIN, 4, SPLIT, PUBLISHED, DPO_KNOBS},
	{"dpo-score-anchor", "dpo, score, anchor 1", LEARNS_EASQ, RANKS_MAIN, 4, SPLIT, PUBLISHED, .anchor = 1.0, DPO_KNOBS},
	{"dpo-logit", "dpo, logit", LEARNS_EASQ, RANKS_MAIN, 4, SPLIT, .alignment = EASQ_DPO, ON_LOGIT, DPO_KNOBS},
	{"dpo-logit-anchor", "dpo, logit, anchor 1", LEARNS_EASQ, RANKS_MAIN, 4, SPLIT, .alignment = EASQ_DPO, ON_LOGIT, .anchor = 1.0, DPO_KNOBS},
	{"dpo-logit-projected", "dpo, logit, conflicts projected", LEARNS_PROJECTED, RANKS_MAIN, 4, SPLIT, .alignment = EASQ_DPO, ON_LOGIT, DPO_KNOBS},
	{"distil-any", "distil over pairs of anybody, logit", LEARNS_EASQ, RANKS_MAIN, 4, SPLIT, .alignment = EASQ_DISTIL, ON_LOGIT, DISTIL_KNOBS},
	{"distil", "distil within the shopper, logit", LEARNS_EASQ, RANKS_MAIN, 4, SPLIT, DISTIL, DISTIL_KNOBS},
	{"distil-projected", "distil within the shopper, logit, conflicts projected", LEARNS_PROJECTED, RANKS_MAIN, 4, SPLIT, DISTIL, .knobs = 7, .knob = {.1, .3, .6, 1, 2, 4, 8}},
};

bool
MethodLearnsByKnob(const Method *method)
{
	return method->learns == LEARNS_MIXED || method->learns == LEARNS_MIXED_LORA ||
		method->learns == LEARNS_EASQ || method->learns == LEARNS_PROJECTED;
}

void
DescribeSetting(const Method *method, int setting, char *text, int size)
{
	const Setting *s = &setting_list[setting];
	const char *rehearsal = s->keeps ? "margins" : "labels";

	if (method->learns == LEARNS_NOTHING)
		snprintf(text, (size_t) size, "as trained");
	else if (method->ranks == RANKS_RATE)
		snprintf(text, (size_t) size, "rate %g, rehearses %s, smoothing %g", s->learning_rate, rehearsal, s->smoothing);
	else if (method->learns == LEARNS_BEHAVIOUR)
		snprintf(text, (size_t) size, "rate %g, rehearses %s", s->learning_rate, rehearsal);
	else
		snprintf(text, (size_t) size, "rate %g, rehearses %s, replays %d", s->learning_rate, rehearsal, s->replays);
}
