/*
 * Held pairs (easq.held): behaviour that nothing is trained on, by which a
 * training chooses its epoch and the behaviour budget is judged.
 *
 * Of two kinds.  Whole groups tell what becomes of people whom no training has
 * met; rows of groups whose other rows were trained on, what becomes of those
 * whom it knows.
 */
#ifndef EASQ_PAIR_HELD_H
#define EASQ_PAIR_HELD_H

#include "core/budget.h"
#include "store/pair_rehearsed.h"

typedef enum EasqHeldSample
{
	EASQ_GATE,					/* every step is judged on some of it */
	EASQ_AUDIT,					/* judged as a whole from time to time, so that it tells what the gate overlooks */
	EASQ_HELD_SAMPLES
} EasqHeldSample;

typedef enum EasqHeldKind
{
	EASQ_NEW_GROUPS,
	EASQ_TRAINED_GROUPS,
	EASQ_HELD_KINDS
} EasqHeldKind;

/* A sample in memory, pairs of a group next to each other; arrays [count]. */
typedef struct EasqHeld
{
	int			count;
	int			of_new;			/* the first pairs are of new groups, the rest of trained ones */
	EasqPair   *pair;
	int		   *group;
	float	   *trained;		/* EasqPairRight when the model was trained */
	float	   *weight;			/* 1 / pairs of the group: groups count alike */
	double		accuracy;		/* after training: mean over groups of trained */
} EasqHeld;

/* Replaces a sample; held NULL: removes it. */
extern void EasqWriteHeld(const EasqModel *model, EasqHeldSample sample, const EasqHeld *held);

/* In the current context; NULL where there is none. */
extern EasqHeld *EasqReadHeld(const EasqModel *model, EasqHeldSample sample);

/* What right [count] says of each kind, see EasqBehaviourCost; a kind without pairs: groups 0. */
extern void EasqHeldCost(const EasqHeld *held, const float *right, double carried, EasqCost cost[EASQ_HELD_KINDS]);

/* Every so many pairs of a sample, so that they are no more than most; in the current context, which the pairs' bytes are not copied to. */
extern EasqHeld EasqHeldThinned(const EasqHeld *held, int most);

/* Fills weight and accuracy from the rest. */
extern void EasqHeldWeigh(EasqHeld *held);

#endif
