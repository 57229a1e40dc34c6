#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "utils/acl.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "learn/append.h"
#include "learn/attempt.h"
#include "learn/due.h"
#include "learn/trust.h"
#include "store/answer_queue.h"
#include "store/model.h"
#include "store/table.h"

/* Tables that one backend answers in turn; of more, the last ones. */
#define PREPARED 8

typedef struct Prepared
{
	MemoryContext context;		/* of all that it holds; NULL: free */
	bool		valid;			/* no word of changes since */
	bool		unfit;			/* nor since the table was found to need the long way */
	Oid			relation;
	Oid			owner;			/* of the table, then */
	EasqStamp	questionnaire;	/* the rows that it was made from */
	EasqStamp	model;
	EasqRights	rights;			/* to the model */
	Oid			author;
	char	   *name;			/* of the model */
	EasqLearnOptions options;
	EasqCollector *collector;
	MemoryContext row_context;
} Prepared;

static Prepared prepared[PREPARED];
static int	next_prepared;
static Oid	questionnaires;		/* easq.questionnaire, which somebody may alter */

static void
forget(Datum argument pg_attribute_unused(), Oid relation)
{
	for (int i = 0; i < PREPARED; i++)
		if (!OidIsValid(relation) || relation == prepared[i].relation || relation == questionnaires)
			prepared[i].valid = prepared[i].unfit = false;
}

/* Keys name their table with its schema. */
static void
forget_all(Datum argument, int cache pg_attribute_unused(), uint32 hash pg_attribute_unused())
{
	forget(argument, InvalidOid);
}

static bool
is_unfit(Oid relation)
{
	for (int i = 0; i < PREPARED; i++)
		if (prepared[i].unfit && prepared[i].relation == relation)
			return true;
	return false;
}

static Prepared *
find(Oid relation)
{
	for (int i = 0; i < PREPARED; i++)
		if (prepared[i].valid && prepared[i].relation == relation)
			return &prepared[i];
	return NULL;
}

/* ------------------------------------------------------------- preparing */

static Prepared *
free_place(Oid relation)
{
	static bool watching = false;
	Prepared   *place = NULL;

	if (!watching)
	{
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
		CacheRegisterSyscacheCallback(NAMESPACEOID, forget_all, (Datum) 0);
	}
	watching = true;
	for (int i = 0; i < PREPARED; i++)
		if (prepared[i].relation == relation || (place == NULL && prepared[i].context == NULL))
			place = &prepared[i];
	if (place == NULL)
	{
		place = &prepared[next_prepared];
		next_prepared = (next_prepared + 1) % PREPARED;
	}
	if (place->context)
		MemoryContextDelete(place->context);
	memset(place, 0, sizeof(*place));
	return place;
}

typedef struct Preparing
{
	const EasqQuestionnaire *questionnaire;
	const EasqWrittenRows *written;
} Preparing;

static Oid
owner_of(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* Everything that must outlive the statement is made in the place's own context. */
static void
fill(Prepared *place, const Preparing *preparing)
{
	const EasqQuestionnaire *from = preparing->questionnaire;
	EasqQuestionnaire *found;
	EasqIdentity identity;

	/* Stamps first: what is read may be newer, and then the stamp is found wrong. */
	if (!EasqQuestionnaireStamp(from->relation, &place->questionnaire) ||
		EasqQuestionnairesOf(from->relation, &found) != 1 || !EasqModelStamp(found->model, &place->model) ||
		!EasqModelIdentity(found->model, &identity, true))
		return;
	EasqLearnOptionsRead(&place->options, found->options);
	place->unfit = found->features != NULL;
	if (place->options.when == EASQ_LEARN_NOW || place->unfit)
		return;
	place->rights = identity.rights;
	place->owner = owner_of(from->relation);
	place->author = found->author;
	place->name = found->model;
	place->collector = EasqCollectorCreate(EasqModelRead(found->model, false)->spec, found, &place->options,
										   CreateTupleDescCopy(preparing->written->desc));
	place->row_context = AllocSetContextCreate(CurrentMemoryContext, "easq appended", ALLOCSET_SMALL_SIZES);
	place->valid = EasqCollectorIsSafe(place->collector);
	place->unfit = !place->valid;
}

static void
prepare(void *argument)
{
	const Preparing *preparing = argument;
	Prepared   *place = free_place(preparing->questionnaire->relation);
	MemoryContext old;

	place->relation = preparing->questionnaire->relation;
	place->context = AllocSetContextCreate(TopMemoryContext, "easq prepared", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(place->context);
	questionnaires = EasqFindTable("questionnaire");
	PushActiveSnapshot(GetLatestSnapshot());
	fill(place, preparing);
	PopActiveSnapshot();
	MemoryContextSwitchTo(old);
}

void
EasqAppendPrepare(const EasqQuestionnaire *questionnaire, const EasqWrittenRows *written)
{
	Preparing	preparing = {questionnaire, written};
	ErrorData  *error;

	/* A partition's answers may belong to a table above it. */
	if (find(questionnaire->relation) || is_unfit(questionnaire->relation) || questionnaire->relation != written->relation ||
		get_rel_relispartition(written->relation))
		return;
	error = EasqAttempt(prepare, &preparing, false);
	/* The long way has said what is wrong, or the next one will. */
	if (error)
		FreeErrorData(error);
}

/* ------------------------------------------------------------- appending */

/* Are the rows that it was made from still there?  Of another model that learns from the table EasqQuestionnaireWrite gives word. */
static bool
is_current(const Prepared *place)
{
	bool		current;

	PushActiveSnapshot(GetLatestSnapshot());
	current = EasqStampHolds(&place->questionnaire) && EasqStampHolds(&place->model);
	PopActiveSnapshot();
	return current;
}

/* What EasqCheckAuthor and the model's rights say, without an error. */
static bool
may_teach(const Prepared *place)
{
	return SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(place->author)) &&
		EasqOwnsRelation(place->relation, place->author) && EasqMaySetRole(place->owner, place->author) &&
		EasqMay(&place->rights, place->author, EASQ_TO_TEACH);
}

static void
append(const Prepared *place, const EasqAnswer *answer)
{
	EasqQueue	queue;

	PG_TRY();
	{
		EasqQueueBegin(&queue, place->name);
		EasqQueueAdd(&queue, answer, false);
		EasqQueueEnd(&queue);
	}
	PG_CATCH();
	{
		/* The next one goes the long way, in a subtransaction. */
		EasqTrustNone();
		PG_RE_THROW();
	}
	PG_END_TRY();
	EasqDueToLearners();
	if (place->options.when == EASQ_LEARN_AT_COMMIT)
		EasqDueAtCommit(place->name, !place->options.queue);
}

bool
EasqAppend(const EasqWrittenRows *written)
{
	Prepared   *place = find(written->relation);
	EasqReading reading;
	EasqAnswer	answer;
	MemoryContext old;

	if (place == NULL || written->before || tuplestore_tuple_count(written->now) != 1 || !EasqTrusts(place->name))
		return false;
	/* Whoever drops the model waits from here on; of who has dropped it we hear with the lock. */
	EasqModelLockName(place->name, AccessShareLock);
	if (!place->valid)
		return false;
	if (!is_current(place))
	{
		place->valid = false;
		return false;
	}
	if (!may_teach(place))
		return false;
	old = MemoryContextSwitchTo(place->row_context);
	reading = EasqCollectOne(place->collector, written->now, &answer);
	if (reading == EASQ_READ_ANSWER)
		append(place, &answer);
	MemoryContextSwitchTo(old);
	MemoryContextReset(place->row_context);
	return reading == EASQ_READ_ANSWER || reading == EASQ_READ_NOTHING;
}
