#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "store/answer.h"
#include "store/columns.h"
#include "store/row.h"

static void
read_answer(const EasqScan *scan, HeapTuple tuple, EasqAnswer *answer)
{
	int			length;
	char	   *key = EasqColumnBytes(scan, tuple, ANSWER_KEY, &length);

	memset(answer->key, 0, EASQ_KEY_BYTES);
	memcpy(answer->key, key, Min(length, EASQ_KEY_BYTES));
	pfree(key);
	answer->keyed = false;
	answer->respondent = EasqColumnTextOrNull(scan, tuple, ANSWER_RESPONDENT);
	answer->answer = DatumGetFloat8(EasqColumn(scan, tuple, ANSWER_ANSWER));
	answer->example = EasqColumnBytes(scan, tuple, ANSWER_EXAMPLE, &answer->length);
	answer->slot = DatumGetInt32(EasqColumn(scan, tuple, ANSWER_SLOT));
	answer->ordinal = DatumGetInt64(EasqColumn(scan, tuple, ANSWER_ORDINAL));
}

static void
key_bytes(ScanKey key, AttrNumber attribute, const uint8 *bytes)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_BYTEAEQ, EasqBytesDatum(bytes, EASQ_KEY_BYTES));
}

/* Places of the ring: at least one step's answers, so that they find each other. */
static int
ring_size(const EasqModel *model)
{
	return Max(model->options.replay_answers, EASQ_ANSWERS_A_STEP);
}

int
EasqAnswerSlots(const EasqModel *model)
{
	return (int) Min(model->answers, (int64) ring_size(model));
}

/* Writes one answer over a remembered row, or into an empty slot. */
static void
write_answer(EasqWriter *writer, const EasqModel *model, const EasqAnswer *answer, HeapTuple old)
{
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSetText(&row, ANSWER_MODEL, model->name);
	EasqRowSet(&row, ANSWER_SLOT, Int32GetDatum(answer->slot));
	EasqRowSet(&row, ANSWER_ORDINAL, Int64GetDatum(answer->ordinal));
	EasqRowSetText(&row, ANSWER_RESPONDENT, answer->respondent);
	EasqRowSet(&row, ANSWER_KEY, EasqBytesDatum(answer->key, EASQ_KEY_BYTES));
	EasqRowSet(&row, ANSWER_ANSWER, Float8GetDatum(answer->answer));
	EasqRowSet(&row, ANSWER_EXAMPLE, EasqBytesDatum(answer->example, answer->length));
	if (HeapTupleIsValid(old))
		EasqWriterUpdate(writer, old, row.values, row.nulls, row.replaces);
	else
		EasqWriterInsert(writer, row.values, row.nulls);
}

/* The slot of a keyed answer that is there already; -1: none. */
static int
slot_of_key(const EasqModel *model, const uint8 *bytes)
{
	ScanKeyData keys[2];
	EasqScan	scan;
	HeapTuple	tuple;
	int			slot = -1;

	EasqKeyText(&keys[0], ANSWER_MODEL, model->name);
	key_bytes(&keys[1], ANSWER_KEY, bytes);
	EasqScanBegin(&scan, "answer", "answer_key", AccessShareLock, GetActiveSnapshot(), 2, keys);
	tuple = EasqScanNext(&scan, false);
	if (HeapTupleIsValid(tuple))
		slot = DatumGetInt32(EasqColumn(&scan, tuple, ANSWER_SLOT));
	EasqScanEnd(&scan);
	return slot;
}

static void
remember_one(EasqWriter *writer, EasqModel *model, EasqAnswer *answer)
{
	ScanKeyData keys[2];
	EasqScan	scan;

	answer->slot = answer->keyed ? slot_of_key(model, answer->key) : -1;
	if (answer->slot < 0)
		answer->slot = (int) (model->answers % ring_size(model));
	answer->ordinal = ++model->answers;

	EasqKeyText(&keys[0], ANSWER_MODEL, model->name);
	EasqKeyInt4(&keys[1], ANSWER_SLOT, BTEqualStrategyNumber, answer->slot);
	EasqScanBegin(&scan, "answer", "answer_pkey", RowExclusiveLock, GetActiveSnapshot(), 2, keys);
	write_answer(writer, model, answer, EasqScanNext(&scan, false));
	EasqScanEnd(&scan);
}

void
EasqRemember(EasqModel *model, EasqAnswer *answers, int count)
{
	EasqWriter	writer;
	bool		may_meet = count > model->options.replay_answers;

	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
		may_meet |= answers[i].keyed;
	EasqWriterBegin(&writer, "answer");
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (answers[i].slot >= 0)
			continue;
		remember_one(&writer, model, &answers[i]);
		/* The next one may have the same key, or come to the same slot. */
		if (may_meet)
		{
			CommandCounterIncrement();
			UpdateActiveSnapshotCommandId();
		}
	}
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

bool
EasqForget(EasqModel *model, const uint8 *key, double answer)
{
	ScanKeyData keys[2];
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	bool		found = false;

	EasqKeyText(&keys[0], ANSWER_MODEL, model->name);
	key_bytes(&keys[1], ANSWER_KEY, key);
	EasqWriterBegin(&writer, "answer");
	EasqScanBegin(&scan, "answer", "answer_key", RowExclusiveLock, GetActiveSnapshot(), 2, keys);
	while (!found && HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		if (DatumGetFloat8(EasqColumn(&scan, tuple, ANSWER_ANSWER)) != answer)
			continue;
		EasqWriterDelete(&writer, tuple);
		found = true;
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
	return found;
}

/* Deletes the answers that came before the latest so many. */
static void
keep_latest(const EasqModel *model, int64 latest)
{
	ScanKeyData key;
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;

	EasqKeyText(&key, ANSWER_MODEL, model->name);
	EasqWriterBegin(&writer, "answer");
	EasqScanBegin(&scan, "answer", "answer_pkey", RowExclusiveLock, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
		if (DatumGetInt64(EasqColumn(&scan, tuple, ANSWER_ORDINAL)) <= model->answers - latest)
			EasqWriterDelete(&writer, tuple);
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

void
EasqTrimAnswers(const EasqModel *model)
{
	if (model->options.replay_answers < EASQ_ANSWERS_A_STEP)
		keep_latest(model, model->options.replay_answers);
}

void
EasqResizeAnswers(const EasqModel *model)
{
	EasqAnswer *answers;
	int			count = EasqAnswersSince(model, 0, &answers);
	int			kept = Min(count, model->options.replay_answers);
	EasqWriter	writer;

	keep_latest(model, 0);
	EasqWriterBegin(&writer, "answer");
	/* The oldest of a full ring lies where the next answer will go. */
	for (int i = 0; i < kept; i++)
	{
		EasqAnswer *answer = &answers[count - kept + i];

		answer->slot = (int) ((model->answers - kept + i) % ring_size(model));
		write_answer(&writer, model, answer, NULL);
	}
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

/* From slot first on, below slot last. */
static int
collect_opposite(const EasqModel *model, const char *respondent, double answer,
				 int first, int last, int limit, EasqAnswer *found)
{
	ScanKeyData keys[4];
	int			nkeys = 0;
	EasqScan	scan;
	HeapTuple	tuple;
	int			count = 0;

	EasqKeyText(&keys[nkeys++], ANSWER_MODEL, model->name);
	if (respondent)
		EasqKeyText(&keys[nkeys++], ANSWER_RESPONDENT, respondent);
	EasqKeyInt4(&keys[nkeys++], ANSWER_SLOT, BTGreaterEqualStrategyNumber, first);
	EasqKeyInt4(&keys[nkeys++], ANSWER_SLOT, BTLessStrategyNumber, last);
	EasqScanBegin(&scan, "answer", respondent ? "answer_respondent" : "answer_pkey",
				  AccessShareLock, GetActiveSnapshot(), nkeys, keys);
	while (count < limit && HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		CHECK_FOR_INTERRUPTS();
		if (DatumGetFloat8(EasqColumn(&scan, tuple, ANSWER_ANSWER)) == answer)
			continue;
		read_answer(&scan, tuple, &found[count++]);
	}
	EasqScanEnd(&scan);
	return count;
}

int
EasqFindOpposite(const EasqModel *model, const char *respondent, double answer,
				 int slot, int limit, EasqAnswer *found)
{
	int			count = collect_opposite(model, respondent, answer, slot, PG_INT32_MAX, limit, found);

	if (count < limit && slot > 0)
		count += collect_opposite(model, respondent, answer, 0, slot, limit - count, found + count);
	return count;
}

static int
by_ordinal(const void *a, const void *b)
{
	int64		x = ((const EasqAnswer *) a)->ordinal;
	int64		y = ((const EasqAnswer *) b)->ordinal;

	return x < y ? -1 : x > y;
}

int
EasqAnswersSince(const EasqModel *model, int64 answers, EasqAnswer **found)
{
	ScanKeyData key;
	EasqScan	scan;
	HeapTuple	tuple;
	int			count = 0;
	int			room = 64;

	*found = palloc(sizeof(EasqAnswer) * room);
	EasqKeyText(&key, ANSWER_MODEL, model->name);
	EasqScanBegin(&scan, "answer", "answer_pkey", AccessShareLock, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		if (DatumGetInt64(EasqColumn(&scan, tuple, ANSWER_ORDINAL)) <= answers)
			continue;
		if (count == room)
			*found = repalloc_huge(*found, sizeof(EasqAnswer) * (Size) (room *= 2));
		read_answer(&scan, tuple, &(*found)[count++]);
	}
	EasqScanEnd(&scan);
	qsort(*found, count, sizeof(EasqAnswer), by_ordinal);
	return count;
}

void
EasqQueueAnswers(const char *model, const EasqAnswer *answers, int count, bool forget)
{
	EasqWriter	writer;

	EasqWriterBegin(&writer, "queued");
	for (int i = 0; i < count; i++)
	{
		EasqRow		row;
		pg_uuid_t	id = EasqNewId();

		EasqRowInit(&row);
		EasqRowSetText(&row, QUEUED_MODEL, model);
		EasqRowSetId(&row, QUEUED_ID, &id);
		EasqRowSetText(&row, QUEUED_RESPONDENT, answers[i].respondent);
		EasqRowSet(&row, QUEUED_KEY, EasqBytesDatum(answers[i].key, EASQ_KEY_BYTES));
		EasqRowSet(&row, QUEUED_KEYED, BoolGetDatum(answers[i].keyed));
		EasqRowSet(&row, QUEUED_FORGET, BoolGetDatum(forget));
		EasqRowSet(&row, QUEUED_ANSWER, Float8GetDatum(answers[i].answer));
		EasqRowSet(&row, QUEUED_EXAMPLE, EasqBytesDatum(answers[i].example, answers[i].length));
		EasqWriterInsert(&writer, row.values, row.nulls);
	}
	EasqWriterEnd(&writer);
}

int
EasqTakeQueued(const EasqModel *model, bool forget, EasqAnswer **found)
{
	ScanKeyData key;
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	int			count = 0;
	int			room = 16;

	*found = palloc(sizeof(EasqAnswer) * room);
	EasqKeyText(&key, QUEUED_MODEL, model->name);
	EasqWriterBegin(&writer, "queued");
	EasqScanBegin(&scan, "queued", "queued_pkey", RowExclusiveLock, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		EasqAnswer *answer;
		int			length;
		char	   *bytes;

		if (DatumGetBool(EasqColumn(&scan, tuple, QUEUED_FORGET)) != forget)
			continue;
		if (count == room)
			*found = repalloc_huge(*found, sizeof(EasqAnswer) * (Size) (room *= 2));
		bytes = EasqColumnBytes(&scan, tuple, QUEUED_KEY, &length);
		answer = &(*found)[count++];
		memset(answer, 0, sizeof(*answer));
		memcpy(answer->key, bytes, Min(length, EASQ_KEY_BYTES));
		answer->keyed = DatumGetBool(EasqColumn(&scan, tuple, QUEUED_KEYED));
		answer->respondent = EasqColumnTextOrNull(&scan, tuple, QUEUED_RESPONDENT);
		answer->answer = DatumGetFloat8(EasqColumn(&scan, tuple, QUEUED_ANSWER));
		answer->example = EasqColumnBytes(&scan, tuple, QUEUED_EXAMPLE, &answer->length);
		answer->slot = -1;
		EasqWriterDelete(&writer, tuple);
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
	return count;
}
