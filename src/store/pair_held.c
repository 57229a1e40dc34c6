#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "feature/floats.h"
#include "store/columns.h"
#include "store/pair_held.h"
#include "store/row.h"

#define HELD_KEYS (EASQ_OWNER_KEYS + 1)

static void
set_keys(ScanKeyData *keys, const EasqModel *model, EasqHeldSample sample)
{
	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqKeyInt4(&keys[EASQ_OWNER_KEYS], HELD_SAMPLE, BTEqualStrategyNumber, sample);
}

void
EasqWriteHeld(const EasqModel *model, EasqHeldSample sample, const EasqHeld *held)
{
	ScanKeyData keys[HELD_KEYS];
	EasqWriter	writer;
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext, "easq row", ALLOCSET_SMALL_SIZES);
	MemoryContext old;

	set_keys(keys, model, sample);
	EasqDeleteRows("held", "held_pkey", HELD_KEYS, keys);
	EasqWriterBegin(&writer, "held");
	for (int slot = 0; held && slot < held->count; slot++)
	{
		const EasqPair *pair = &held->pair[slot];
		EasqRow		row;

		CHECK_FOR_INTERRUPTS();
		old = MemoryContextSwitchTo(row_context);
		EasqRowInit(&row);
		EasqRowSetText(&row, HELD_MODEL, model->name);
		EasqRowSetText(&row, HELD_ADAPTER, model->adapter.name);
		EasqRowSet(&row, HELD_SAMPLE, Int32GetDatum(sample));
		EasqRowSet(&row, HELD_SLOT, Int32GetDatum(slot));
		EasqRowSet(&row, HELD_GROUP, Int32GetDatum(held->group[slot]));
		EasqRowSet(&row, HELD_GROUP_TRAINED, BoolGetDatum(slot >= held->of_new));
		EasqRowSet(&row, HELD_TRAINED, Float4GetDatum(held->trained[slot]));
		EasqRowSet(&row, HELD_CHOSEN, EasqBytesDatum(pair->chosen, pair->chosen_length));
		EasqRowSet(&row, HELD_REJECTED, EasqBytesDatum(pair->rejected, pair->rejected_length));
		EasqWriterAdd(&writer, row.values, row.nulls);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row_context);
	}
	EasqWriterEnd(&writer);
	MemoryContextDelete(row_context);
}

static void
grow(EasqHeld *held, Size room)
{
	held->pair = repalloc_huge(held->pair, sizeof(EasqPair) * room);
	held->group = repalloc_huge(held->group, sizeof(int) * room);
	held->trained = repalloc_huge(held->trained, sizeof(float) * room);
}

EasqHeld *
EasqReadHeld(const EasqModel *model, EasqHeldSample sample)
{
	EasqHeld   *held = palloc0(sizeof(EasqHeld));
	Size		room = 1024;
	ScanKeyData keys[HELD_KEYS];
	EasqScan	scan;
	HeapTuple	tuple;

	held->pair = palloc(sizeof(EasqPair) * room);
	held->group = palloc(sizeof(int) * room);
	held->trained = palloc(sizeof(float) * room);
	set_keys(keys, model, sample);
	EasqScanBegin(&scan, "held", "held_pkey", AccessShareLock, GetActiveSnapshot(), HELD_KEYS, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		EasqPair   *pair;

		CHECK_FOR_INTERRUPTS();
		if ((Size) held->count == room)
			grow(held, room *= 2);
		pair = &held->pair[held->count];
		pair->chosen = EasqColumnBytes(&scan, tuple, HELD_CHOSEN, &pair->chosen_length);
		pair->rejected = EasqColumnBytes(&scan, tuple, HELD_REJECTED, &pair->rejected_length);
		held->group[held->count] = DatumGetInt32(EasqColumn(&scan, tuple, HELD_GROUP));
		held->of_new += !DatumGetBool(EasqColumn(&scan, tuple, HELD_GROUP_TRAINED));
		held->trained[held->count++] = DatumGetFloat4(EasqColumn(&scan, tuple, HELD_TRAINED));
	}
	EasqScanEnd(&scan);
	if (held->count == 0)
		return NULL;
	held->weight = EasqFloats((Size) held->count);
	EasqHeldWeigh(held);
	return held;
}

void
EasqHeldCost(const EasqHeld *held, const float *right, double carried, EasqCost cost[EASQ_HELD_KINDS])
{
	int			start[EASQ_HELD_KINDS + 1] = {0, held->of_new, held->count};

	for (int kind = 0; kind < EASQ_HELD_KINDS; kind++)
		EasqBehaviourCost(start[kind + 1] - start[kind], held->group + start[kind], held->trained + start[kind],
						  right + start[kind], carried, &cost[kind]);
}

EasqHeld
EasqHeldThinned(const EasqHeld *held, int most)
{
	int			stride = (held->count + most - 1) / most;
	EasqHeld	some = {0};

	some.pair = palloc(sizeof(EasqPair) * most);
	some.group = palloc(sizeof(int) * most);
	some.trained = palloc(sizeof(float) * most);
	for (int i = 0; i < held->count; i += stride, some.count++)
	{
		some.pair[some.count] = held->pair[i];
		some.group[some.count] = held->group[i];
		some.trained[some.count] = held->trained[i];
		some.of_new += i < held->of_new;
	}
	return some;
}

void
EasqHeldWeigh(EasqHeld *held)
{
	double		sum = 0;
	int			groups = 0;
	int			end;

	for (int start = 0; start < held->count; start = end, groups++)
	{
		double		right = 0;

		for (end = start; end < held->count && held->group[end] == held->group[start]; end++)
			right += held->trained[end];
		for (int i = start; i < end; i++)
			held->weight[i] = 1.0f / (float) (end - start);
		sum += right / (end - start);
	}
	held->accuracy = groups > 0 ? sum / groups : 0;
}
