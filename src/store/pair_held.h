/*
 * Held pairs (easq.held): behaviour of groups that no step trains on, by which
 * the behaviour budget is judged.
 */
#ifndef EASQ_PAIR_HELD_H
#define EASQ_PAIR_HELD_H

#include "store/pair_rehearsed.h"

typedef enum EasqHeldSample
{
	EASQ_GATE,					/* every step is judged on some of it */
	EASQ_AUDIT,					/* judged as a whole from time to time, so that it tells what the gate overlooks */
	EASQ_HELD_SAMPLES
} EasqHeldSample;

typedef struct EasqHeldPair
{
	EasqPair	pair;
	int			group;
	float		trained;		/* EasqPairRight when the model was trained */
} EasqHeldPair;

/* A sample in memory, pairs of a group next to each other; arrays [count]. */
typedef struct EasqHeld
{
	int			count;
	EasqPair   *pair;
	int		   *group;
	float	   *trained;
	float	   *weight;			/* 1 / pairs of the group: groups count alike */
	double		accuracy;		/* after training: mean over groups of trained */
} EasqHeld;

/* Replaces a sample; held NULL: removes it. */
extern void EasqWriteHeld(const EasqModel *model, EasqHeldSample sample, const EasqHeld *held);

/* In the current context; NULL where there is none. */
extern EasqHeld *EasqReadHeld(const EasqModel *model, EasqHeldSample sample);

/* Fills weight and accuracy from the rest. */
extern void EasqHeldWeigh(EasqHeld *held);

#endif
