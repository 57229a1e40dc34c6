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
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "learn/append.h"
#include "learn/attach.h"
#include "learn/attempt.h"
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
		!(TRIGGER_FIRED_BY_INSERT(data->tg_event) || TRIGGER_FIRED_BY_UPDATE(data->tg_event)) ||
		data->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("easq_answered must be fired after a statement, with a transition table of the new rows"),
				 errhint("Use easq_learn to attach learning to a table.")));
	/* Without them every row would be a new answer. */
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) && data->tg_oldtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("easq_answered must be fired after UPDATE with a transition table of the old rows too"),
				 errhint("Use easq_learn to attach learning to a table.")));
}

static int
by_model(const ListCell *a, const ListCell *b)
{
	return strcmp(((EasqQuestionnaire *) lfirst(a))->model, ((EasqQuestionnaire *) lfirst(b))->model);
}

static bool
learns_already(List *all, const char *model)
{
	ListCell   *cell;

	foreach(cell, all)
		if (strcmp(((EasqQuestionnaire *) lfirst(cell))->model, model) == 0)
			return true;
	return false;
}

typedef struct Learners
{
	Oid			relation;
	List	   *found;			/* EasqQuestionnaire */
} Learners;

/*
 * What learns from the table or from one it is a partition of, each model once
 * (from the nearest), in the order of the models: so two statements never lock crosswise.
 */
static void
find_learners(void *argument)
{
	Learners   *learners = argument;
	List	   *all = NIL;
	ListCell   *cell;

	foreach(cell, EasqQuestionnaireCandidates(learners->relation))
	{
		EasqQuestionnaire *found;
		int			count = EasqQuestionnairesOf(lfirst_oid(cell), &found);

		for (int i = 0; i < count; i++)
			if (!learns_already(all, found[i].model))
				all = lappend(all, &found[i]);
	}
	list_sort(all, by_model);
	learners->found = all;
}

/* The rows stay even where easq.questionnaire is not as the script made it, and nobody knows who would have learned them. */
static List *
learners_of(const EasqWrittenRows *written)
{
	Learners	learners = {.relation = written->relation};
	ErrorData  *error = EasqAttempt(find_learners, &learners, false);

	if (error)
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("no model learned from " INT64_FORMAT " rows of table %s: %s",
						tuplestore_tuple_count(written->now), get_rel_name(written->relation), error->message),
				 error->hint ? errhint("%s", error->hint) : 0));
	return learners.found;
}

Datum
easq_answered(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	EasqWrittenRows written;
	ListCell   *cell;

	if (IsBinaryUpgrade || creating_extension)
		PG_RETURN_POINTER(NULL);
	check_protocol(fcinfo);
	written.relation = RelationGetRelid(data->tg_relation);
	written.desc = RelationGetDescr(data->tg_relation);
	written.now = data->tg_newtable;
	written.before = data->tg_oldtable;
	if (tuplestore_tuple_count(written.now) == 0)
		PG_RETURN_POINTER(NULL);
	/* Temporary tables alone get here, and neither weights nor a skipped step can be written. */
	if (XactReadOnly)
		PG_RETURN_POINTER(NULL);
	if (EasqAppend(&written))
		PG_RETURN_POINTER(NULL);
	foreach(cell, learners_of(&written))
		EasqLearnStatement(lfirst(cell), &written, written.before ? "update" : "insert");
	PG_RETURN_POINTER(NULL);
}
