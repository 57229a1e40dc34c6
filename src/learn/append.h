/*
 * The short way of one answer into the queue: for "later" and "commit", a questionnaire that teaches one model and has the
 * features itself, in types whose reading can neither fail nor run anybody's code.  What the
 * long way has found out about the table and the model is kept, and used as long as their rows are the same.
 */
#ifndef EASQ_APPEND_H
#define EASQ_APPEND_H

#include "learn/collect.h"
#include "store/questionnaire.h"

/* Queues the answer of a statement that wrote one row.  False, and nothing done: the long way is needed. */
extern bool EasqAppend(const EasqWrittenRows *written);

/* After the long way: may the next answer go the short one? */
extern void EasqAppendPrepare(const EasqQuestionnaire *questionnaire, const EasqWrittenRows *written);

#endif
