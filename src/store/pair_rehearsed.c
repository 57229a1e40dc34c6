#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "store/pair_rehearsed.h"
#include "store/columns.h"
#include "store/row.h"

/* What is stored here is learned from by every step. */
static void
check_kept(const EasqModel *model, int slot, const EasqRehearsed *pair)
{
	if (!isfinite(pair->kept_chosen) || !isfinite(pair->kept_rejected))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("behaviour pair %d of model \"%s\" would be kept with logits %g and %g", slot, model->name,
						pair->kept_chosen, pair->kept_rejected),
				 errhint("Nothing was stored. Look for rows with very large features.")));
}

void
EasqWriteBehaviour(const EasqModel *model, const EasqRehearsed *pairs, int count)
{
	ScanKeyData keys[EASQ_OWNER_KEYS];
	EasqWriter	writer;
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "easq row", ALLOCSET_SMALL_SIZES);
	MemoryContext old;

	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqDeleteRows("behaviour", "behaviour_pkey", EASQ_OWNER_KEYS, keys);
	EasqWriterBegin(&writer, "behaviour");
	for (int slot = 0; slot < count; slot++)
	{
		const EasqPair *pair = &pairs[slot].pair;
		EasqRow		row;

		CHECK_FOR_INTERRUPTS();
		check_kept(model, slot, &pairs[slot]);
		old = MemoryContextSwitchTo(row_context);
		EasqRowInit(&row);
		EasqRowSetText(&row, BEHAVIOUR_MODEL, model->name);
		EasqRowSetText(&row, BEHAVIOUR_ADAPTER, model->adapter.name);
		EasqRowSet(&row, BEHAVIOUR_SLOT, Int32GetDatum(slot));
		EasqRowSet(&row, BEHAVIOUR_CHOSEN, EasqBytesDatum(pair->chosen, pair->chosen_length));
		EasqRowSet(&row, BEHAVIOUR_REJECTED, EasqBytesDatum(pair->rejected, pair->rejected_length));
		EasqRowSet(&row, BEHAVIOUR_KEPT_CHOSEN, Float4GetDatum(pairs[slot].kept_chosen));
		EasqRowSet(&row, BEHAVIOUR_KEPT_REJECTED, Float4GetDatum(pairs[slot].kept_rejected));
		EasqWriterAdd(&writer, row.values, row.nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	EasqWriterEnd(&writer);
	MemoryContextDelete(row_context);
}

/* Slots are dense, so the last one tells how many there are. */
static int
count_pairs(const EasqModel *model)
{
	ScanKeyData keys[EASQ_OWNER_KEYS];
	EasqScan	scan;
	HeapTuple	tuple;
	int			count = 0;

	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqScanBegin(&scan, "behaviour", "behaviour_pkey", AccessShareLock, GetActiveSnapshot(), EASQ_OWNER_KEYS, keys);
	tuple = EasqScanNext(&scan, true);
	if (HeapTupleIsValid(tuple))
		count = DatumGetInt32(EasqColumn(&scan, tuple, BEHAVIOUR_SLOT)) + 1;
	EasqScanEnd(&scan);
	return count;
}

static void
read_rehearsed(const EasqScan *scan, HeapTuple tuple, EasqRehearsed *rehearsed)
{
	EasqPair   *pair = &rehearsed->pair;

	pair->chosen = EasqColumnBytes(scan, tuple, BEHAVIOUR_CHOSEN, &pair->chosen_length);
	pair->rejected = EasqColumnBytes(scan, tuple, BEHAVIOUR_REJECTED, &pair->rejected_length);
	rehearsed->kept_chosen = DatumGetFloat4(EasqColumn(scan, tuple, BEHAVIOUR_KEPT_CHOSEN));
	rehearsed->kept_rejected = DatumGetFloat4(EasqColumn(scan, tuple, BEHAVIOUR_KEPT_REJECTED));
}

int
EasqReadBehaviour(const EasqModel *model, EasqRehearsed **pairs)
{
	int			room = 64;
	int			count = 0;
	ScanKeyData keys[EASQ_OWNER_KEYS];
	EasqScan	scan;
	HeapTuple	tuple;

	*pairs = palloc(sizeof(EasqRehearsed) * room);
	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqScanBegin(&scan, "behaviour", "behaviour_pkey", AccessShareLock, GetActiveSnapshot(), EASQ_OWNER_KEYS, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		CHECK_FOR_INTERRUPTS();
		if (count == room)
			*pairs = repalloc_huge(*pairs, sizeof(EasqRehearsed) * (Size) (room *= 2));
		read_rehearsed(&scan, tuple, &(*pairs)[count++]);
	}
	EasqScanEnd(&scan);
	return count;
}

static bool
read_pair(const EasqModel *model, int slot, EasqRehearsed *rehearsed)
{
	ScanKeyData keys[EASQ_OWNER_KEYS + 1];
	EasqScan	scan;
	HeapTuple	tuple;

	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqKeyInt4(&keys[EASQ_OWNER_KEYS], BEHAVIOUR_SLOT, BTEqualStrategyNumber, slot);
	EasqScanBegin(&scan, "behaviour", "behaviour_pkey", AccessShareLock, GetActiveSnapshot(), EASQ_OWNER_KEYS + 1, keys);
	tuple = EasqScanNext(&scan, false);
	if (HeapTupleIsValid(tuple))
		read_rehearsed(&scan, tuple, rehearsed);
	EasqScanEnd(&scan);
	return HeapTupleIsValid(tuple);
}

/* Floyd's sampling without replacement, of couples: the j-th draw is from the first couples - wanted + j + 1. */
int
EasqDrawBehaviour(const EasqModel *model, int count, EasqRandom *random, EasqRehearsed **pairs)
{
	int			stored = count > 0 ? count_pairs(model) : 0;
	int			couples = (stored + 1) / 2;
	int			wanted = Min((count + 1) / 2, couples);
	int		   *drawn = palloc(sizeof(int) * Max(wanted, 1));
	int			found = 0;

	count = Min(count, stored);
	*pairs = palloc(sizeof(EasqRehearsed) * Max(2 * wanted, 1));
	for (int j = 0; j < wanted; j++)
	{
		int			last = couples - wanted + j;
		int			couple = (int) EasqBelow(random, (uint64) last + 1);

		for (int i = 0; i < j; i++)
			if (drawn[i] == couple)
			{
				couple = last;
				break;
			}
		drawn[j] = couple;
		for (int slot = 2 * couple; slot < 2 * couple + 2 && slot < stored && found < count; slot++)
			found += read_pair(model, slot, &(*pairs)[found]);
	}
	pfree(drawn);
	return found;
}
