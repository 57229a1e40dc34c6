/*
 * easq_answered: the trigger.  It trusts none of its arguments: what to learn
 * from the table stands in easq.questionnaire, or nothing is learned.
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/rel.h"

#include "learn/attach.h"
#include "learn/statement.h"
#include "store/questionnaire.h"

PG_FUNCTION_INFO_V1(easq_answered);

static void
check_protocol(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("easq_answered can only be called as a trigger"),
				 errhint("Use easq_learn to attach learning to a table.")));
	if (!TRIGGER_FIRED_AFTER(data->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(data->tg_event) ||
		data->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("easq_answered must be fired after a statement, with a transition table of the new rows"),
				 errhint("Use easq_learn to attach learning to a table.")));
}

static void
learn_for(Oid questionnaire, const EasqWritten *written)
{
	EasqQuestionnaire *found;
	int			count = EasqQuestionnairesOf(questionnaire, &found);

	for (int i = 0; i < count; i++)
		EasqLearnStatement(&found[i], written);
}

Datum
easq_answered(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	EasqWritten written;
	ListCell   *cell;

	if (IsBinaryUpgrade || creating_extension)
		PG_RETURN_POINTER(NULL);
	check_protocol(fcinfo);
	written.relation = RelationGetRelid(data->tg_relation);
	written.desc = RelationGetDescr(data->tg_relation);
	written.now = data->tg_newtable;
	written.before = data->tg_oldtable;
	written.source = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? "update" : "insert";
	if (tuplestore_tuple_count(written.now) == 0)
		PG_RETURN_POINTER(NULL);
	/* Temporary tables alone get here, and neither weights nor a skipped step can be written. */
	if (XactReadOnly)
		PG_RETURN_POINTER(NULL);
	foreach(cell, EasqQuestionnaireCandidates(written.relation))
		learn_for(lfirst_oid(cell), &written);
	PG_RETURN_POINTER(NULL);
}
