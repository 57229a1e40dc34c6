/*
 * The queue (easq.queued): answers whose statement could not lock the model,
 * to learn or to forget, and uncertain ones to count.
 */
#ifndef EASQ_ANSWER_QUEUE_H
#define EASQ_ANSWER_QUEUE_H

#include "store/answer.h"

/* Rows of one model on their way into the queue. */
typedef struct EasqQueue
{
	const char *model;
	EasqWriter	writer;
} EasqQueue;

extern void EasqQueueBegin(EasqQueue *queue, const char *model);
extern void EasqQueueAdd(EasqQueue *queue, const EasqAnswer *answer, bool forget);
extern void EasqQueueUncertain(EasqQueue *queue, int count);
extern void EasqQueueEnd(EasqQueue *queue);

/*
 * Takes out of the queue all that the snapshot shows, and hands each over, valid until take returns.  Uncertain
 * ones are counted in the model instead.
 */
typedef void (*EasqTakeQueued) (void *argument, const EasqAnswer *answer, bool forget);
extern void EasqQueueTake(EasqModel *model, EasqTakeQueued take, void *argument);

#endif
