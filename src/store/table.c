#include "postgres.h"

#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "store/columns.h"
#include "store/table.h"

#define EASQ_SCHEMA "easq"
#define WAITING_BYTES ((Size) 64 * 1024)

static Oid
find_relation(const char *name)
{
	Oid			schema = get_namespace_oid(EASQ_SCHEMA, true);
	Oid			relation = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s.%s does not exist", EASQ_SCHEMA, name),
				 errhint("Run CREATE EXTENSION easq in this database.")));
	return relation;
}

Relation
EasqTableOpen(const char *name, LOCKMODE mode)
{
	Relation	table = table_open(find_relation(name), mode);

	EasqCheckColumns(table, name);
	return table;
}

Oid
EasqTableIndex(const char *name)
{
	return find_relation(name);
}

void
EasqScanBegin(EasqScan *scan, const char *table, const char *index, LOCKMODE mode,
			  Snapshot snapshot, int nkeys, ScanKey keys)
{
	scan->mode = mode;
	scan->table = EasqTableOpen(table, mode);
	scan->index = index_open(EasqTableIndex(index), AccessShareLock);
	scan->scan = systable_beginscan_ordered(scan->table, scan->index, snapshot, nkeys, keys);
}

HeapTuple
EasqScanNext(EasqScan *scan, bool backward)
{
	return systable_getnext_ordered(scan->scan, backward ? BackwardScanDirection : ForwardScanDirection);
}

/* The lock on the table stays to the end of the transaction where the scan was for writing. */
void
EasqScanEnd(EasqScan *scan)
{
	systable_endscan_ordered(scan->scan);
	index_close(scan->index, AccessShareLock);
	table_close(scan->table, scan->mode == AccessShareLock ? AccessShareLock : NoLock);
}

void
EasqKeyOwner(ScanKey keys, const char *model, const char *adapter)
{
	EasqKeyText(&keys[0], 1, model);
	EasqKeyText(&keys[1], 2, adapter);
}

void
EasqKeyText(ScanKey key, AttrNumber attribute, const char *value)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(value));
}

void
EasqKeyInt4(ScanKey key, AttrNumber attribute, StrategyNumber strategy, int32 value)
{
	static const RegProcedure operators[] = {0, F_INT4LT, F_INT4LE, F_INT4EQ, F_INT4GE, F_INT4GT};

	ScanKeyInit(key, attribute, strategy, operators[strategy], Int32GetDatum(value));
}

void
EasqKeyInt8(ScanKey key, AttrNumber attribute, StrategyNumber strategy, int64 value)
{
	static const RegProcedure operators[] = {0, F_INT8LT, F_INT8LE, F_INT8EQ, F_INT8GE, F_INT8GT};

	ScanKeyInit(key, attribute, strategy, operators[strategy], Int64GetDatum(value));
}

void
EasqKeyFloat8(ScanKey key, AttrNumber attribute, StrategyNumber strategy, float8 value)
{
	static const RegProcedure operators[] = {0, F_FLOAT8LT, F_FLOAT8LE, F_FLOAT8EQ, F_FLOAT8GE, F_FLOAT8GT};

	ScanKeyInit(key, attribute, strategy, operators[strategy], Float8GetDatum(value));
}

void
EasqKeyOid(ScanKey key, AttrNumber attribute, Oid value)
{
	ScanKeyInit(key, attribute, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
}

void
EasqWriterBegin(EasqWriter *writer, const char *table)
{
	writer->table = EasqTableOpen(table, RowExclusiveLock);
	writer->indexes = CatalogOpenIndexes(writer->table);
	writer->context = CurrentMemoryContext;
	writer->slots = 0;
	writer->count = 0;
	writer->bytes = 0;
}

static void
insert_alone(EasqWriter *writer, HeapTuple tuple)
{
	CatalogTupleInsertWithInfo(writer->table, tuple, writer->indexes);
	heap_freetuple(tuple);
}

void
EasqWriterInsert(EasqWriter *writer, const Datum *values, const bool *nulls)
{
	insert_alone(writer, heap_form_tuple(RelationGetDescr(writer->table), (Datum *) values, (bool *) nulls));
}

static void
insert_later(EasqWriter *writer, HeapTuple tuple)
{
	if (writer->count == writer->slots)
		writer->waiting[writer->slots++] = MakeSingleTupleTableSlot(RelationGetDescr(writer->table), &TTSOpsHeapTuple);
	ExecStoreHeapTuple(tuple, writer->waiting[writer->count++], true);
	writer->bytes += tuple->t_len;
}

static void
write_waiting(EasqWriter *writer)
{
	if (writer->count > 0)
		EasqInsertTuples(writer->table, writer->waiting, writer->count, writer->indexes);
	for (int i = 0; i < writer->count; i++)
		ExecClearTuple(writer->waiting[i]);
	writer->count = 0;
	writer->bytes = 0;
}

void
EasqWriterAdd(EasqWriter *writer, const Datum *values, const bool *nulls)
{
	MemoryContext old = MemoryContextSwitchTo(writer->context);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(writer->table), (Datum *) values, (bool *) nulls);

	/*
	 * Inserting many together tells the indexes no place of a row that has to be toasted: it is made for catalogs
	 * without such rows.
	 */
	if (tuple->t_len > TOAST_TUPLE_THRESHOLD)
		insert_alone(writer, tuple);
	else
		insert_later(writer, tuple);
	if (writer->count == EASQ_WRITTEN_TOGETHER || writer->bytes > WAITING_BYTES)
		write_waiting(writer);
	MemoryContextSwitchTo(old);
}

void
EasqWriterUpdate(EasqWriter *writer, HeapTuple old, const Datum *values,
				 const bool *nulls, const bool *replaces)
{
	HeapTuple	tuple = heap_modify_tuple(old, RelationGetDescr(writer->table), (Datum *) values,
										  (bool *) nulls, (bool *) replaces);

	CatalogTupleUpdateWithInfo(writer->table, &old->t_self, tuple, writer->indexes);
	heap_freetuple(tuple);
}

void
EasqWriterDelete(EasqWriter *writer, HeapTuple old)
{
	CatalogTupleDelete(writer->table, &old->t_self);
}

void
EasqWriterEnd(EasqWriter *writer)
{
	write_waiting(writer);
	for (int i = 0; i < writer->slots; i++)
		ExecDropSingleTupleTableSlot(writer->waiting[i]);
	CatalogCloseIndexes(writer->indexes);
	table_close(writer->table, NoLock);
	CommandCounterIncrement();
}

int64
EasqDeleteRows(const char *table, const char *index, int nkeys, ScanKey keys)
{
	EasqScan	scan;
	HeapTuple	tuple;
	int64		deleted = 0;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	EasqScanBegin(&scan, table, index, RowExclusiveLock, snapshot, nkeys, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		CHECK_FOR_INTERRUPTS();
		CatalogTupleDelete(scan.table, &tuple->t_self);
		deleted++;
	}
	EasqScanEnd(&scan);
	UnregisterSnapshot(snapshot);
	CommandCounterIncrement();
	return deleted;
}
