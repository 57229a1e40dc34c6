#include "postgres.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "learn/attempt.h"
#include "learn/bell.h"

/* Databases that have a worker; max_worker_processes is mostly far less. */
#define PLACES 64
#define RESTART_SECONDS 5
/* A worker that was asked for has so long until another is. */
#define START_MILLISECONDS 5000

typedef struct Place
{
	Oid			database;		/* InvalidOid: free */
	int			pid;			/* 0: none runs */
	Latch	   *latch;
	TimestampTz asked_at;		/* when one was last asked for by itself */
} Place;

typedef struct Bells
{
	slock_t		lock;
	Place		place[PLACES];
} Bells;

bool		easq_worker;

static Bells *bells;			/* NULL: not looked for yet, or there is no room */
static Latch *found;
static shmem_request_hook_type previous_request;

static void
request_memory(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(sizeof(Bells));
}

void
EasqBellInit(void)
{
	if (process_shared_preload_libraries_in_progress)
		EasqOnShmemRequest(previous_request, request_memory);
}

static void
look_for_bells(void *argument pg_attribute_unused())
{
	bool		there;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	bells = ShmemInitStruct("easq workers", sizeof(Bells), &there);
	if (!there)
	{
		memset(bells, 0, sizeof(Bells));
		SpinLockInit(&bells->lock);
	}
	LWLockRelease(AddinShmemInitLock);
}

/* Without room for bells a worker finds the answers when it next looks: not even that may fail a commit. */
static void
try_to_look_for_bells(void)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		ErrorData  *error = EasqAttempt(look_for_bells, NULL, false);

		if (error)
			FreeErrorData(error);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		if (geterrcode() != ERRCODE_OUT_OF_MEMORY)
			PG_RE_THROW();
		FlushErrorState();
	}
	PG_END_TRY();
}

/* Under the lock: the place of a database, or where it can have one, at best one that no other waits in; NULL: all are taken. */
static Place *
place_of(Oid database)
{
	Place	   *free = NULL;

	for (int i = 0; i < PLACES; i++)
	{
		Place	   *place = &bells->place[i];

		if (place->database == database)
			return place;
		if (place->pid == 0 && (free == NULL || (OidIsValid(free->database) && !OidIsValid(place->database))))
			free = place;
	}
	if (free)
	{
		memset(free, 0, sizeof(Place));
		free->database = database;
	}
	return free;
}

/* Is nobody there, and has nobody asked for one lately? */
static bool
is_wanted(void)
{
	TimestampTz now = GetCurrentTimestamp();
	Place	   *place;
	bool		wanted;

	SpinLockAcquire(&bells->lock);
	place = place_of(MyDatabaseId);
	wanted = place && place->pid == 0 && TimestampDifferenceExceeds(place->asked_at, now, START_MILLISECONDS);
	if (wanted)
		place->asked_at = now;
	SpinLockRelease(&bells->lock);
	return wanted;
}

void
EasqBellFind(void)
{
	static bool looked = false;
	Place	   *place;

	if (!looked && bells == NULL)
	{
		looked = true;
		try_to_look_for_bells();
	}
	found = NULL;
	if (bells == NULL)
		return;
	SpinLockAcquire(&bells->lock);
	place = place_of(MyDatabaseId);
	if (place && place->pid != 0)
		found = place->latch;
	SpinLockRelease(&bells->lock);
	if (found == NULL && easq_worker && is_wanted())
		(void) EasqBellStart(MyDatabaseId, false, false);
}

void
EasqBellRing(void)
{
	if (found)
		SetLatch(found);
	found = NULL;
}

static void
leave(int code pg_attribute_unused(), Datum argument)
{
	Place	   *place = (Place *) DatumGetPointer(argument);

	SpinLockAcquire(&bells->lock);
	place->pid = 0;
	place->latch = NULL;
	place->database = InvalidOid;
	SpinLockRelease(&bells->lock);
}

bool
EasqBellTake(void)
{
	Place	   *place;
	bool		taken;

	look_for_bells(NULL);
	SpinLockAcquire(&bells->lock);
	place = place_of(MyDatabaseId);
	taken = place && place->pid == 0;
	if (taken)
	{
		place->pid = MyProcPid;
		place->latch = MyLatch;
	}
	SpinLockRelease(&bells->lock);
	if (taken)
		before_shmem_exit(leave, PointerGetDatum(place));
	return taken;
}

int
EasqBellOwner(void)
{
	Place	   *place;
	int			pid;

	if (bells == NULL)
		look_for_bells(NULL);
	SpinLockAcquire(&bells->lock);
	place = place_of(MyDatabaseId);
	pid = place ? place->pid : 0;
	SpinLockRelease(&bells->lock);
	return pid;
}

static void
refuse_start(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("no worker could be started: all %d background workers are in use", max_worker_processes),
			 errhint("Raise max_worker_processes, which needs a restart, or call easq_drain from time to time.")));
}

bool
EasqBellStart(Oid database, bool only_if_work, bool wait)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	pid_t		pid;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_SECONDS;
	strlcpy(worker.bgw_library_name, "easq", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, EASQ_WORKER_MAIN, sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_type, "easq worker", sizeof(worker.bgw_type));
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "easq worker of database %u", database);
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_extra[0] = only_if_work;
	worker.bgw_notify_pid = wait ? MyProcPid : 0;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		if (wait)
			refuse_start();
		return false;
	}
	if (wait)
		(void) WaitForBackgroundWorkerStartup(handle, &pid);
	pfree(handle);
	return true;
}
