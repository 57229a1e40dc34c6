#include "postgres.h"

#include <math.h>

#include "utils/snapmgr.h"

#include "store/columns.h"
#include "store/model.h"
#include "store/row.h"

int
EasqAnswerCountsTotal(const EasqAnswerCounts *counts)
{
	int			total = 0;

	for (int i = 0; i < counts->count; i++)
		total += counts->part[i].remembered;
	return total;
}

bool
EasqAnswerCountsMixed(const EasqAnswerCounts *counts)
{
	return counts->count == 1 && isnan(counts->part[0].value);
}

/* The first kind whose value is not below it. */
static int
place_of(const EasqAnswerCounts *counts, double value)
{
	int			i = 0;

	while (i < counts->count && counts->part[i].value < value)
		i++;
	return i;
}

static void
mix(EasqAnswerCounts *counts)
{
	EasqAnswerKind mixed = {NAN, EasqAnswerCountsTotal(counts), counts->part[0].oldest};

	for (int i = 1; i < counts->count; i++)
		mixed.oldest = Min(mixed.oldest, counts->part[i].oldest);
	counts->part[0] = mixed;
	counts->count = 1;
}

void
EasqAnswerCountsAdd(EasqAnswerCounts *counts, double value, int64 ordinal)
{
	int			i = EasqAnswerCountsMixed(counts) ? 0 : place_of(counts, value);

	if (counts->count < 0 || isnan(value))
		return;
	if (i == counts->count || (counts->part[i].value != value && !EasqAnswerCountsMixed(counts)))
	{
		if (counts->count == EASQ_COUNTED_VALUES)
		{
			mix(counts);
			i = 0;
		}
		else
		{
			memmove(&counts->part[i + 1], &counts->part[i], sizeof(EasqAnswerKind) * (counts->count - i));
			counts->part[i] = (EasqAnswerKind) {value, 0, ordinal};
			counts->count++;
		}
	}
	counts->part[i].remembered++;
}

void
EasqAnswerCountsRemove(EasqAnswerCounts *counts, double value)
{
	int			i = EasqAnswerCountsMixed(counts) ? 0 : place_of(counts, value);

	if (counts->count < 0 || isnan(value))
		return;
	if (i == counts->count || (counts->part[i].value != value && !EasqAnswerCountsMixed(counts)))
		counts->count = -1;
	else if (--counts->part[i].remembered == 0)
	{
		counts->count--;
		memmove(&counts->part[i], &counts->part[i + 1], sizeof(EasqAnswerKind) * (counts->count - i));
	}
}

EasqAnswerKind *
EasqAnswerCountsMostCommon(EasqAnswerCounts *counts)
{
	EasqAnswerKind *most = NULL;

	for (int i = 0; i < counts->count; i++)
	{
		EasqAnswerKind *kind = &counts->part[i];

		if (most == NULL || kind->remembered > most->remembered ||
			(kind->remembered == most->remembered && kind->oldest < most->oldest))
			most = kind;
	}
	return most;
}

bool
EasqAnswerCountsBothSides(const EasqAnswerCounts *counts, int answers)
{
	int			total = EasqAnswerCountsTotal(counts);
	int			below = 0;

	/* More values than are told apart: there are answers on both sides of a middle one. */
	if (EasqAnswerCountsMixed(counts))
		return counts->part[0].remembered >= 2 * answers;
	for (int i = 0; i < counts->count; i++)
	{
		below += counts->part[i].remembered;
		if (below >= answers)
			return total - below >= answers;
	}
	return false;
}

/* ------------------------------------------------------- easq.answer_count */

static HeapTuple
find_value(EasqScan *scan, LOCKMODE mode, const EasqModel *model, StrategyNumber strategy, const double *value)
{
	ScanKeyData keys[EASQ_OWNER_KEYS + 1];
	int			nkeys = EASQ_OWNER_KEYS;

	EasqKeyOwner(keys, model->name, model->adapter.name);
	if (value)
		EasqKeyFloat8(&keys[nkeys++], COUNT_ANSWER, strategy, *value);
	EasqScanBegin(scan, "answer_count", "answer_count_pkey", mode, GetActiveSnapshot(), nkeys, keys);
	return EasqScanNext(scan, true);
}

static void
refuse_row(const EasqModel *model, double value, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("easq.answer_count of model \"%s\", answer %g: %s", model->name, value, why),
			 errhint("The row was not written by easq; delete those of the model and its answers are counted anew.")));
}

static EasqAnswerKind
read_kind(const EasqModel *model, const EasqScan *scan, HeapTuple tuple)
{
	EasqAnswerKind kind = {
		.value = DatumGetFloat8(EasqColumn(scan, tuple, COUNT_ANSWER)),
		.remembered = DatumGetInt32(EasqColumn(scan, tuple, COUNT_ANSWERS)),
		.oldest = DatumGetInt64(EasqColumn(scan, tuple, COUNT_OLDEST))
	};

	if (kind.remembered < 1)
		refuse_row(model, kind.value, psprintf("%d answers", kind.remembered));
	if (kind.oldest < 0)
		refuse_row(model, kind.value, psprintf("none below ordinal " INT64_FORMAT, kind.oldest));
	return kind;
}

static bool
remembers_any(const EasqModel *model)
{
	ScanKeyData keys[EASQ_OWNER_KEYS];
	EasqScan	scan;
	bool		any;

	if (model->adapter.answers == 0)
		return false;
	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqScanBegin(&scan, "answer", "answer_pkey", AccessShareLock, GetActiveSnapshot(), EASQ_OWNER_KEYS, keys);
	any = HeapTupleIsValid(EasqScanNext(&scan, true));
	EasqScanEnd(&scan);
	return any;
}

/*
 * A look-up for each value, from the greatest down and each from its newest version: what a long transaction keeps of
 * the older ones lies between the values.
 */
void
EasqAnswerCountsRead(EasqModel *model)
{
	EasqAnswerKind kind[EASQ_COUNTED_VALUES];
	int			count = 0;

	for (;;)
	{
		EasqScan	scan;
		HeapTuple	tuple = find_value(&scan, AccessShareLock, model, BTLessStrategyNumber,
									   count > 0 ? &kind[count - 1].value : NULL);
		bool		found = HeapTupleIsValid(tuple);
		EasqAnswerKind next;

		if (found)
			next = read_kind(model, &scan, tuple);
		EasqScanEnd(&scan);
		if (!found)
			break;
		if (count == EASQ_COUNTED_VALUES || (count > 0 && isnan(kind[0].value)))
			refuse_row(model, next.value, "more values than are counted");
		kind[count++] = next;
	}
	for (int i = 0; i < count; i++)
		model->adapter.counts.part[i] = kind[count - 1 - i];
	model->adapter.counts.count = count;
	model->adapter.stored_counts = model->adapter.counts;
	if (count == 0 && remembers_any(model))
		model->adapter.counts.count = -1;
}

static void
write_kind(EasqWriter *writer, const EasqModel *model, const EasqAnswerKind *kind)
{
	EasqScan	scan;
	HeapTuple	old = find_value(&scan, RowExclusiveLock, model, BTEqualStrategyNumber, &kind->value);
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSetText(&row, COUNT_MODEL, model->name);
	EasqRowSetText(&row, COUNT_ADAPTER, model->adapter.name);
	EasqRowSet(&row, COUNT_ANSWER, Float8GetDatum(kind->value));
	EasqRowSet(&row, COUNT_VERSION, Int64GetDatum(model->adapter.answers));
	EasqRowSet(&row, COUNT_ANSWERS, Int32GetDatum(kind->remembered));
	EasqRowSet(&row, COUNT_OLDEST, Int64GetDatum(kind->oldest));
	if (HeapTupleIsValid(old) && kind->remembered > 0)
		EasqWriterUpdate(writer, old, row.values, row.nulls, row.replaces);
	else if (HeapTupleIsValid(old))
		EasqWriterDelete(writer, old);
	else if (kind->remembered > 0)
		EasqWriterInsert(writer, row.values, row.nulls);
	EasqScanEnd(&scan);
}

static const EasqAnswerKind *
find_kind(const EasqAnswerCounts *counts, double value)
{
	for (int i = 0; i < counts->count; i++)
		if (counts->part[i].value == value || (isnan(counts->part[i].value) && isnan(value)))
			return &counts->part[i];
	return NULL;
}

void
EasqAnswerCountsWrite(EasqModel *model)
{
	const EasqAnswerCounts *now = &model->adapter.counts;
	const EasqAnswerCounts *stored = &model->adapter.stored_counts;
	EasqWriter	writer;

	EasqWriterBegin(&writer, "answer_count");
	for (int i = 0; i < stored->count; i++)
	{
		EasqAnswerKind gone = {stored->part[i].value, 0, 0};

		if (find_kind(now, gone.value) == NULL)
			write_kind(&writer, model, &gone);
	}
	for (int i = 0; i < now->count; i++)
	{
		const EasqAnswerKind *before = find_kind(stored, now->part[i].value);

		if (before == NULL || before->remembered != now->part[i].remembered || before->oldest != now->part[i].oldest)
			write_kind(&writer, model, &now->part[i]);
	}
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
	model->adapter.stored_counts.count = Max(now->count, 0);
	memcpy(model->adapter.stored_counts.part, now->part, sizeof(EasqAnswerKind) * Max(now->count, 0));
}
