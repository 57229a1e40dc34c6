/*
 * Into the queue: the answers of whoever does not learn them now.
 */
#ifndef EASQ_ENQUEUE_H
#define EASQ_ENQUEUE_H

#include "learn/changes.h"

/* Consumes changes.  The caller holds the lock on the model's name.  Returns how many answers are to be learned. */
extern int64 EasqQueueChanges(const char *model, EasqChanges *changes);

#endif
