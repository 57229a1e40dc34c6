/*
 * Writing rows as PostgreSQL writes them: the table access method stores them,
 * the executor's code computes generated columns, checks constraints and keeps
 * whatever indexes there are, as COPY and logical replication's apply do.
 *
 * Row triggers are not fired, and a table that has one is refused by its name
 * (foreign keys are such triggers too).  What people hang on a table of weights
 * would run as whoever answers, in the middle of a step, under the model's lock,
 * on rows that only make sense together.  And it costs: a foreign key took 9 us a
 * row (200,000 rows, PostgreSQL 15), and a step writes some 30 rows, a training
 * thousands.  The script's own, easq_guard, is for what others write.  Without them this way costs what
 * the catalog's did: 6.0 ms of CPU a step (6.2 before), 182 kB of WAL (182 before).
 * Statement triggers are for statements: easq's writing is none.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "store/table.h"

#define GUARD_TRIGGER "guard_row"
#define WAITING_BYTES ((Size) 64 * 1024)

/* ------------------------------------------- what is not written into */

/* The triggers of a constraint have names that nobody knows; they go with it. */
static void
refuse_constraint(Relation table, const Trigger *trigger)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(trigger->tgconstraint));
	Form_pg_constraint constraint;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for constraint %u", trigger->tgconstraint);
	constraint = (Form_pg_constraint) GETSTRUCT(tuple);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table easq.%s is held by constraint \"%s\" of table \"%s\", whose row triggers easq does not fire",
					RelationGetRelationName(table), NameStr(constraint->conname), get_rel_name(constraint->conrelid)),
			 errhint("ALTER TABLE %s DROP CONSTRAINT %s.",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(constraint->conrelid)),
												get_rel_name(constraint->conrelid)),
					 quote_identifier(NameStr(constraint->conname)))));
}

static void
refuse_trigger(Relation table, const Trigger *trigger)
{
	if (trigger->tgisinternal && OidIsValid(trigger->tgconstraint))
		refuse_constraint(table, trigger);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table easq.%s has row trigger \"%s\", which easq does not fire",
					RelationGetRelationName(table), trigger->tgname),
			 errhint("DROP TRIGGER %s ON easq.%s.", quote_identifier(trigger->tgname), RelationGetRelationName(table))));
}

bool
EasqIsGuard(const Trigger *trigger)
{
	return strcmp(trigger->tgname, GUARD_TRIGGER) == 0;
}

static void
check_written(Relation table)
{
	TriggerDesc *triggers = table->trigdesc;

	if (RelationGetNumberOfAttributes(table) > EASQ_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table easq.%s has %d columns, dropped ones included, and at most %d are written",
						RelationGetRelationName(table), RelationGetNumberOfAttributes(table), EASQ_COLUMNS),
				 errhint("Columns of easq's tables are not for adding; restore the table from a dump.")));
	/* The flag may be left over from children that are gone. */
	if (table->rd_rel->relispartition ||
		(table->rd_rel->relhassubclass && find_inheritance_children(RelationGetRelid(table), NoLock) != NIL))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table easq.%s has become part of an inheritance tree", RelationGetRelationName(table)),
				 errhint("Drop the tables that inherit from it, or detach it: easq reads and writes this table alone.")));
	for (int i = 0; triggers && i < triggers->numtriggers; i++)
		if (TRIGGER_FOR_ROW(triggers->triggers[i].tgtype) && !EasqIsGuard(&triggers->triggers[i]) &&
			triggers->triggers[i].tgenabled != TRIGGER_DISABLED)
			refuse_trigger(table, &triggers->triggers[i]);
}

/* -------------------------------------------------------------- opening */

void
EasqWriterBegin(EasqWriter *writer, const char *table)
{
	memset(writer, 0, sizeof(*writer));
	writer->table = EasqTableOpen(table, RowExclusiveLock);
	writer->context = CurrentMemoryContext;
}

static TupleTableSlot *
make_slot(const EasqWriter *writer, const TupleTableSlotOps *kind)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(writer->table), kind);

	slot->tts_tableOid = RelationGetRelid(writer->table);
	return slot;
}

/* For the first row that is stored; there are writers that never have one. */
static void
start_storing(EasqWriter *writer)
{
	MemoryContext old;

	if (writer->estate)
		return;
	check_written(writer->table);
	old = MemoryContextSwitchTo(writer->context);
	writer->estate = CreateExecutorState();
	MemoryContextSwitchTo(writer->estate->es_query_cxt);
	writer->result = makeNode(ResultRelInfo);
	EasqInitResult(writer->estate, writer->result, writer->table);
	ExecOpenIndices(writer->result, false);
	/* A virtual slot keeps the values that the indexes take after the row is stored. */
	writer->row = make_slot(writer, &TTSOpsVirtual);
	MemoryContextSwitchTo(old);
}

/* --------------------------------------------------------- storing rows */

/* A row of these values in a slot that holds no other, checked. */
static void
fill_slot(EasqWriter *writer, TupleTableSlot *slot, const Datum *values, const bool *nulls)
{
	TupleConstr *constraints = RelationGetDescr(writer->table)->constr;
	int			columns = RelationGetNumberOfAttributes(writer->table);

	memcpy(slot->tts_values, values, sizeof(Datum) * columns);
	memcpy(slot->tts_isnull, nulls, sizeof(bool) * columns);
	ExecStoreVirtualTuple(slot);
	if (constraints == NULL)
		return;
	if (constraints->has_generated_stored)
		EasqComputeGenerated(writer->result, writer->estate, slot);
	ExecConstraints(writer->result, slot, writer->estate);
}

/*
 * Nothing waits for a recheck: deferrable constraints come with a row trigger.  An updated row is new to all indexes:
 * what is not a HOT update has changed its key (the version) or its page.
 */
static void
index_row(EasqWriter *writer, TupleTableSlot *slot, bool summaries)
{
	if (writer->result->ri_NumIndices > 0)
		(void) EasqInsertIndexTuples(writer->result, slot, writer->estate, summaries);
}

/* What storing a row allocates is gone with the row. */
static MemoryContext
row_context(EasqWriter *writer)
{
	start_storing(writer);
	return MemoryContextSwitchTo(GetPerTupleMemoryContext(writer->estate));
}

static void
end_row(EasqWriter *writer, MemoryContext old)
{
	MemoryContextSwitchTo(old);
	ResetPerTupleExprContext(writer->estate);
}

void
EasqWriterInsert(EasqWriter *writer, const Datum *values, const bool *nulls)
{
	MemoryContext old = row_context(writer);
	TupleTableSlot *row = writer->row;

	fill_slot(writer, row, values, nulls);
	table_tuple_insert(writer->table, row, GetCurrentCommandId(true), 0, NULL);
	index_row(writer, row, false);
	ExecClearTuple(row);
	end_row(writer, old);
}

static void
write_waiting(EasqWriter *writer)
{
	MemoryContext old;

	if (writer->count == 0)
		return;
	old = row_context(writer);
	table_multi_insert(writer->table, writer->waiting, writer->count, GetCurrentCommandId(true), 0, NULL);
	MemoryContextSwitchTo(old);
	for (int i = 0; i < writer->count; i++)
	{
		old = row_context(writer);
		index_row(writer, writer->waiting[i], false);
		ExecClearTuple(writer->waiting[i]);
		end_row(writer, old);
	}
	writer->count = 0;
	writer->bytes = 0;
}

void
EasqWriterAdd(EasqWriter *writer, const Datum *values, const bool *nulls)
{
	MemoryContext old = row_context(writer);
	TupleTableSlot *slot;

	if (writer->count == writer->slots)
	{
		MemoryContextSwitchTo(writer->estate->es_query_cxt);
		writer->waiting[writer->slots++] = make_slot(writer, &TTSOpsHeapTuple);
		MemoryContextSwitchTo(GetPerTupleMemoryContext(writer->estate));
	}
	slot = writer->waiting[writer->count++];
	fill_slot(writer, slot, values, nulls);
	/* Its own copy of the row, which lives until it is written. */
	ExecMaterializeSlot(slot);
	writer->bytes += ExecFetchSlotHeapTuple(slot, false, NULL)->t_len;
	end_row(writer, old);
	if (writer->count == EASQ_WRITTEN_TOGETHER || writer->bytes > WAITING_BYTES)
		write_waiting(writer);
}

/* ------------------------------------------- changing rows that are there */

/* A published table that cannot tell its subscribers which row it was: PostgreSQL's own ERROR 55000. */
static void
check_published(EasqWriter *writer, bool *checked, CmdType command)
{
	if (*checked)
		return;
	check_written(writer->table);
	CheckCmdReplicaIdentity(writer->table, command);
	*checked = true;
}

/* Whose row it is, for the message. */
static char *
model_of(Relation table, HeapTuple row)
{
	TupleDesc	desc = RelationGetDescr(table);

	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);
		bool		isnull;
		Datum		value;

		if (TupleDescAttr(desc, i)->attisdropped || (strcmp(name, "model") != 0 && strcmp(name, "name") != 0))
			continue;
		value = heap_getattr(row, i + 1, desc, &isnull);
		return isnull ? "" : TextDatumGetCString(value);
	}
	return "";
}

/*
 * The model's lock keeps easq's own transactions apart: whoever was there before wrote SQL of their own, or a
 * REPEATABLE READ transaction has fallen behind.
 */
static void
refuse_result(Relation table, HeapTuple row, TM_Result result)
{
	if (result == TM_SelfModified)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg("a row of table easq.%s was changed by the command that is changing it", RelationGetRelationName(table)),
				 errhint("Functions in indexes and constraints of easq's tables must not write to them.")));
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("another transaction changed a row of model \"%s\" in table easq.%s",
					model_of(table, row), RelationGetRelationName(table)),
			 errhint("Retry the transaction. Rows that are changed by SQL do not wait for the model's turn; easq_forget does.")));
}

void
EasqWriterUpdate(EasqWriter *writer, HeapTuple old, const Datum *values,
				 const bool *nulls, const bool *replaces)
{
	MemoryContext outer = row_context(writer);
	TupleDesc	desc = RelationGetDescr(writer->table);
	TupleTableSlot *row = writer->row;
	Datum	   *new_values = palloc(sizeof(Datum) * desc->natts);
	bool	   *new_nulls = palloc(sizeof(bool) * desc->natts);
	EasqIndexesToUpdate indexes;
	TM_FailureData failure;
	LockTupleMode mode;
	TM_Result	result;

	heap_deform_tuple(old, desc, new_values, new_nulls);
	for (int i = 0; i < desc->natts; i++)
		if (replaces[i])
		{
			new_values[i] = values[i];
			new_nulls[i] = nulls[i];
		}
	fill_slot(writer, row, new_values, new_nulls);
	check_published(writer, &writer->updates, CMD_UPDATE);
	result = table_tuple_update(writer->table, &old->t_self, row, GetCurrentCommandId(true),
								GetActiveSnapshot(), InvalidSnapshot, true, &failure, &mode, &indexes);
	if (result != TM_Ok)
		refuse_result(writer->table, old, result);
	if (indexes != EASQ_NO_INDEX)
		index_row(writer, row, EasqOnlySummaries(indexes));
	ExecClearTuple(row);
	end_row(writer, outer);
}

/* A row that another transaction deletes meanwhile is as gone as it is to be. */
static void
delete_row(Relation table, HeapTuple row)
{
	TM_FailureData failure;
	TM_Result	result = table_tuple_delete(table, &row->t_self, GetCurrentCommandId(true), GetActiveSnapshot(),
											InvalidSnapshot, true, &failure, false);

	if (result == TM_Ok || (result == TM_Deleted && !IsolationUsesXactSnapshot()))
		return;
	refuse_result(table, row, result);
}

void
EasqWriterDelete(EasqWriter *writer, HeapTuple old)
{
	check_published(writer, &writer->deletes, CMD_DELETE);
	delete_row(writer->table, old);
}

void
EasqWriterEnd(EasqWriter *writer)
{
	write_waiting(writer);
	for (int i = 0; i < writer->slots; i++)
		ExecDropSingleTupleTableSlot(writer->waiting[i]);
	if (writer->estate)
	{
		ExecDropSingleTupleTableSlot(writer->row);
		ExecCloseIndices(writer->result);
		FreeExecutorState(writer->estate);
	}
	table_close(writer->table, NoLock);
	CommandCounterIncrement();
}

int64
EasqDeleteRows(const char *table, const char *index, int nkeys, ScanKey keys)
{
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	int64		deleted = 0;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());

	EasqWriterBegin(&writer, table);
	EasqScanBegin(&scan, table, index, RowExclusiveLock, snapshot, nkeys, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		CHECK_FOR_INTERRUPTS();
		EasqWriterDelete(&writer, tuple);
		deleted++;
	}
	EasqScanEnd(&scan);
	UnregisterSnapshot(snapshot);
	EasqWriterEnd(&writer);
	return deleted;
}
