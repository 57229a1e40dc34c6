/*
 * The queue (easq.queued): answers that wait for a learner, to learn or to
 * forget, and uncertain ones to count.
 *
 * A row's id begins with the time at which its statement was queued and the row's place in it: what is taken a portion at
 * a time is taken in the order in which it came, and new rows go to the end of the index.
 */
#ifndef EASQ_ANSWER_QUEUE_H
#define EASQ_ANSWER_QUEUE_H

#include "store/answer.h"

/* Rows of one statement and one model on their way into the queue. */
typedef struct EasqQueue
{
	const char *model;
	TimestampTz at;
	uint32		rows;
	EasqWriter	writer;
} EasqQueue;

extern void EasqQueueBegin(EasqQueue *queue, const char *model);
extern void EasqQueueAdd(EasqQueue *queue, const EasqAnswer *answer, bool forget);
extern void EasqQueueUncertain(EasqQueue *queue, int count);
extern void EasqQueueEnd(EasqQueue *queue);

/*
 * Takes out of the queue what the snapshot shows, the oldest first and of what is to be learned at most so many and what
 * is left of the last one's key, and hands each over, valid until take returns.  Uncertain ones are counted in the model instead.
 */
typedef void (*EasqTakeQueued) (void *argument, const EasqAnswer *answer, bool forget);
extern void EasqQueueTake(EasqModel *model, int64 limit, EasqTakeQueued take, void *argument);

/* The first model after this one (NULL: of all) for which the active snapshot shows anything queued; palloc'd, NULL: none. */
extern char *EasqQueueNextModel(const char *after);

/* Does the active snapshot show anything queued for a model? */
extern bool EasqQueueHas(const char *model);

#endif
