#include "postgres.h"

#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

#include "compat.h"
#include "learn/attach.h"
#include "store/questionnaire.h"

#define INSERT_TRIGGER "easq_learn_insert"
#define UPDATE_TRIGGER "easq_learn_update"
#define TRIGGER_FUNCTION "easq_answered"

void
EasqCheckQuestionnaire(Oid relation)
{
	char		kind = get_rel_relkind(relation);
	char	   *name = get_rel_name(relation);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table with OID %u does not exist", relation),
				 errhint("Pass the name of the questionnaire table.")));
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", name),
				 errhint("Answers are learned from tables and partitioned tables. Attach to the table that a view reads, or INSERT what a foreign table brings into a local one.")));
	if (IsCatalogRelationOid(relation) || get_rel_namespace(relation) == get_namespace_oid("easq", true))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a system table", name),
				 errhint("Pass the name of the questionnaire table.")));
	if (!EasqOwnsRelation(relation, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table %s", name),
				 errhint("The owner of the questionnaire calls easq_learn.")));
}

static char *
qualified_name(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
}

static void
execute(const char *command)
{
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not execute \"%s\"", command);
}

/* Is the trigger there already?  ERROR 42710 where another has its name: its table would seem to teach. */
static bool
has_trigger(Oid relation, const char *trigger, const char *schema)
{
	Relation	table = table_open(relation, NoLock);
	TriggerDesc *triggers = table->trigdesc;
	List	   *function = list_make2(makeString(pstrdup(schema)), makeString(pstrdup(TRIGGER_FUNCTION)));
	Oid			ours = LookupFuncName(function, 0, NULL, false);
	bool		found = false;

	for (int i = 0; triggers && i < triggers->numtriggers && !found; i++)
	{
		found = strcmp(triggers->triggers[i].tgname, trigger) == 0;
		if (found && triggers->triggers[i].tgfoid != ours)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("table %s has another trigger \"%s\"", RelationGetRelationName(table), trigger),
					 errhint("ALTER TRIGGER %s ON %s RENAME TO ..., and call easq_learn again.", trigger, qualified_name(relation))));
	}
	table_close(table, NoLock);
	return found;
}

static void
create_triggers(Oid relation, const char *schema)
{
	char	   *table = qualified_name(relation);
	char	   *function = quote_qualified_identifier(schema, TRIGGER_FUNCTION);

	if (!has_trigger(relation, INSERT_TRIGGER, schema))
		execute(psprintf("CREATE TRIGGER " INSERT_TRIGGER " AFTER INSERT ON %s "
						 "REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %s()",
						 table, function));
	if (!has_trigger(relation, UPDATE_TRIGGER, schema))
		execute(psprintf("CREATE TRIGGER " UPDATE_TRIGGER " AFTER UPDATE ON %s "
						 "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %s()",
						 table, function));
}

static void
drop_triggers(Oid relation)
{
	char	   *table = qualified_name(relation);

	execute(psprintf("DROP TRIGGER IF EXISTS " INSERT_TRIGGER " ON %s", table));
	execute(psprintf("DROP TRIGGER IF EXISTS " UPDATE_TRIGGER " ON %s", table));
}

/* An INSERT that is routed to one cannot fill a transition table: it would fail. */
static void
refuse_foreign(List *tables)
{
	ListCell   *cell;

	foreach(cell, tables)
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("part \"%s\" of the table is a foreign table", get_rel_name(lfirst_oid(cell))),
					 errhint("PostgreSQL cannot show a trigger the rows that go there. Attach to the partitions that are tables, each by itself.")));
}

/*
 * Locks the table and, where it is partitioned, all partitions, which are
 * returned with it: whoever writes has finished, and nobody else attaches or detaches.
 * What was checked before may have changed while we waited.
 */
static List *
lock_questionnaire(Oid relation, LOCKMODE mode)
{
	LockRelationOid(relation, mode);
	EasqCheckQuestionnaire(relation);
	if (get_rel_relkind(relation) != RELKIND_PARTITIONED_TABLE)
		return list_make1_oid(relation);
	return find_all_inheritors(relation, mode, NULL);
}

void
EasqAttach(Oid relation, const char *schema)
{
	List	   *tables = lock_questionnaire(relation, ShareRowExclusiveLock);
	ListCell   *cell;

	refuse_foreign(tables);
	SPI_connect();
	foreach(cell, tables)
		create_triggers(lfirst_oid(cell), schema);
	SPI_finish();
}

void
EasqDetach(const char *model, Oid relation)
{
	List	   *tables = lock_questionnaire(relation, AccessExclusiveLock);
	EasqQuestionnaire *left;
	ListCell   *cell;

	if (!EasqQuestionnaireDelete(model, relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" does not learn from table %s", model, get_rel_name(relation)),
				 errhint("SELECT model, questionnaire FROM easq.questionnaires lists what learns from what.")));
	if (EasqQuestionnairesOf(relation, &left) > 0)
		return;
	SPI_connect();
	foreach(cell, tables)
		drop_triggers(lfirst_oid(cell));
	SPI_finish();
}

static bool
is_mine(Oid relation)
{
	return get_rel_name(relation) != NULL && EasqOwnsRelation(relation, GetUserId());
}

void
EasqLockQuestionnaires(const char *model)
{
	EasqQuestionnaire *found;
	int			count = EasqQuestionnairesOfModel(model, &found);

	for (int i = 0; i < count; i++)
		if (is_mine(found[i].relation))
			(void) lock_questionnaire(found[i].relation, AccessExclusiveLock);
}

void
EasqDetachModel(const char *model)
{
	EasqQuestionnaire *found;
	int			count = EasqQuestionnairesOfModel(model, &found);

	for (int i = 0; i < count; i++)
	{
		if (is_mine(found[i].relation))
			EasqDetach(model, found[i].relation);
		else
			EasqQuestionnaireDelete(model, found[i].relation);
	}
}

List *
EasqQuestionnaireCandidates(Oid relation)
{
	List	   *candidates = list_make1_oid(relation);

	if (get_rel_relispartition(relation))
		candidates = list_concat(candidates, get_partition_ancestors(relation));
	return candidates;
}
