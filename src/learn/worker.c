/*
 * One worker a database.  A commit wakes it; it takes the models that have anything queued in turn, a step and a
 * transaction at a time, so that a model is locked for no longer than that.  Draining runs no user code: the features query has
 * run in its author's name when the answer was written.  Even so each model's portion runs as the model's owner.
 *
 * Once a second it looks by itself, for what it was not woken for, and for whether somebody wants to drop, rename or copy
 * the database: then it goes, and the next answer starts another.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "learn/bell.h"
#include "learn/queued.h"
#include "learn/worker.h"
#include "store/answer.h"
#include "store/answer_queue.h"
#include "store/model.h"
#include "store/table.h"

#define LOOK_MILLISECONDS 1000
/* A model that somebody else is teaching is tried again after so long, one that failed after so much, then twice as much, and so on. */
#define BUSY_MILLISECONDS 50
#define FAILED_MILLISECONDS 1000
#define FAILED_MOST_MILLISECONDS 60000

int			easq_worker_idle_timeout;

static volatile sig_atomic_t asked_to_stop = false;
static bool connected = false;

/* A model that is not to be tried before its time. */
typedef struct Resting
{
	char		model[EASQ_MAX_NAME + 1];
	int			failures;		/* in a row; 0: it was busy */
	TimestampTz until;
} Resting;

static List *resting = NIL;		/* of Resting, in TopMemoryContext */

/* Ends what is running as a cancel does, so that the process ends by itself and PostgreSQL does not start it again. */
static void
on_terminate(SIGNAL_ARGS)
{
	int			saved = errno;

	(void) postgres_signal_arg;
	asked_to_stop = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
	errno = saved;
}

/* ------------------------------------------------------------ resting */

static Resting *
find_resting(const char *model)
{
	ListCell   *cell;

	foreach(cell, resting)
		if (strcmp(((Resting *) lfirst(cell))->model, model) == 0)
			return lfirst(cell);
	return NULL;
}

static bool
is_resting(const char *model)
{
	const Resting *found = find_resting(model);

	return found && found->until > GetCurrentTimestamp();
}

static void
wake(const char *model)
{
	Resting    *found = find_resting(model);

	if (found == NULL)
		return;
	resting = list_delete_ptr(resting, found);
	pfree(found);
}

static bool
is_listed(const List *models, const char *model)
{
	ListCell   *cell;

	foreach(cell, models)
		if (strcmp(lfirst(cell), model) == 0)
			return true;
	return false;
}

/* Those for which nothing is queued any more, because somebody else has learned it: nobody would wake them. */
static void
wake_all_but(const List *models)
{
	ListCell   *cell;

	foreach(cell, resting)
	{
		Resting    *one = lfirst(cell);

		if (is_listed(models, one->model))
			continue;
		resting = foreach_delete_current(resting, cell);
		pfree(one);
	}
}

static void
rest(const char *model, bool failed)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Resting    *found = find_resting(model);
	int			milliseconds = BUSY_MILLISECONDS;

	if (found == NULL)
	{
		found = palloc0(sizeof(Resting));
		strlcpy(found->model, model, sizeof(found->model));
		resting = lappend(resting, found);
	}
	if (failed)
		milliseconds = Min(FAILED_MILLISECONDS << Min(found->failures++, 10), FAILED_MOST_MILLISECONDS);
	found->until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
	MemoryContextSwitchTo(old);
}

/* How long until the next model wakes, at most as long as the worker sleeps. */
static long
milliseconds_to_sleep(void)
{
	TimestampTz now = GetCurrentTimestamp();
	long		sleep = LOOK_MILLISECONDS;
	ListCell   *cell;

	foreach(cell, resting)
		sleep = Min(sleep, TimestampDifferenceMilliseconds(now, ((Resting *) lfirst(cell))->until));
	return Max(sleep, 1);
}

/* ------------------------------------------------------------ draining */

static void
begin(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* Whoever drops, renames or copies the database holds a lock on it while it waits for others to leave. */
static bool
database_is_wanted(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, false);
	return false;
}

/* Models that have anything queued, in memory of the caller.  False: there is nothing to stay for. */
static bool
look(List **models, MemoryContext context)
{
	char	   *model = NULL;
	bool		stay;

	*models = NIL;
	begin();
	stay = EasqIsInstalled() && !database_is_wanted();
	while (stay && (model = EasqQueueNextModel(model)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		*models = lappend(*models, pstrdup(model));
		MemoryContextSwitchTo(old);
	}
	commit();
	return stay;
}

/* In the name of the model's owner; a model whose owner is gone waits for another, and one that is gone itself has nothing queued. */
static EasqDrained
drain_as_owner(const char *model)
{
	EasqIdentity identity;
	EasqDrained drained;
	int64		learned;
	Oid			user;
	int			context;

	if (!EasqModelIdentity(model, &identity, true))
		return EASQ_DRAIN_BUSY;
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(identity.rights.owner)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("answers for model \"%s\" stay queued: its owner (role with OID %u) does not exist any more",
						model, identity.rights.owner),
				 errhint("easq_configure(model, '{\"owner\": \"role\"}') hands a model to another role.")));
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(identity.rights.owner, context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	drained = EasqDrain(model, EASQ_ANSWERS_A_STEP, EASQ_NO_WAIT, &learned);
	SetUserIdAndSecContext(user, context);
	return drained;
}

/* In PG_CATCH.  Who asked to stop need not read of the error. */
static void
abort_and_report(void)
{
	HOLD_INTERRUPTS();
	if (!asked_to_stop)
		EmitErrorReport();
	AbortCurrentTransaction();
	FlushErrorState();
	RESUME_INTERRUPTS();
}

/* One portion, one transaction.  An error is told in the server's log, and the model rests. */
static void
drain_portion(const char *model)
{
	char		activity[EASQ_MAX_NAME + 64];
	volatile bool failed = false;
	volatile EasqDrained drained = EASQ_DRAINED;

	snprintf(activity, sizeof(activity), "learning queued answers of model \"%s\"", model);
	pgstat_report_activity(STATE_RUNNING, activity);
	PG_TRY();
	{
		begin();
		drained = drain_as_owner(model);
		commit();
	}
	PG_CATCH();
	{
		abort_and_report();
		failed = true;
	}
	PG_END_TRY();
	if (failed || drained == EASQ_DRAIN_BUSY)
		rest(model, failed);
	else
		wake(model);
	pgstat_report_stat(false);
}

/* A portion of each model that has any, in turn, until none has.  *worked: there was any.  False: there is nothing to stay for. */
static bool
drain_all(bool *worked)
{
	static MemoryContext context = NULL;
	bool		stay = true;
	bool		tried = true;

	if (context == NULL)
		context = AllocSetContextCreate(TopMemoryContext, "easq models", ALLOCSET_SMALL_SIZES);
	*worked = false;
	while (stay && tried && !asked_to_stop)
	{
		List	   *models;
		ListCell   *cell;

		tried = false;
		MemoryContextReset(context);
		stay = look(&models, context);
		wake_all_but(models);
		foreach(cell, models)
			if (!asked_to_stop && !is_resting(lfirst(cell)))
			{
				drain_portion(lfirst(cell));
				tried = *worked = true;
			}
	}
	return stay;
}

/* An error while it looks (a table that somebody altered) is no reason to be started again and again. */
static bool
drain_or_report(bool *worked)
{
	volatile bool stay = true;

	PG_TRY();
	{
		stay = drain_all(worked);
	}
	PG_CATCH();
	{
		abort_and_report();
		*worked = false;
	}
	PG_END_TRY();
	return stay;
}

/* ---------------------------------------------------------- the process */

/* A database that is gone is not waited for: only an exit without an error keeps PostgreSQL from starting it again. */
static void
leave_for_good(int code, Datum argument pg_attribute_unused())
{
	if (code != 0 && !connected)
		proc_exit(0);
}

static void
start_process(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, on_terminate);
	pqsignal(SIGINT, StatementCancelHandler);
	BackgroundWorkerUnblockSignals();
}

static void
sleep_until_woken(long milliseconds)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	if (asked_to_stop)
		return;
	/* A cancel that found nothing running. */
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

static bool
idle_for_long(TimestampTz since)
{
	return easq_worker_idle_timeout > 0 &&
		TimestampDifferenceExceeds(since, GetCurrentTimestamp(), easq_worker_idle_timeout * 1000);
}

void
easq_worker_main(Datum database)
{
	bool		only_if_work = MyBgworkerEntry->bgw_extra[0] != 0;
	TimestampTz worked_at;
	bool		worked;

	on_proc_exit(leave_for_good, (Datum) 0);
	start_process();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, 0);
	connected = true;
	if (!EasqBellTake())
		proc_exit(0);
	SetConfigOption("application_name", "easq worker", PGC_USERSET, PGC_S_SESSION);
	/* Whatever a database has for its own transactions. */
	SetConfigOption("default_transaction_read_only", "off", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_SUSET, PGC_S_OVERRIDE);
	worked_at = GetCurrentTimestamp();
	while (!asked_to_stop && drain_or_report(&worked))
	{
		if (worked)
			worked_at = GetCurrentTimestamp();
		else if (only_if_work || idle_for_long(worked_at))
			break;
		only_if_work = false;
		pgstat_report_activity(STATE_IDLE, NULL);
		pgstat_report_stat(true);
		sleep_until_woken(milliseconds_to_sleep());
	}
	proc_exit(0);
}

/* ------------------------------------------------------------ the launcher */

void
EasqLauncherRegister(void)
{
	BackgroundWorker launcher;

	if (!process_shared_preload_libraries_in_progress)
		return;
	memset(&launcher, 0, sizeof(launcher));
	launcher.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	launcher.bgw_start_time = BgWorkerStart_RecoveryFinished;
	launcher.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(launcher.bgw_library_name, "easq", sizeof(launcher.bgw_library_name));
	strlcpy(launcher.bgw_function_name, "easq_launcher_main", sizeof(launcher.bgw_function_name));
	strlcpy(launcher.bgw_type, "easq launcher", sizeof(launcher.bgw_type));
	strlcpy(launcher.bgw_name, "easq launcher", sizeof(launcher.bgw_name));
	RegisterBackgroundWorker(&launcher);
}

/* Those that can be connected to. */
static List *
databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List	   *found = NIL;
	Relation	table;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	table = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(table, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old = MemoryContextSwitchTo(context);

		if (database->datallowconn && !database->datistemplate)
			found = lappend_oid(found, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(table, AccessShareLock);
	CommitTransactionCommand();
	return found;
}

/* Each looks into its database and stays where there is work; where workers are few it waits for one to end. */
void
easq_launcher_main(Datum argument pg_attribute_unused())
{
	ListCell   *cell;
	List	   *all;

	start_process();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	all = easq_worker ? databases() : NIL;
	foreach(cell, all)
		while (!asked_to_stop && !EasqBellStart(lfirst_oid(cell), true, false))
			sleep_until_woken(LOOK_MILLISECONDS);
	proc_exit(0);
}
