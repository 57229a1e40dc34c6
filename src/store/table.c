#include "postgres.h"

#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "store/columns.h"
#include "store/index.h"
#include "store/table.h"

#define EASQ_SCHEMA "easq"

Oid
EasqFindTable(const char *name)
{
	Oid			schema = get_namespace_oid(EASQ_SCHEMA, true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

bool
EasqIsInstalled(void)
{
	Oid			schema = get_namespace_oid(EASQ_SCHEMA, true);
	Oid			extension = get_extension_oid("easq", true);

	return OidIsValid(schema) && OidIsValid(extension) && getExtensionOfObject(NamespaceRelationId, schema) == extension;
}

static Oid
find_relation(const char *name)
{
	Oid			relation = EasqFindTable(name);

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s.%s does not exist", EASQ_SCHEMA, name),
				 errhint("Run CREATE EXTENSION easq in this database.")));
	return relation;
}

/* Rows are read as heap tuples, and those of a partitioned table are elsewhere. */
bool
EasqIsHeap(Relation table)
{
	return table->rd_rel->relkind == RELKIND_RELATION && table->rd_tableam == GetHeapamTableAmRoutine();
}

static void
check_heap(Relation table)
{
	if (!EasqIsHeap(table))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s.%s is not the table that the extension made: it is not stored as a heap",
						EASQ_SCHEMA, RelationGetRelationName(table)),
				 errhint("SET default_table_access_method = heap, create the extension anew, and restore a dump.")));
}

Relation
EasqTableOpen(const char *name, LOCKMODE mode)
{
	Relation	table = table_open(find_relation(name), mode);

	check_heap(table);
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
	scan->index = EasqIndexOpen(scan->table, index);
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
