/*
 * The queue (easq.queued): answers whose statement could not lock the model,
 * to learn or to forget, and uncertain ones to count.
 */
#ifndef EASQ_ANSWER_QUEUE_H
#define EASQ_ANSWER_QUEUE_H

#include "store/answer.h"

extern void EasqQueueAnswers(const char *model, const EasqAnswer *answers, int count, bool forget);
extern void EasqQueueUncertain(const char *model, int count);

/*
 * Takes those of one kind out of the queue, all that the snapshot shows; palloc'd.
 * Uncertain ones (not to forget) are taken too, and counted in the model.
 */
extern int	EasqTakeQueued(EasqModel *model, bool forget, EasqAnswer **found);

#endif
