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

static const char *const written[] = {
	"model", "adapter", "tensor", "answer", "answer_count", "queued", "answer_rate", "step"
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

/* Unique beside the primary key, on an expression or on some rows: an index of somebody else's. */
static bool
has_plain_indexes(Relation table)
{
	List	   *indexes = RelationGetIndexList(table);
	ListCell   *cell;
	bool		plain = true;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		plain = plain && RelationGetIndexExpressions(index) == NIL && RelationGetIndexPredicate(index) == NIL &&
			(!index->rd_index->indisunique || index->rd_index->indisprimary) && !index->rd_index->indisexclusion;
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
is_as_made(const char *name, Oid *id)
{
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
		has_plain_indexes(table);
	table_close(table, AccessShareLock);
	return as_made;
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
		state.as_made = EasqFindIndexes(state.index);
		state.looks++;
		for (size_t i = 0; i < lengthof(written); i++)
			state.as_made = is_as_made(written[i], &state.table[i]) && state.as_made;
	}
	return state.known && state.as_made ? state.looks : 0;
}
