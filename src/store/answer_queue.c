#include "postgres.h"

#include <math.h>

#include "utils/snapmgr.h"

#include "store/columns.h"
#include "store/answer_queue.h"
#include "store/row.h"

static void
queue_one(EasqWriter *writer, const char *model, const EasqAnswer *answer, bool forget)
{
	EasqRow		row;
	pg_uuid_t	id = EasqNewId();

	EasqRowInit(&row);
	EasqRowSetText(&row, QUEUED_MODEL, model);
	EasqRowSetText(&row, QUEUED_ADAPTER, EASQ_OWN_ADAPTER);
	EasqRowSetId(&row, QUEUED_ID, &id);
	EasqRowSetText(&row, QUEUED_RESPONDENT, answer->respondent);
	EasqRowSet(&row, QUEUED_KEY, EasqBytesDatum(answer->key, EASQ_KEY_BYTES));
	EasqRowSet(&row, QUEUED_KEYED, BoolGetDatum(answer->keyed));
	EasqRowSet(&row, QUEUED_FORGET, BoolGetDatum(forget));
	EasqRowSet(&row, QUEUED_ANSWER, Float8GetDatum(answer->answer));
	EasqRowSet(&row, QUEUED_WEIGHT, Float8GetDatum(answer->weight));
	EasqRowSetTime(&row, QUEUED_ASKED_AT, answer->asked_at);
	EasqRowSet(&row, QUEUED_PER_HOUR, Int32GetDatum(answer->per_hour));
	EasqRowSet(&row, QUEUED_EXAMPLE, EasqBytesDatum(answer->example, answer->length));
	EasqWriterInsert(writer, row.values, row.nulls);
}

void
EasqQueueAnswers(const char *model, const EasqAnswer *answers, int count, bool forget)
{
	EasqWriter	writer;

	EasqWriterBegin(&writer, "queued");
	for (int i = 0; i < count; i++)
		queue_one(&writer, model, &answers[i], forget);
	EasqWriterEnd(&writer);
}

void
EasqQueueUncertain(const char *model, int count)
{
	EasqAnswer	uncertain = {.answer = NAN, .weight = 1, .asked_at = DT_NOBEGIN, .example = ""};
	EasqWriter	writer;

	EasqWriterBegin(&writer, "queued");
	for (int i = 0; i < count; i++)
		queue_one(&writer, model, &uncertain, false);
	EasqWriterEnd(&writer);
}

static void
read_queued(const EasqScan *scan, HeapTuple tuple, EasqAnswer *answer)
{
	int			length;
	char	   *bytes = EasqColumnBytes(scan, tuple, QUEUED_KEY, &length);

	memset(answer, 0, sizeof(*answer));
	memcpy(answer->key, bytes, Min(length, EASQ_KEY_BYTES));
	answer->keyed = DatumGetBool(EasqColumn(scan, tuple, QUEUED_KEYED));
	answer->respondent = EasqColumnTextOrNull(scan, tuple, QUEUED_RESPONDENT);
	answer->answer = DatumGetFloat8(EasqColumn(scan, tuple, QUEUED_ANSWER));
	answer->weight = DatumGetFloat8(EasqColumn(scan, tuple, QUEUED_WEIGHT));
	answer->asked_at = EasqColumnTime(scan, tuple, QUEUED_ASKED_AT);
	answer->per_hour = DatumGetInt32(EasqColumn(scan, tuple, QUEUED_PER_HOUR));
	answer->example = EasqColumnBytes(scan, tuple, QUEUED_EXAMPLE, &answer->length);
}

int
EasqTakeQueued(EasqModel *model, bool forget, EasqAnswer **found)
{
	ScanKeyData keys[EASQ_OWNER_KEYS];
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	int			count = 0;
	int			room = 16;

	*found = palloc(sizeof(EasqAnswer) * room);
	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqWriterBegin(&writer, "queued");
	EasqScanBegin(&scan, "queued", "queued_pkey", RowExclusiveLock, GetActiveSnapshot(), EASQ_OWNER_KEYS, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		if (DatumGetBool(EasqColumn(&scan, tuple, QUEUED_FORGET)) != forget)
			continue;
		if (count == room)
			*found = repalloc_huge(*found, sizeof(EasqAnswer) * (Size) (room *= 2));
		read_queued(&scan, tuple, &(*found)[count]);
		if (isnan((*found)[count].answer))
			model->adapter.uncertain++;
		else
			count++;
		EasqWriterDelete(&writer, tuple);
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
	return count;
}
