/*
 * The methods that are compared: what learns from the answers, what ranks
 * afterwards, and the one knob of each.
 */
#ifndef STUDY_METHOD_H
#define STUDY_METHOD_H

#include <stdbool.h>

#include "core/step.h"

#define KNOBS_MAX 10

typedef enum MethodLearns
{
	LEARNS_NOTHING,				/* the behaviour-only model as it is */
	LEARNS_BEHAVIOUR,			/* rehearsal alone */
	LEARNS_MIXED,				/* behaviour loss + knob * the same loss of the answers, on the main pathway */
	LEARNS_MIXED_LORA,			/* the same through LoRA, which takes all gradients */
	LEARNS_EASQ,				/* EasqOnlineStep, lambda2 = knob */
	LEARNS_PROJECTED,			/* the same; alignment loses what opposes rehearsal */
	LEARNS_PATHWAY				/* EasqOnlineStep, lambda2 = 0: the satisfaction pathway alone learns from answers */
} MethodLearns;

typedef enum MethodRanks
{
	RANKS_MAIN,
	RANKS_SUM,					/* main logit + knob * satisfaction logit */
	RANKS_RATE					/* main logit + knob * logit of the coat's smoothed rate of satisfaction */
} MethodRanks;

typedef enum MethodPairs
{
	PAIRS_ANY,					/* rehearsed pairs of anybody, in random order */
	PAIRS_GROUPED				/* two and two of one shopper, so that distil compares rows of one shopper */
} MethodPairs;

typedef struct Method
{
	const char *key;			/* in settings.txt */
	const char *title;
	MethodLearns learns;
	MethodRanks ranks;
	int			rank;			/* of LoRA */
	int			experts[EASQ_PATHWAYS];
	EasqAlignment alignment;
	EasqPairwise pairwise;
	double		anchor;
	double		beta;
	MethodPairs pairs;
	int			knobs;
	double		knob[KNOBS_MAX];
} Method;

/* What each method is tried with on validation, all the same. */
typedef struct Setting
{
	double		learning_rate;
	bool		keeps;			/* rehearsal keeps the trained model's margins; else it learns the labels again */
	int			replays;		/* earlier answers whose pairs each step learns again */
	double		smoothing;		/* of RANKS_RATE, which learns nothing from answers: made-up answers a coat */
} Setting;

#define SETTINGS 6
extern const Setting setting_list[SETTINGS];
/* "learning rate 0.001, labels, replay 3" */
extern void DescribeSetting(const Method *method, int setting, char *text, int size);

/* The first two are behaviour only and rehearsal only. */
#define METHODS 11
#define BEHAVIOUR_ONLY 0
extern const Method method_list[METHODS];
#define OURS 7					/* the rivals stand before it, its ablations after it */

/* Forms of the alignment, compared on validation alone. */
#define ALIGNMENTS 9
extern const Method alignment_list[ALIGNMENTS];

/* Does training differ from knob to knob, or only the ranking? */
extern bool MethodLearnsByKnob(const Method *method);

#endif
