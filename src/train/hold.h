/*
 * Which groups a training holds back: those that come first in the spool's
 * order, which is that of a hash of the group, so that the next training holds
 * back the same ones.  Behaviour pairs of theirs are what the budget is judged by.
 */
#ifndef EASQ_HOLD_H
#define EASQ_HOLD_H

#include "postgres.h"

#include "store/pair_held.h"
#include "train/spool.h"

typedef struct EasqHold
{
	bool		any;			/* false: too few groups, nothing is held back */
	uint64		last_group;		/* groups up to this one are */
	EasqHeld   *sample[EASQ_HELD_SAMPLES];
} EasqHold;

/*
 * share: most of the groups that differ in label, for each sample.  In the
 * current context; trained, weight and accuracy of the samples are not filled yet.
 */
extern void EasqHoldBack(EasqHold *hold, EasqSpool *spool, double share, uint64 seed);

/* Groups that differ in label, without which nothing is held back at this share above 0. */
extern int64 EasqGroupsNeeded(double share);

/* Rows at the start of a chunk that are held back. */
extern int	EasqHeldRows(const EasqHold *hold, const EasqTrainRow *rows, int count);

#endif
