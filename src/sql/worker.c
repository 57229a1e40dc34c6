/*
 * easq_start_worker and easq_stop_worker.
 */
#include "postgres.h"

#include <signal.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"

#include "learn/bell.h"
#include "sql/argument.h"

PG_FUNCTION_INFO_V1(easq_start_worker);
PG_FUNCTION_INFO_V1(easq_stop_worker);

#define LOOK_MILLISECONDS 10
#define LOOKS 1000

/* Until there is a worker (is) or not; its process id, 0: there is none. */
static int
wait_for_worker(bool is)
{
	int			pid = EasqBellOwner();

	for (int i = 0; i < LOOKS && (pid != 0) != is; i++)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MILLISECONDS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		pid = EasqBellOwner();
	}
	return pid;
}

static void
fail(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the worker did not %s within %d seconds", what, LOOKS * LOOK_MILLISECONDS / 1000),
			 errhint("The server's log may say why; pg_stat_activity shows what it waits for.")));
}

Datum
easq_start_worker(PG_FUNCTION_ARGS)
{
	int			pid;

	(void) fcinfo;
	EasqPreventReadOnly("easq_start_worker()");
	pid = EasqBellOwner();
	if (pid == 0)
	{
		(void) EasqBellStart(MyDatabaseId, false, true);
		pid = wait_for_worker(true);
	}
	if (pid == 0)
		fail("start");
	PG_RETURN_INT32(pid);
}

Datum
easq_stop_worker(PG_FUNCTION_ARGS)
{
	int			pid = EasqBellOwner();

	(void) fcinfo;
	if (pid == 0)
		PG_RETURN_BOOL(false);
	(void) kill(pid, SIGTERM);
	if (wait_for_worker(false) != 0)
		fail("stop");
	PG_RETURN_BOOL(true);
}
