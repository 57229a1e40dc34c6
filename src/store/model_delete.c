/*
 * Whatever belongs to a model goes with it.  No list of tables: those are meant that are the extension's and have a
 * column "model", so that a new one cannot be forgotten.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "store/columns.h"
#include "store/model.h"
#include "store/table.h"

#define OWNING_COLUMN "model"

static bool
is_owned(Oid relation, Oid schema)
{
	AttrNumber	column = get_attnum(relation, OWNING_COLUMN);

	return get_rel_relkind(relation) == RELKIND_RELATION && get_rel_namespace(relation) == schema &&
		column != InvalidAttrNumber && get_atttype(relation, column) == TEXTOID;
}

/* Tables of the extension whose rows belong to models. */
static List *
owned_tables(void)
{
	Oid			schema = get_namespace_oid("easq", false);
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	List	   *tables = NIL;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(get_extension_oid("easq", false)));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend member = (Form_pg_depend) GETSTRUCT(tuple);

		if (member->classid == RelationRelationId && member->deptype == DEPENDENCY_EXTENSION &&
			is_owned(member->objid, schema))
			tables = lappend_oid(tables, member->objid);
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return tables;
}

/* An index that finds rows by the column alone; NULL: none. */
static char *
index_by(Relation table, AttrNumber column)
{
	List	   *indexes = RelationGetIndexList(table);
	ListCell   *cell;
	char	   *found = NULL;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (found == NULL && form->indisvalid && form->indkey.values[0] == column && index->rd_rel->relam == BTREE_AM_OID &&
			RelationGetIndexPredicate(index) == NIL && index->rd_indcollation[0] == C_COLLATION_OID)
			found = pstrdup(RelationGetRelationName(index));
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return found;
}

static void
delete_by_scan(const char *table, ScanKey key)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	EasqWriter	writer;
	SysScanDesc scan;
	HeapTuple	tuple;

	EasqWriterBegin(&writer, table);
	scan = systable_beginscan(writer.table, InvalidOid, false, snapshot, 1, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		EasqWriterDelete(&writer, tuple);
	}
	systable_endscan(scan);
	EasqWriterEnd(&writer);
	UnregisterSnapshot(snapshot);
}

static void
delete_rows(const char *name, const char *model)
{
	Relation	table = EasqTableOpen(name, RowExclusiveLock);
	AttrNumber	column = get_attnum(RelationGetRelid(table), OWNING_COLUMN);
	char	   *index = index_by(table, column);
	ScanKeyData key;

	EasqKeyText(&key, column, model);
	if (index)
		(void) EasqDeleteRows(name, index, 1, &key);
	else
		delete_by_scan(name, &key);
	table_close(table, NoLock);
}

void
EasqModelDelete(const char *name)
{
	List	   *tables = owned_tables();
	ListCell   *cell;
	ScanKeyData key;

	foreach(cell, tables)
		delete_rows(get_rel_name(lfirst_oid(cell)), name);
	EasqKeyText(&key, MODEL_NAME, name);
	(void) EasqDeleteRows("model", "model_pkey", 1, &key);
}
