/*
 * Into the queue: the answers of whoever does not learn them now.
 */
#ifndef EASQ_ENQUEUE_H
#define EASQ_ENQUEUE_H

#include "learn/changes.h"

/*
 * Consumes changes.  The caller holds the lock on the model's name.  False: there were none but uncertain ones.
 * *answers: how many are to be learned.
 */
extern bool EasqQueueChanges(const char *model, EasqChanges *changes, int64 *answers);

#endif
