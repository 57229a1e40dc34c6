/*
 * Work on answers that may fail without failing the statement: it runs in a
 * subtransaction of its own, and an error undoes that alone.
 */
#ifndef EASQ_ATTEMPT_H
#define EASQ_ATTEMPT_H

#include "postgres.h"

/*
 * NULL, or the error that undid the work, in the current context.  What no INSERT
 * may swallow stays an ERROR: cancel and shutdown, out of memory or disk, the
 * locking errors; and under strict all.
 */
extern ErrorData *EasqAttempt(void (*work) (void *argument), void *argument, bool strict);

/* The error as a reason of easq.step: what failed, and its SQLSTATE.  Its message may hold what people wrote. */
extern char *EasqReasonOf(const char *doing, const ErrorData *error);

#endif
