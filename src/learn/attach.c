#include "postgres.h"

#include "catalog/catalog.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

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
	if (IsCatalogRelationOid(relation) || strcmp(get_namespace_name(get_rel_namespace(relation)), "easq") == 0)
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

static void
create_triggers(Oid relation, const char *schema)
{
	char	   *table = qualified_name(relation);
	char	   *function = quote_qualified_identifier(schema, TRIGGER_FUNCTION);

	if (!OidIsValid(get_trigger_oid(relation, INSERT_TRIGGER, true)))
		execute(psprintf("CREATE TRIGGER " INSERT_TRIGGER " AFTER INSERT ON %s "
						 "REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION %s()",
						 table, function));
	if (!OidIsValid(get_trigger_oid(relation, UPDATE_TRIGGER, true)))
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

/* The table and, where it is partitioned, all partitions below it (locked), foreign ones left out. */
static List *
with_partitions(Oid relation, LOCKMODE mode)
{
	List	   *found = NIL;
	List	   *all;
	ListCell   *cell;

	if (get_rel_relkind(relation) != RELKIND_PARTITIONED_TABLE)
		return list_make1_oid(relation);
	all = find_all_inheritors(relation, mode, NULL);
	foreach(cell, all)
	{
		char		kind = get_rel_relkind(lfirst_oid(cell));

		if (kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE)
			found = lappend_oid(found, lfirst_oid(cell));
	}
	return found;
}

void
EasqAttach(Oid relation, const char *schema)
{
	ListCell   *cell;

	SPI_connect();
	foreach(cell, with_partitions(relation, AccessShareLock))
		create_triggers(lfirst_oid(cell), schema);
	SPI_finish();
}

void
EasqDetachIfUnused(Oid relation)
{
	EasqQuestionnaire *left;
	ListCell   *cell;

	if (get_rel_name(relation) == NULL || EasqQuestionnairesOf(relation, &left) > 0)
		return;
	SPI_connect();
	foreach(cell, with_partitions(relation, AccessShareLock))
		drop_triggers(lfirst_oid(cell));
	SPI_finish();
}

void
EasqLockQuestionnaires(const char *model)
{
	EasqQuestionnaire *found;
	int			count = EasqQuestionnairesOfModel(model, &found);

	for (int i = 0; i < count; i++)
	{
		if (get_rel_name(found[i].relation) == NULL || !EasqOwnsRelation(found[i].relation, GetUserId()))
			continue;
		LockRelationOid(found[i].relation, AccessExclusiveLock);
		(void) with_partitions(found[i].relation, AccessExclusiveLock);
	}
}

void
EasqDetachModel(const char *model)
{
	EasqQuestionnaire *found;
	int			count = EasqQuestionnairesOfModel(model, &found);

	for (int i = 0; i < count; i++)
	{
		EasqQuestionnaireDelete(model, found[i].relation);
		if (get_rel_name(found[i].relation) != NULL && EasqOwnsRelation(found[i].relation, GetUserId()))
			EasqDetachIfUnused(found[i].relation);
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
