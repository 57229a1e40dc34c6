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
	ScanKeyData keys[EASQ_OWNER_KEYS + 1];

	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqKeyInt8(&keys[EASQ_OWNER_KEYS], RATE_HOUR, BTLessStrategyNumber, before);
	(void) EasqDeleteRows("answer_rate", "answer_rate_pkey", EASQ_OWNER_KEYS + 1, keys);
}

bool
EasqTakeTurn(const EasqModel *model, const char *respondent, TimestampTz at, int limit)
{
	int64		hour = hour_of(at);
	int			learned = 0;
	ScanKeyData keys[EASQ_OWNER_KEYS + 2];
	EasqScan	scan;
	EasqWriter	writer;
	EasqRow		row;
	HeapTuple	old;

	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqKeyInt8(&keys[EASQ_OWNER_KEYS], RATE_HOUR, BTEqualStrategyNumber, hour);
	EasqKeyText(&keys[EASQ_OWNER_KEYS + 1], RATE_RESPONDENT, respondent);
	EasqWriterBegin(&writer, "answer_rate");
	EasqScanBegin(&scan, "answer_rate", "answer_rate_pkey", RowExclusiveLock, GetActiveSnapshot(),
				  EASQ_OWNER_KEYS + 2, keys);
	old = EasqScanNext(&scan, false);
	if (HeapTupleIsValid(old))
		learned = DatumGetInt32(EasqColumn(&scan, old, RATE_LEARNED));
	if (learned < limit)
	{
		EasqRowInit(&row);
		EasqRowSetText(&row, RATE_MODEL, model->name);
		EasqRowSetText(&row, RATE_ADAPTER, model->adapter.name);
		EasqRowSet(&row, RATE_HOUR, Int64GetDatum(hour));
		EasqRowSetText(&row, RATE_RESPONDENT, respondent);
		EasqRowSet(&row, RATE_LEARNED, Int32GetDatum(learned + 1));
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
	ScanKeyData keys[EASQ_OWNER_KEYS + 1];

	/* Of every hour: the index is read through for the model's rows, which are those of a day. */
	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqKeyText(&keys[EASQ_OWNER_KEYS], RATE_RESPONDENT, respondent);
	(void) EasqDeleteRows("answer_rate", "answer_rate_pkey", EASQ_OWNER_KEYS + 1, keys);
	UpdateActiveSnapshotCommandId();
}
