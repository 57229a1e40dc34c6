#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "storage/lockdefs.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/reltrigger.h"

#include "store/as_made.h"
#include "store/columns.h"
#include "store/index.h"
#include "store/table.h"

#define BIT(column) (UINT64CONST(1) << (column))
#define FROM(column) (~UINT64CONST(0) << (column))

/* What learning writes, by columns: those that it leaves NULL at times, and those that are too large for an index at times. */
static const struct
{
	const char *name;
	uint64		optional;
	uint64		large;
}			written[] = {
	{"model", BIT(MODEL_TRAINED_AT), BIT(MODEL_FEATURES) | BIT(MODEL_OPTIONS) | BIT(MODEL_MEAN) | BIT(MODEL_DEVIATION)},
	{"adapter", BIT(ADAPTER_ASKED_AT), 0},
	{"tensor", 0, BIT(TENSOR_DATA)},
	{"answer", BIT(ANSWER_RESPONDENT) | BIT(ANSWER_NAMED) | BIT(ANSWER_ASKED_AT), BIT(ANSWER_EXAMPLE)},
	{"answer_count", 0, 0},
	{"queued", BIT(QUEUED_RESPONDENT) | BIT(QUEUED_NAMED) | BIT(QUEUED_ASKED_AT), BIT(QUEUED_EXAMPLE)},
	{"answer_rate", 0, 0},
	{"step", BIT(STEP_REASON) | BIT(STEP_DETAIL) | BIT(STEP_ADAPTER_VERSION) | FROM(STEP_LOSS), 0},
};

static struct
{
	bool		registered;		/* for invalidations */
	bool		known;
	bool		as_made;
	uint64		looks;
	Oid			table[lengthof(written)];	/* InvalidOid: there is none of this name */
	Oid			index[EASQ_INDEXES];
}			state;

static void
forget(Datum argument pg_attribute_unused(), Oid relation)
{
	for (size_t i = 0; i < lengthof(written); i++)
		if (relation == InvalidOid || relation == state.table[i])
			state.known = false;
	/* A new name is news of the index alone. */
	for (int i = 0; i < EASQ_INDEXES; i++)
		if (relation == state.index[i])
			state.known = false;
}

static bool
holds_any(const Form_pg_index index, uint64 columns)
{
	for (int i = 0; i < index->indnatts; i++)
		if (index->indkey.values[i] > 0 && (columns & BIT(index->indkey.values[i])))
			return true;
	return false;
}

/* Unique beside the primary key, on an expression, on some rows or of what may not fit into it: an index of somebody else's. */
static bool
has_plain_indexes(Relation table, uint64 large)
{
	List	   *indexes = RelationGetIndexList(table);
	ListCell   *cell;
	bool		plain = true;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		plain = plain && RelationGetIndexExpressions(index) == NIL && RelationGetIndexPredicate(index) == NIL &&
			(!index->rd_index->indisunique || index->rd_index->indisprimary) && !index->rd_index->indisexclusion &&
			!holds_any(index->rd_index, large);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return plain;
}

/* Triggers of statements, and the guard that the script made, are not fired by what easq writes. */
static bool
has_row_triggers(const TriggerDesc *triggers)
{
	for (int i = 0; triggers && i < triggers->numtriggers; i++)
		if (TRIGGER_FOR_ROW(triggers->triggers[i].tgtype) && !EasqIsGuard(&triggers->triggers[i]))
			return true;
	return false;
}

static bool
may_be_null(TupleDesc description, uint64 columns)
{
	for (int i = 0; i < description->natts; i++)
		if ((columns & BIT(i + 1)) && TupleDescAttr(description, i)->attnotnull)
			return false;
	return true;
}

static bool
is_as_made(int which, Oid *id)
{
	const char *name = written[which].name;
	Relation	table;
	TupleConstr *constraints;
	bool		as_made;

	*id = EasqFindTable(name);
	if (get_rel_relkind(*id) != RELKIND_RELATION)
		return false;
	table = table_open(*id, AccessShareLock);
	constraints = RelationGetDescr(table)->constr;
	as_made = EasqIsHeap(table) && EasqColumnsFit(table, name) && !has_row_triggers(table->trigdesc) &&
		!table->rd_rel->relispartition && !table->rd_rel->relhassubclass &&
		(constraints == NULL || (constraints->num_check == 0 && !constraints->has_generated_stored)) &&
		may_be_null(RelationGetDescr(table), written[which].optional) &&
		has_plain_indexes(table, written[which].large);
	table_close(table, AccessShareLock);
	return as_made;
}

/* Those of the script's names; are all there? */
static bool
find_indexes(void)
{
	bool		all = true;

	for (int i = 0; i < EASQ_INDEXES; i++)
	{
		state.index[i] = EasqFindTable(EasqIndexName(i));
		all = all && OidIsValid(state.index[i]);
	}
	return all;
}

uint64
EasqTablesAsMade(void)
{
	if (!state.registered)
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	state.registered = true;
	if (!state.known)
	{
		/* Before: opening them may bring word of changes, which must not be lost. */
		state.known = true;
		state.as_made = find_indexes();
		state.looks++;
		for (int i = 0; i < (int) lengthof(written); i++)
			state.as_made = is_as_made(i, &state.table[i]) && state.as_made;
	}
	return state.known && state.as_made ? state.looks : 0;
}
