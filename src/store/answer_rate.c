#include "postgres.h"

#include "access/xact.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "store/columns.h"
#include "store/answer_rate.h"
#include "store/row.h"

#define KEPT_HOURS 24

static int64
hour_of(TimestampTz at)
{
	return at / USECS_PER_HOUR - (at % USECS_PER_HOUR < 0);
}

/* Earlier hours are over: late answers find their counts for a day. */
static void
forget_hours(const EasqModel *model, int64 before)
{
	ScanKeyData keys[2];

	EasqKeyText(&keys[0], HOURLY_MODEL, model->name);
	EasqKeyInt8(&keys[1], HOURLY_HOUR, BTLessStrategyNumber, before);
	(void) EasqDeleteRows("hourly", "hourly_pkey", 2, keys);
}

bool
EasqTakeTurn(const EasqModel *model, const char *respondent, TimestampTz at, int limit)
{
	int64		hour = hour_of(at);
	int			learned = 0;
	ScanKeyData keys[3];
	EasqScan	scan;
	EasqWriter	writer;
	EasqRow		row;
	HeapTuple	old;

	EasqKeyText(&keys[0], HOURLY_MODEL, model->name);
	EasqKeyInt8(&keys[1], HOURLY_HOUR, BTEqualStrategyNumber, hour);
	EasqKeyText(&keys[2], HOURLY_RESPONDENT, respondent);
	EasqWriterBegin(&writer, "hourly");
	EasqScanBegin(&scan, "hourly", "hourly_pkey", RowExclusiveLock, GetActiveSnapshot(), 3, keys);
	old = EasqScanNext(&scan, false);
	if (HeapTupleIsValid(old))
		learned = DatumGetInt32(EasqColumn(&scan, old, HOURLY_LEARNED));
	if (learned < limit)
	{
		EasqRowInit(&row);
		EasqRowSetText(&row, HOURLY_MODEL, model->name);
		EasqRowSet(&row, HOURLY_HOUR, Int64GetDatum(hour));
		EasqRowSetText(&row, HOURLY_RESPONDENT, respondent);
		EasqRowSet(&row, HOURLY_LEARNED, Int32GetDatum(learned + 1));
		if (HeapTupleIsValid(old))
			EasqWriterUpdate(&writer, old, row.values, row.nulls, row.replaces);
		else
			EasqWriterInsert(&writer, row.values, row.nulls);
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	if (learned == 0)
		forget_hours(model, Min(hour, hour_of(GetCurrentTransactionStartTimestamp())) - KEPT_HOURS);
	UpdateActiveSnapshotCommandId();
	return learned < limit;
}

void
EasqForgetTurns(const EasqModel *model, const char *respondent)
{
	ScanKeyData keys[2];

	/* Of every hour: the index is read through for the model's rows, which are those of a day. */
	EasqKeyText(&keys[0], HOURLY_MODEL, model->name);
	EasqKeyText(&keys[1], HOURLY_RESPONDENT, respondent);
	(void) EasqDeleteRows("hourly", "hourly_pkey", 2, keys);
	UpdateActiveSnapshotCommandId();
}
