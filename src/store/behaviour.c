#include "postgres.h"

#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "store/behaviour.h"
#include "store/columns.h"
#include "store/row.h"

void
EasqWriteBehaviour(const EasqModel *model, const EasqPair *pairs, int count)
{
	ScanKeyData key;
	EasqWriter	writer;

	EasqKeyText(&key, BEHAVIOUR_MODEL, model->name);
	EasqDeleteRows("behaviour", "behaviour_pkey", 1, &key);
	EasqWriterBegin(&writer, "behaviour");
	for (int slot = 0; slot < count; slot++)
	{
		EasqRow		row;

		CHECK_FOR_INTERRUPTS();
		EasqRowInit(&row);
		EasqRowSetText(&row, BEHAVIOUR_MODEL, model->name);
		EasqRowSet(&row, BEHAVIOUR_SLOT, Int32GetDatum(slot));
		EasqRowSet(&row, BEHAVIOUR_CHOSEN, EasqBytesDatum(pairs[slot].chosen, pairs[slot].chosen_length));
		EasqRowSet(&row, BEHAVIOUR_REJECTED, EasqBytesDatum(pairs[slot].rejected, pairs[slot].rejected_length));
		EasqWriterInsert(&writer, row.values, row.nulls);
	}
	EasqWriterEnd(&writer);
}

/* Slots are dense, so the last one tells how many there are. */
static int
count_pairs(const EasqModel *model)
{
	ScanKeyData key;
	EasqScan	scan;
	HeapTuple	tuple;
	int			count = 0;

	EasqKeyText(&key, BEHAVIOUR_MODEL, model->name);
	EasqScanBegin(&scan, "behaviour", "behaviour_pkey", AccessShareLock, GetActiveSnapshot(), 1, &key);
	tuple = EasqScanNext(&scan, true);
	if (HeapTupleIsValid(tuple))
		count = DatumGetInt32(EasqColumn(&scan, tuple, BEHAVIOUR_SLOT)) + 1;
	EasqScanEnd(&scan);
	return count;
}

static bool
read_pair(const EasqModel *model, int slot, EasqPair *pair)
{
	ScanKeyData keys[2];
	EasqScan	scan;
	HeapTuple	tuple;

	EasqKeyText(&keys[0], BEHAVIOUR_MODEL, model->name);
	EasqKeyInt4(&keys[1], BEHAVIOUR_SLOT, BTEqualStrategyNumber, slot);
	EasqScanBegin(&scan, "behaviour", "behaviour_pkey", AccessShareLock, GetActiveSnapshot(), 2, keys);
	tuple = EasqScanNext(&scan, false);
	if (HeapTupleIsValid(tuple))
	{
		pair->chosen = EasqColumnBytes(&scan, tuple, BEHAVIOUR_CHOSEN, &pair->chosen_length);
		pair->rejected = EasqColumnBytes(&scan, tuple, BEHAVIOUR_REJECTED, &pair->rejected_length);
	}
	EasqScanEnd(&scan);
	return HeapTupleIsValid(tuple);
}

/* Floyd's sampling without replacement: the j-th draw is from the first stored - count + j + 1. */
int
EasqDrawBehaviour(const EasqModel *model, int count, EasqRandom *random, EasqPair **pairs)
{
	int			stored = count > 0 ? count_pairs(model) : 0;
	int		   *drawn;
	int			found = 0;

	count = Min(count, stored);
	*pairs = palloc(sizeof(EasqPair) * Max(count, 1));
	drawn = palloc(sizeof(int) * Max(count, 1));
	for (int j = 0; j < count; j++)
	{
		int			last = stored - count + j;
		int			slot = (int) EasqBelow(random, (uint64) last + 1);

		for (int i = 0; i < j; i++)
			if (drawn[i] == slot)
			{
				slot = last;
				break;
			}
		drawn[j] = slot;
		if (read_pair(model, slot, &(*pairs)[found]))
			found++;
	}
	pfree(drawn);
	return found;
}
