/*
 * The worker of each database that has one, in shared memory: whoever has
 * queued answers wakes it once they are committed.
 *
 * A place in it holds a latch.  A worker that is gone leaves none; one that crashed takes the shared memory along.  A latch
 * that has found another owner meanwhile wakes that for nothing, which every owner of a latch expects.
 */
#ifndef EASQ_BELL_H
#define EASQ_BELL_H

#include "postgres.h"

#define EASQ_WORKER_MAIN "easq_worker_main"

extern bool easq_worker;		/* setting easq.worker */

/* At load: room in shared memory where it can still be asked for; else there is PostgreSQL's reserve, as autoprewarm takes it. */
extern void EasqBellInit(void);

/* Before and after commit: finds the database's worker (or starts one where easq.worker is on), and wakes it. */
extern void EasqBellFind(void);
extern void EasqBellRing(void);

/* The worker itself takes its database's place.  False: another has it, or all places are taken. */
extern bool EasqBellTake(void);

/* Process id of the worker of the current database, 0: none. */
extern int	EasqBellOwner(void);

/*
 * Registers a worker for a database.  only_if_work: it ends at once where nothing is queued.  Waits for its start if wait;
 * ERROR 53400 where there is no room for it, or false if not wait.
 */
extern bool EasqBellStart(Oid database, bool only_if_work, bool wait);

#endif
