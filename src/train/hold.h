/*
 * What a training holds back: pairs of behaviour by which it chooses its epoch
 * and the behaviour budget is judged, of two kinds (store/pair_held.h).
 *
 * Whole groups are those that come first in the spool's order, which is that of
 * a hash of the group; of the next ones some rows are held, those that come
 * first in the order of a hash of their content.  So the next training holds
 * back the same ones.
 */
#ifndef EASQ_HOLD_H
#define EASQ_HOLD_H

#include "postgres.h"

#include "store/pair_held.h"
#include "train/spool.h"

typedef struct EasqHold
{
	bool		any;			/* false: too few groups, nothing is held back */
	EasqHeld   *sample[EASQ_HELD_SAMPLES];
} EasqHold;

/*
 * share: most of a group's rows of either label that are held for each sample; where groups have too few rows for
 * that, most of the groups.  Marks the rows in the spool.  In the current context; trained, weight and accuracy of
 * the samples are not filled yet.
 */
extern void EasqHoldBack(EasqHold *hold, EasqSpool *spool, double share, uint64 seed);

/* Groups that differ in label, without which nothing is held back at this share above 0 where groups have few rows. */
extern int64 EasqGroupsNeeded(double share);

#endif
