#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "store/columns.h"
#include "store/answer_queue.h"
#include "store/row.h"

/* Of the rows of a statement so many have a place of their own in its order. */
#define PLACE_BYTES 3
#define MOST_PLACES ((1 << (8 * PLACE_BYTES)) - 1)

/* The random rest tells rows of one moment apart. */
static pg_uuid_t
next_id(EasqQueue *queue)
{
	pg_uuid_t	id = EasqNewId();
	uint64		at = pg_hton64((uint64) queue->at);
	uint32		place = pg_hton32(Min(queue->rows, MOST_PLACES) << (8 * (sizeof(place) - PLACE_BYTES)));

	queue->rows++;
	memcpy(id.data, &at, sizeof(at));
	memcpy(id.data + sizeof(at), &place, PLACE_BYTES);
	return id;
}

void
EasqQueueAdd(EasqQueue *queue, const EasqAnswer *answer, bool forget)
{
	EasqRow		row;
	pg_uuid_t	id = next_id(queue);

	EasqRowInit(&row);
	EasqRowSetText(&row, QUEUED_MODEL, queue->model);
	EasqRowSetText(&row, QUEUED_ADAPTER, EASQ_OWN_ADAPTER);
	EasqRowSetId(&row, QUEUED_ID, &id);
	EasqRowSetText(&row, QUEUED_RESPONDENT, answer->respondent);
	EasqRowSet(&row, QUEUED_KEY, EasqBytesDatum(answer->key, EASQ_KEY_BYTES));
	if (answer->has_name)
		EasqRowSet(&row, QUEUED_NAMED, EasqBytesDatum(answer->named, EASQ_KEY_BYTES));
	EasqRowSet(&row, QUEUED_KEYED, BoolGetDatum(answer->keyed));
	EasqRowSet(&row, QUEUED_FORGET, BoolGetDatum(forget));
	EasqRowSet(&row, QUEUED_ANSWER, Float8GetDatum(answer->answer));
	EasqRowSet(&row, QUEUED_WEIGHT, Float8GetDatum(answer->weight));
	EasqRowSetTime(&row, QUEUED_ASKED_AT, answer->asked_at);
	EasqRowSet(&row, QUEUED_PER_HOUR, Int32GetDatum(answer->per_hour));
	EasqRowSet(&row, QUEUED_EXAMPLE, EasqBytesDatum(answer->example, answer->length));
	EasqRowSet(&row, QUEUED_AT, TimestampTzGetDatum(queue->at));
	EasqWriterInsert(&queue->writer, row.values, row.nulls);
}

void
EasqQueueBegin(EasqQueue *queue, const char *model)
{
	queue->model = model;
	queue->at = GetCurrentTimestamp();
	queue->rows = 0;
	EasqWriterBegin(&queue->writer, "queued");
}

void
EasqQueueUncertain(EasqQueue *queue, int count)
{
	EasqAnswer	uncertain = {.answer = NAN, .weight = 1, .asked_at = DT_NOBEGIN, .example = ""};

	for (int i = 0; i < count; i++)
		EasqQueueAdd(queue, &uncertain, false);
}

void
EasqQueueEnd(EasqQueue *queue)
{
	EasqWriterEnd(&queue->writer);
}

static void
read_queued(const EasqScan *scan, HeapTuple tuple, EasqAnswer *answer)
{
	int			length;
	char	   *bytes = EasqColumnBytes(scan, tuple, QUEUED_KEY, &length);
	bool		unnamed;

	memset(answer, 0, sizeof(*answer));
	memcpy(answer->key, bytes, Min(length, EASQ_KEY_BYTES));
	(void) EasqColumnOrNull(scan, tuple, QUEUED_NAMED, &unnamed);
	answer->has_name = !unnamed;
	if (answer->has_name)
	{
		bytes = EasqColumnBytes(scan, tuple, QUEUED_NAMED, &length);
		memcpy(answer->named, bytes, Min(length, EASQ_KEY_BYTES));
	}
	answer->keyed = DatumGetBool(EasqColumn(scan, tuple, QUEUED_KEYED));
	answer->respondent = EasqColumnTextOrNull(scan, tuple, QUEUED_RESPONDENT);
	answer->answer = DatumGetFloat8(EasqColumn(scan, tuple, QUEUED_ANSWER));
	answer->weight = DatumGetFloat8(EasqColumn(scan, tuple, QUEUED_WEIGHT));
	answer->asked_at = EasqColumnTime(scan, tuple, QUEUED_ASKED_AT);
	answer->queued_at = DatumGetTimestampTz(EasqColumn(scan, tuple, QUEUED_AT));
	answer->per_hour = DatumGetInt32(EasqColumn(scan, tuple, QUEUED_PER_HOUR));
	answer->example = EasqColumnBytes(scan, tuple, QUEUED_EXAMPLE, &answer->length);
}

/* What one statement says of one key is told together: what was to be forgotten, learned for new before it, would be what is new. */
static bool
is_of_key(const EasqScan *scan, HeapTuple tuple, const uint8 *key)
{
	int			length;
	char	   *bytes = EasqColumnBytes(scan, tuple, QUEUED_KEY, &length);
	bool		is = length == EASQ_KEY_BYTES && memcmp(bytes, key, EASQ_KEY_BYTES) == 0;

	pfree(bytes);
	return is;
}

void
EasqQueueTake(EasqModel *model, int64 limit, EasqTakeQueued take, void *argument)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq queued", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	ScanKeyData keys[EASQ_OWNER_KEYS];
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	EasqAnswer	answer = {0};

	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqWriterBegin(&writer, "queued");
	EasqScanBegin(&scan, "queued", "queued_pkey", RowExclusiveLock, GetActiveSnapshot(), EASQ_OWNER_KEYS, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)) && (limit > 0 || is_of_key(&scan, tuple, answer.key)))
	{
		bool		forget = DatumGetBool(EasqColumn(&scan, tuple, QUEUED_FORGET));

		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(context);
		read_queued(&scan, tuple, &answer);
		if (isnan(answer.answer))
			model->adapter.uncertain++;
		else
			take(argument, &answer, forget);
		limit -= !forget;
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
		EasqWriterDelete(&writer, tuple);
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	MemoryContextDelete(context);
	UpdateActiveSnapshotCommandId();
}

static char *
first_model(int nkeys, ScanKey keys)
{
	EasqScan	scan;
	HeapTuple	tuple;
	char	   *model = NULL;

	EasqScanBegin(&scan, "queued", "queued_pkey", AccessShareLock, GetActiveSnapshot(), nkeys, keys);
	tuple = EasqScanNext(&scan, false);
	if (HeapTupleIsValid(tuple))
		model = EasqColumnText(&scan, tuple, QUEUED_MODEL);
	EasqScanEnd(&scan);
	return model;
}

char *
EasqQueueNextModel(const char *after)
{
	ScanKeyData key;

	if (after)
		ScanKeyInit(&key, QUEUED_MODEL, BTGreaterStrategyNumber, F_TEXT_GT, CStringGetTextDatum(after));
	return first_model(after ? 1 : 0, &key);
}

bool
EasqQueueHas(const char *model)
{
	ScanKeyData keys[EASQ_OWNER_KEYS];

	EasqKeyOwner(keys, model, EASQ_OWN_ADAPTER);
	return first_model(EASQ_OWNER_KEYS, keys) != NULL;
}
