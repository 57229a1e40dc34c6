/*
 * easq_guard: the trigger on easq's own tables.  What they say is believed: whose
 * rights a features query has, who owns a model.  So a right to write them is
 * not enough, whoever gave it; easq's own writes fire no triggers.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(easq_guard);

static void
check_writer(Relation table)
{
	Oid			owner = table->rd_rel->relowner;

	if (has_privs_of_role(GetUserId(), owner))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("must be owner of table %s.%s to write it",
					get_namespace_name(RelationGetNamespace(table)), RelationGetRelationName(table)),
			 errhint("What this table says is trusted, so that a privilege on it is not enough. Use the functions of easq, or write as role \"%s\" or a superuser.",
					 GetUserNameFromId(owner, false))));
}

Datum
easq_guard(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("easq_guard can only be called as a trigger, before what it guards"),
				 errhint("CREATE EXTENSION easq puts it on the tables of the schema easq.")));
	check_writer(data->tg_relation);
	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		PG_RETURN_POINTER(NULL);
	PG_RETURN_POINTER(TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple);
}
