/*
 * What a transaction does at its end about answers that it has queued: learns
 * those of easq_learn's "commit", in the order of the models, so that none is locked for longer than its
 * step and no two transactions lock crosswise; and wakes the worker for the rest.
 *
 * What is kept here are names of models alone: the answers are rows of the queue, and go with a savepoint that is
 * rolled back.  A prepared transaction learns nothing, since its locks would stay: its answers wait for a learner.
 */
#ifndef EASQ_DUE_H
#define EASQ_DUE_H

#include "postgres.h"

/*
 * Before the current transaction commits, what is queued for the model is learned; may_wait: for who else teaches it.  Under
 * REPEATABLE READ it could not be learned any more where others have taught meanwhile, and COMMIT would fail: then it stays queued.
 */
extern void EasqDueAtCommit(const char *model, bool may_wait);

/* The current transaction has queued something: who learns hears of it once it is committed. */
extern void EasqDueToLearners(void);

#endif
