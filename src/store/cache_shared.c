/*
 * The registry of shared backbones.
 *
 * It lies in the server's main shared memory.  A place in it is first reserved
 * by the one backend that loads, then published.  The backends that have a
 * segment mapped are counted by its detach callback, which runs on error and
 * on exit too: a place whose loader gave up is free again, and one that nobody
 * maps may go.  (After a crash the server drops both registry and segments.)
 *
 * Ids are random and never come again, so that an entry can be stale but never
 * wrong: who asks has found the id under a snapshot of its own.  What a
 * transaction has written itself is not published before it commits, since a
 * rollback would leave an entry that displaced a better one.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "compat.h"
#include "store/cache_shared.h"

/* Far fewer than the segments that PostgreSQL allows: parallel queries need theirs. */
#define PLACES 64
#define MEGABYTE ((Size) 1024 * 1024)

typedef enum PlaceState
{
	PLACE_FREE,
	PLACE_LOADING,
	PLACE_READY
} PlaceState;

typedef struct Place
{
	PlaceState	state;
	Oid			database;
	pg_uuid_t	backbone_id;
	char		model[EASQ_MAX_NAME + 1];
	int64		version;		/* of the backbone */
	Size		bytes;
	dsm_handle	handle;			/* once it is ready */
	int			loader;			/* process id */
	int			users;			/* backends that have it mapped */
	bool		superseded;		/* the model has a later backbone: goes with its last user */
	uint64		used_at;		/* by the registry's clock */
} Place;

typedef struct Registry
{
	ConditionVariable changed;	/* a place that was loading is ready or free */
	uint64		clock;
	Place		place[PLACES];
} Registry;

int			easq_shared_cache_size;

static Registry *registry;		/* NULL: not preloaded */
static LWLock *lock;
static shmem_request_hook_type previous_request;
static shmem_startup_hook_type previous_startup;

static void
request_memory(void)
{
	if (previous_request)
		previous_request();
	RequestAddinShmemSpace(sizeof(Registry));
	RequestNamedLWLockTranche("easq", 1);
}

static void
start_registry(void)
{
	bool		found;

	if (previous_startup)
		previous_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	registry = ShmemInitStruct("easq shared backbones", sizeof(Registry), &found);
	if (!found)
	{
		memset(registry, 0, sizeof(Registry));
		ConditionVariableInit(&registry->changed);
	}
	lock = &GetNamedLWLockTranche("easq")->lock;
	LWLockRelease(AddinShmemInitLock);
}

void
EasqSharedCacheInit(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	EasqOnShmemRequest(previous_request, request_memory);
	previous_startup = shmem_startup_hook;
	shmem_startup_hook = start_registry;
}

bool
EasqSharedCacheEnabled(void)
{
	return registry != NULL && easq_shared_cache_size > 0;
}

/* From here to the next such line: the registry's lock is held. */

static Place *
find_place(const pg_uuid_t *backbone_id)
{
	for (int i = 0; i < PLACES; i++)
	{
		Place	   *place = &registry->place[i];

		if (place->state != PLACE_FREE && place->database == MyDatabaseId &&
			memcmp(&place->backbone_id, backbone_id, sizeof(pg_uuid_t)) == 0)
			return place;
	}
	return NULL;
}

static bool
is_unused(const Place *place)
{
	return place->state == PLACE_READY && place->users == 0;
}

/* The memory goes now, or with the last backend that is on its way out. */
static void
forget(Place *place)
{
	place->state = PLACE_FREE;
	dsm_unpin_segment(place->handle);
}

static Place *
least_recently_used(void)
{
	Place	   *oldest = NULL;

	for (int i = 0; i < PLACES; i++)
	{
		Place	   *place = &registry->place[i];

		if (is_unused(place) && (oldest == NULL || place->used_at < oldest->used_at))
			oldest = place;
	}
	return oldest;
}

static Place *
free_place(void)
{
	for (int i = 0; i < PLACES; i++)
		if (registry->place[i].state == PLACE_FREE)
			return &registry->place[i];
	return NULL;
}

/* Bytes of all places, or of those alone that cannot go. */
static Size
sum_bytes(bool in_use)
{
	Size		sum = 0;

	for (int i = 0; i < PLACES; i++)
	{
		const Place *place = &registry->place[i];

		if (place->state != PLACE_FREE && !(in_use && is_unused(place)))
			sum += place->bytes;
	}
	return sum;
}

/* A place for so many bytes, the least recently used making room; NULL where there is none, *left bytes being left. */
static Place *
reserve(const EasqModel *model, Size bytes, Size *left)
{
	Size		limit = (Size) easq_shared_cache_size * 1024;
	Size		in_use = sum_bytes(true);
	Place	   *place;

	*left = limit > in_use ? limit - in_use : 0;
	if (bytes > *left)
		return NULL;
	while (sum_bytes(false) > limit - bytes)
		forget(least_recently_used());
	place = free_place();
	if (place == NULL)
	{
		place = least_recently_used();
		if (place == NULL)
			return NULL;
		forget(place);
	}
	place->state = PLACE_LOADING;
	place->database = MyDatabaseId;
	place->backbone_id = model->backbone.id;
	strlcpy(place->model, model->name, sizeof(place->model));
	place->version = model->backbone.version;
	place->bytes = bytes;
	place->loader = MyProcPid;
	place->users = 1;
	place->superseded = false;
	place->used_at = ++registry->clock;
	return place;
}

/*
 * One backbone of a model is current: of those in use the latest, though an old
 * snapshot may have just loaded an earlier one.  One that nobody uses does not
 * count, whatever its version: the model may have been dropped and made again.
 */
static void
supersede(Place *loaded)
{
	for (int i = 0; i < PLACES; i++)
	{
		Place	   *place = &registry->place[i];

		if (place == loaded || place->state != PLACE_READY || place->database != loaded->database ||
			strcmp(place->model, loaded->model) != 0)
			continue;
		if (is_unused(place))
			forget(place);
		else if (place->version > loaded->version)
			loaded->superseded = true;
		else
			place->superseded = true;
	}
}

/* The registry's lock is not held any more. */

static void
abandon(Place *place)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	place->state = PLACE_FREE;
	LWLockRelease(lock);
	ConditionVariableBroadcast(&registry->changed);
}

/* Runs whenever this backend lets go of a segment: by itself, on error, at exit. */
static void
leave(dsm_segment *segment pg_attribute_unused(), Datum arg)
{
	Place	   *place = (Place *) DatumGetPointer(arg);

	if (place->state == PLACE_LOADING)
	{
		abandon(place);
		return;
	}
	LWLockAcquire(lock, LW_EXCLUSIVE);
	place->users--;
	place->used_at = ++registry->clock;
	if (place->superseded && is_unused(place))
		forget(place);
	LWLockRelease(lock);
}

/* With the lock held: a ready place can go at any other time.  An error releases it. */
static dsm_segment *
attach(Place *place)
{
	dsm_segment *segment = dsm_attach(place->handle);

	if (segment == NULL)
		return NULL;
	on_dsm_detach(segment, leave, PointerGetDatum(place));
	dsm_pin_mapping(segment);
	place->users++;
	place->used_at = ++registry->clock;
	return segment;
}

static void
warn_once(const EasqModel *model, Size bytes, const char *reason, const char *hint)
{
	static bool warned;

	ereport(warned ? DEBUG1 : WARNING,
			(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
			 errmsg("model \"%s\" is not shared, this connection loads its own copy of %zu MB: %s",
					model->name, (bytes + MEGABYTE - 1) / MEGABYTE, reason),
			 errhint("%s", hint)));
	warned = true;
}

/* A new segment for the place; NULL, and why, where the system has no room. */
static dsm_segment *
try_segment(Place *place, Size bytes, const char **why)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	dsm_segment *volatile segment = NULL;
	const char *volatile reason = "the server has no more dynamic shared memory segments";

	/* Without an owner it stays mapped until it is detached, and an error that is caught leaves nothing to the transaction. */
	CurrentResourceOwner = NULL;
	PG_TRY();
	{
		segment = dsm_create(bytes, DSM_CREATE_NULL_IF_MAXSEGMENTS);
		if (segment)
			on_dsm_detach(segment, leave, PointerGetDatum(place));
	}
	PG_CATCH();
	{
		CurrentResourceOwner = owner;
		if (segment)
			dsm_detach(segment);
		segment = NULL;
		MemoryContextSwitchTo(context);
		reason = CopyErrorData()->message;
		FlushErrorState();
	}
	PG_END_TRY();
	CurrentResourceOwner = owner;
	*why = reason;
	return segment;
}

/* Gives back to the system what nobody uses, the least recently used; false: there is nothing. */
static bool
let_one_go(void)
{
	Place	   *place;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	place = least_recently_used();
	if (place)
		forget(place);
	LWLockRelease(lock);
	return place != NULL;
}

/*
 * The system may have less room than the setting says.  NULL, the place free again and a warning given, where it has
 * none even without the models that nobody uses.  (Not inline: the loop must not be in one frame with PG_TRY.)
 */
static pg_noinline dsm_segment *
create_segment(Place *place, const EasqModel *model, Size bytes)
{
	dsm_segment *segment;
	const char *why;

	do
		segment = try_segment(place, bytes, &why);
	while (segment == NULL && let_one_go());
	if (segment)
		return segment;
	abandon(place);
	warn_once(model, bytes, why,
			  "Give the server more shared memory: a larger /dev/shm (in containers often 64 MB, --shm-size=), or another dynamic_shared_memory_type.");
	return NULL;
}

static dsm_segment *
load(Place *place, const EasqModel *model, Size bytes, EasqSharedCacheFill fill)
{
	dsm_segment *segment = create_segment(place, model, bytes);

	if (segment == NULL)
		return NULL;
	PG_TRY();
	{
		fill(model, dsm_segment_address(segment));
		dsm_pin_segment(segment);
	}
	PG_CATCH();
	{
		dsm_detach(segment);
		PG_RE_THROW();
	}
	PG_END_TRY();
	LWLockAcquire(lock, LW_EXCLUSIVE);
	place->handle = dsm_segment_handle(segment);
	place->state = PLACE_READY;
	supersede(place);
	LWLockRelease(lock);
	ConditionVariableBroadcast(&registry->changed);
	return segment;
}

/* Whether a loader waits for a lock: perhaps for one that those who wait for it hold, which no deadlock check would see. */
static bool
is_held_up(int loader)
{
	PGPROC	   *process = BackendPidGetProc(loader);

	return process != NULL && process->waitLock != NULL;
}

static void
warn_full(const EasqModel *model, Size bytes, Size left)
{
	if (bytes > left)
		warn_once(model, bytes, psprintf("easq.shared_cache_size leaves %zu MB beside the models in use", left / MEGABYTE),
				  "Raise easq.shared_cache_size; after a training it has to hold the old model too, until all connections have scored with the new one.");
	else
		warn_once(model, bytes, psprintf("%d shared models are in use", PLACES), "Use fewer models at a time.");
}

struct dsm_segment *
EasqSharedCacheAcquire(const EasqModel *model, Size bytes, EasqSharedCacheFill fill)
{
	if (!EasqSharedCacheEnabled())
		return NULL;
	for (;;)
	{
		dsm_segment *segment = NULL;
		Place	   *place;
		PlaceState	state;
		Size		left = 0;
		int			loader;

		LWLockAcquire(lock, LW_EXCLUSIVE);
		place = find_place(&model->backbone.id);
		state = place ? place->state : PLACE_FREE;
		loader = place ? place->loader : 0;
		if (state == PLACE_READY)
			segment = attach(place);
		else if (state == PLACE_FREE && !model->backbone.uncommitted)
			place = reserve(model, bytes, &left);
		LWLockRelease(lock);

		if (state == PLACE_LOADING)
		{
			if (!ConditionVariableTimedSleep(&registry->changed, DeadlockTimeout, PG_WAIT_EXTENSION) ||
				!is_held_up(loader))
				continue;
			place = NULL;
		}
		ConditionVariableCancelSleep();
		if (state != PLACE_FREE || model->backbone.uncommitted)
			return segment;
		if (place == NULL)
		{
			warn_full(model, bytes, left);
			return NULL;
		}
		return load(place, model, bytes, fill);
	}
}

char *
EasqSharedCacheBlock(struct dsm_segment *segment)
{
	return dsm_segment_address(segment);
}

void
EasqSharedCacheRelease(struct dsm_segment *segment)
{
	dsm_detach(segment);
}

int
EasqSharedCacheStates(EasqSharedCacheState **states)
{
	EasqSharedCacheState *state = palloc0(sizeof(EasqSharedCacheState) * PLACES);
	int			count = 0;

	*states = state;
	if (registry == NULL)
		return 0;
	LWLockAcquire(lock, LW_SHARED);
	for (int i = 0; i < PLACES; i++)
	{
		const Place *place = &registry->place[i];

		if (place->state == PLACE_FREE)
			continue;
		state[count].database = place->database;
		strlcpy(state[count].model, place->model, sizeof(state[count].model));
		state[count].backbone_id = place->backbone_id;
		state[count].bytes = place->bytes;
		state[count].connections = place->users;
		state[count].state = place->state == PLACE_LOADING ? "loading" : place->superseded ? "superseded" : "current";
		count++;
	}
	LWLockRelease(lock);
	return count;
}
