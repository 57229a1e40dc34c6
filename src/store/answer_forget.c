#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "store/answer_forget.h"
#include "store/columns.h"
#include "store/row.h"

/* Is a row's name this one?  NULL: any will do. */
static bool
is_named(const EasqScan *scan, HeapTuple tuple, AttrNumber column, const uint8 *named)
{
	bool		isnull;
	Datum		value;
	bytea	   *bytes;

	if (named == NULL)
		return true;
	value = EasqColumnOrNull(scan, tuple, column, &isnull);
	if (isnull)
		return false;
	bytes = DatumGetByteaPP(value);
	return VARSIZE_ANY_EXHDR(bytes) == EASQ_KEY_BYTES && memcmp(VARDATA_ANY(bytes), named, EASQ_KEY_BYTES) == 0;
}

static bool
is_of(const EasqScan *scan, HeapTuple tuple, AttrNumber column, const char *respondent)
{
	char	   *found;
	bool		is;

	if (respondent == NULL)
		return true;
	found = EasqColumnTextOrNull(scan, tuple, column);
	is = found && strcmp(found, respondent) == 0;
	if (found)
		pfree(found);
	return is;
}

static int64
forget_remembered(EasqModel *model, const char *respondent, const uint8 *named)
{
	ScanKeyData key;
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	int64		forgotten = 0;

	model->memory = NULL;
	EasqWriterBegin(&writer, "answer");
	if (respondent)
		EasqScanOwn(&scan, RowExclusiveLock, model, respondent);
	else
	{
		EasqKeyText(&key, ANSWER_MODEL, model->name);
		EasqScanBegin(&scan, "answer", "answer_pkey", RowExclusiveLock, GetActiveSnapshot(), 1, &key);
	}
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_named(&scan, tuple, ANSWER_NAMED, named))
			continue;
		EasqAnswerCountsRemove(&model->adapter.counts, DatumGetFloat8(EasqColumn(&scan, tuple, ANSWER_ANSWER)));
		EasqWriterDelete(&writer, tuple);
		forgotten++;
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
	return forgotten;
}

/*
 * What was queued to be forgotten goes too, and is no answer more.  Whoever queues holds no lock that a REPEATABLE READ
 * transaction would fall behind of: what there is is looked for, not what its snapshot shows.
 */
static int64
forget_queued(EasqModel *model, const char *respondent, const uint8 *named)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData key;
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	int64		forgotten = 0;

	EasqKeyText(&key, QUEUED_MODEL, model->name);
	EasqWriterBegin(&writer, "queued");
	EasqScanBegin(&scan, "queued", "queued_pkey", RowExclusiveLock, snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_of(&scan, tuple, QUEUED_RESPONDENT, respondent) || !is_named(&scan, tuple, QUEUED_NAMED, named))
			continue;
		forgotten += !DatumGetBool(EasqColumn(&scan, tuple, QUEUED_FORGET));
		EasqWriterDelete(&writer, tuple);
	}
	EasqScanEnd(&scan);
	UnregisterSnapshot(snapshot);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
	return forgotten;
}

int64
EasqForgetAnswers(EasqModel *model, const char *respondent, const uint8 *named)
{
	return forget_remembered(model, respondent, named) + forget_queued(model, respondent, named);
}

static int64
count_rows(const char *table, const char *index, AttrNumber column, const char *name)
{
	ScanKeyData key;
	EasqScan	scan;
	int64		count = 0;

	EasqKeyText(&key, column, name);
	EasqScanBegin(&scan, table, index, AccessShareLock, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(EasqScanNext(&scan, false)))
		count++;
	EasqScanEnd(&scan);
	return count;
}

void
EasqPairsLeft(const EasqModel *model, int64 *rehearsed, int64 *held)
{
	*rehearsed = count_rows("behaviour", "behaviour_pkey", BEHAVIOUR_MODEL, model->name);
	*held = count_rows("held", "held_pkey", HELD_MODEL, model->name);
}
