/*
 * Out of the queue: whoever has the model's lock learns what is there.
 */
#ifndef EASQ_QUEUED_H
#define EASQ_QUEUED_H

#include "learn/changes.h"
#include "learn/learner.h"

#define EASQ_ALL_QUEUED PG_INT64_MAX

/*
 * Learns what the snapshot shows of the queue, at most so many answers, the oldest first; what cannot be learned is logged
 * and gone.  An answer that was queued and then changed is not learned at all.  Returns how many were learned.
 */
extern int64 EasqLearnQueued(EasqLearner *learner, int64 limit);

typedef enum EasqDrained
{
	EASQ_DRAINED,				/* so many as asked for, or all that there were */
	EASQ_DRAIN_BUSY				/* EASQ_NO_WAIT: another transaction teaches the model */
} EasqDrained;

/*
 * The same with all around it: takes the model's lock where anything is queued, reads it, learns, writes once.  Where the
 * model itself cannot be read its answers are logged as skipped.  *learned: how many were.
 */
extern EasqDrained EasqDrain(const char *model, int64 limit, EasqLockWait wait, int64 *learned);

#endif
