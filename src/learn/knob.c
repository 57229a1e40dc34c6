#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "learn/draw.h"
#include "learn/knob.h"

#define MOST_SPREADS 100.0		/* of main's margins that z may count, whatever it costs */
#define FIRST_SPREADS 0.01
#define GROWTH 1.3
#define HALVINGS 6
#define NEW_SHARE 8			/* of all answers that are new since it was turned */
#define MOST_PAIRS 8192			/* of a sample */
#define FREE_PAIRS 256			/* rehearsed pairs that spreads are taken of where there is no budget */

/* Held pairs by what main and beliefs say of them: chosen less rejected. */
typedef struct Margins
{
	const EasqHeld *held;
	double	   *main;
	double	   *belief;
	bool	   *fits;
} Margins;

static double
log_odds(const EasqLearner *learner, const char *example, double main, double satisfaction)
{
	EasqOpinion opinion = EasqBeliefsOpinion(learner->beliefs, learner->encoding, example);

	EasqOpinionComplete(learner->model, learner->beliefs, main, satisfaction, &opinion);
	return opinion.logit;
}

static void
take_margins(EasqLearner *learner, const EasqHeld *held, Margins *margins)
{
	EasqJudge  *judge = EasqLearnerJudge(learner);
	float		main[2 * EASQ_JUDGE_BLOCK];
	float		satisfaction[2 * EASQ_JUDGE_BLOCK];

	margins->held = held;
	margins->main = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(held->count, 1));
	margins->belief = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * Max(held->count, 1));
	margins->fits = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(bool) * Max(held->count, 1));
	for (int start = 0; start < held->count; start += EASQ_JUDGE_BLOCK)
	{
		int			pairs = Min(EASQ_JUDGE_BLOCK, held->count - start);

		CHECK_FOR_INTERRUPTS();
		EasqJudgeBoth(judge, held, start, pairs, main, satisfaction, margins->fits + start);
		for (int i = 0; i < pairs; i++)
		{
			const EasqPair *pair = &held->pair[start + i];

			margins->main[start + i] = margins->belief[start + i] = 0;
			if (!margins->fits[start + i])
				continue;
			margins->main[start + i] = (double) main[2 * i] - main[2 * i + 1];
			margins->belief[start + i] = log_odds(learner, pair->chosen, main[2 * i], satisfaction[2 * i]) -
				log_odds(learner, pair->rejected, main[2 * i + 1], satisfaction[2 * i + 1]);
		}
	}
}

/* Root mean square of margins that are finite. */
static double
spread(const Margins *margins, const double *margin)
{
	double		squares = 0;
	int			count = 0;

	for (int i = 0; i < margins->held->count; i++)
		if (margins->fits[i] && isfinite(margin[i]))
		{
			squares += margin[i] * margin[i];
			count++;
		}
	return count > 0 ? sqrt(squares / count) : 0;
}

/* The knob at which both have the same spread; 0 where one has none. */
static double
equal_spreads(const Margins *margins)
{
	double		main = spread(margins, margins->main);
	double		belief = spread(margins, margins->belief);

	return main > 0 && belief > 0 && isfinite(main / belief) ? main / belief : 0;
}

static void
take_cost(const Margins *margins, double knob, double carried, float *right, EasqCost cost[EASQ_HELD_KINDS])
{
	const EasqHeld *held = margins->held;

	for (int i = 0; i < held->count; i++)
		right[i] = margins->fits[i] ?
			EasqPairRight((float) (margins->main[i] + knob * margins->belief[i]), 0) : held->trained[i];
	EasqHeldCost(held, right, carried, cost);
}

typedef struct Search
{
	Margins		sample[EASQ_HELD_SAMPLES];
	int			samples;
	double		carried;
	float	   *right;			/* [of the larger sample] */
} Search;

/* Of each kind of pairs, in both samples. */
static void
take_costs(const Search *search, double knob, EasqCost cost[EASQ_HELD_KINDS])
{
	EasqCost	audit[EASQ_HELD_KINDS];

	take_cost(&search->sample[EASQ_GATE], knob, search->carried, search->right, cost);
	if (search->samples == 1)
		return;
	take_cost(&search->sample[EASQ_AUDIT], knob, search->carried, search->right, audit);
	for (int kind = 0; kind < EASQ_HELD_KINDS; kind++)
		cost[kind] = EasqPoolCosts(&cost[kind], &audit[kind]);
}

static bool
breaks(const Search *search, double knob, double budget)
{
	EasqCost	cost[EASQ_HELD_KINDS];

	take_costs(search, knob, cost);
	return EasqWorseBound(&cost[EASQ_NEW_GROUPS], &cost[EASQ_TRAINED_GROUPS]) > budget;
}

/* The largest knob below the first that breaks the budget. */
static double
largest_within(const Search *search, double unit, double budget)
{
	double		good = 0;
	double		bad = 0;

	for (double spreads = FIRST_SPREADS; spreads <= MOST_SPREADS; spreads *= GROWTH)
	{
		if (breaks(search, spreads * unit, budget))
		{
			bad = spreads;
			break;
		}
		good = spreads;
	}
	for (int i = 0; bad > 0 && i < HALVINGS; i++)
	{
		if (breaks(search, (good + bad) / 2 * unit, budget))
			bad = (good + bad) / 2;
		else
			good = (good + bad) / 2;
	}
	return good * unit;
}

/* Within a budget: by the held pairs. */
static void
turn_by_held(EasqLearner *learner, const EasqHeld *gate, const EasqHeld *audit)
{
	const EasqModel *model = learner->model;
	EasqAlignmentState *state = &learner->model->adapter.alignment;
	const EasqHeld *whole[EASQ_HELD_SAMPLES] = {[EASQ_GATE] = gate, [EASQ_AUDIT] = audit};
	Search		search = {.samples = audit ? EASQ_HELD_SAMPLES : 1, .carried = state->carried};
	EasqHeld	held[EASQ_HELD_SAMPLES];
	EasqCost	cost[EASQ_HELD_KINDS];

	for (int i = 0; i < search.samples; i++)
	{
		held[i] = EasqHeldThinned(whole[i], MOST_PAIRS);
		take_margins(learner, &held[i], &search.sample[i]);
	}
	search.right = palloc(sizeof(float) * MOST_PAIRS);
	if (model->options.behaviour_budget > 0)
		state->knob = largest_within(&search, equal_spreads(&search.sample[EASQ_GATE]), model->options.behaviour_budget);
	take_costs(&search, state->knob, cost);
	state->ranking_cost = EasqPoolCosts(&cost[EASQ_NEW_GROUPS], &cost[EASQ_TRAINED_GROUPS]).cost;
}

/* Without one: by rehearsed pairs. */
static void
turn_by_rehearsed(EasqLearner *learner)
{
	EasqRandom	random = EasqDraws(learner->model, EASQ_DRAW_KNOB, 0);
	EasqRehearsed *rehearsed;
	EasqHeld	pairs = {.count = EasqDrawBehaviour(learner->model, FREE_PAIRS, &random, &rehearsed)};
	Margins		margins;

	pairs.pair = palloc(sizeof(EasqPair) * Max(pairs.count, 1));
	for (int i = 0; i < pairs.count; i++)
		pairs.pair[i] = rehearsed[i].pair;
	take_margins(learner, &pairs, &margins);
	learner->model->adapter.alignment.knob = equal_spreads(&margins);
}

void
EasqKnobTurn(EasqLearner *learner, bool warming_up)
{
	const EasqModel *model = learner->model;
	EasqAlignmentState *state = &learner->model->adapter.alignment;
	MemoryContext context;
	MemoryContext old;
	const EasqHeld *gate;

	if (learner->beliefs == NULL)
	{
		state->ranking_cost = state->cost;
		return;
	}
	state->knob = 0;
	state->knob_answers = (double) model->adapter.answers;
	state->ranking_cost = state->cost;
	if (warming_up)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "easq knob", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	gate = EasqLearnerGate(learner);
	if (model->options.behaviour_budget >= 1)
		turn_by_rehearsed(learner);
	else if (gate)
		turn_by_held(learner, gate, EasqReadHeld(model, EASQ_AUDIT));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

bool
EasqKnobIsDue(const EasqLearner *learner, bool judged)
{
	const EasqModel *model = learner->model;
	double		answers = (double) model->adapter.answers;
	double		since = answers - model->adapter.alignment.knob_answers;

	if (learner->beliefs == NULL)
		return judged;
	return since >= Max(EASQ_GATE_STEPS, answers / NEW_SHARE);
}
