/*
 * easq_learn and easq_stop_learning.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tupconvert.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "sql/argument.h"
#include "learn/answers.h"
#include "learn/attach.h"
#include "learn/author.h"
#include "learn/settings.h"
#include "learn/statement.h"
#include "query/rows.h"
#include "store/model.h"
#include "store/questionnaire.h"

PG_FUNCTION_INFO_V1(easq_learn);
PG_FUNCTION_INFO_V1(easq_stop_learning);

static Oid
relation_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("questionnaire must not be null"),
				 errhint("Pass the name of the table that answers are written to.")));
	return PG_GETARG_OID(1);
}

static Jsonb *
empty_object(void)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}")));
}

static EasqQuestionnaire
questionnaire_of(FunctionCallInfo fcinfo)
{
	return (EasqQuestionnaire) {
		.model = EasqTextArgument(fcinfo, 0, "model"),
		.relation = relation_argument(fcinfo),
		.author = GetUserId(),
		.answer = EasqTextArgument(fcinfo, 2, "answer"),
		.respondent = EasqTextArgument(fcinfo, 3, "respondent"),
		.features = EasqOptionalText(fcinfo, 4),
		.settings = EasqSettingsRecord(),
		.options = PG_ARGISNULL(5) ? empty_object() : PG_GETARG_JSONB_P(5)
	};
}

/* SELECT * leaves out the columns that were dropped; the table's row type has them. */
static void
put_row(Tuplestorestate *rows, HeapTuple tuple, TupleConversionMap *map)
{
	if (map == NULL)
	{
		tuplestore_puttuple(rows, tuple);
		return;
	}
	tuple = execute_attr_map_tuple(tuple, map);
	tuplestore_puttuple(rows, tuple);
	heap_freetuple(tuple);
}

/* Rows that are in the table now, or none: the features query is tried on them all the same. */
static Tuplestorestate *
table_rows(Relation relation, bool all)
{
	Tuplestorestate *written = tuplestore_begin_heap(false, false, work_mem);
	char	   *table = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												   RelationGetRelationName(relation));
	TupleConversionMap *map;
	EasqRows	rows;
	HeapTuple	tuple;

	if (!all)
		return written;
	SPI_connect();
	/* The snapshot must be younger than the triggers, who waited for those who were writing; under REPEATABLE READ too. */
	PushActiveSnapshot(GetLatestSnapshot());
	map = convert_tuples_by_name(EasqRowsOpen(&rows, SPI_prepare(psprintf("SELECT * FROM %s", table), 0, NULL), true),
								 RelationGetDescr(relation));
	while (EasqRowsFetch(&rows))
		while ((tuple = EasqRowsNext(&rows)) != NULL)
			put_row(written, tuple, map);
	EasqRowsClose(&rows);
	PopActiveSnapshot();
	SPI_finish();
	return written;
}

static void
collect_backlog(EasqChanges *changes, const EasqQuestionnaire *questionnaire, const EasqLearnOptions *options)
{
	Relation	relation = table_open(questionnaire->relation, AccessShareLock);
	EasqWrittenRows written = {
		.relation = questionnaire->relation,
		.desc = RelationGetDescr(relation),
		.now = table_rows(relation, options->backlog != EASQ_BACKLOG_NONE)
	};
	EasqAuthor	author;
	EasqModel  *model;

	PushActiveSnapshot(GetTransactionSnapshot());
	model = EasqModelRead(questionnaire->model, false);
	PopActiveSnapshot();
	/* A second call finds what the first one remembered, by what it is about where no column names it. */
	changes->always_keyed = true;
	EasqBecomeAuthor(&author, questionnaire);
	EasqCollect(changes, model->spec, questionnaire, options, &written);
	EasqLeaveAuthor(&author);
	EasqChangesSettle(changes);
	tuplestore_end(written.now);
	table_close(relation, NoLock);
}

/* Everything at once and as errors: the caller is watching. */
static void
take_backlog(const EasqQuestionnaire *questionnaire, const EasqLearnOptions *options)
{
	EasqChanges changes;
	EasqLearner *learner;

	EasqChangesBegin(&changes, work_mem);
	collect_backlog(&changes, questionnaire, options);
	if (changes.count[EASQ_NOW] > 0)
	{
		learner = EasqLearnerOpen(questionnaire->model, questionnaire->author, EASQ_WAIT);
		learner->author = questionnaire->author;
		if (options->backlog == EASQ_BACKLOG_LEARN)
			EasqLearnChanges(learner, &changes, "backlog", options->strict);
		else
			EasqRememberChanges(learner, &changes);
		EasqLearnerSave(learner);
	}
	EasqLogSkipped(&changes.refused[EASQ_NOW], questionnaire->model, "backlog", questionnaire->author);
	if (options->backlog != EASQ_BACKLOG_NONE)
		ereport(NOTICE,
				(errmsg(INT64_FORMAT " answers of the backlog were %s", changes.count[EASQ_NOW],
						options->backlog == EASQ_BACKLOG_LEARN ? "learned" : "remembered")));
	EasqChangesEnd(&changes);
}

/* Whoever drops the model waits from here on, and detaches this table too; who has dropped it meanwhile is noticed, whatever our snapshot. */
static void
hold_model(const char *model)
{
	EasqModelLockName(model, AccessShareLock);
	PushActiveSnapshot(GetLatestSnapshot());
	EasqModelCheck(model, GetUserId(), EASQ_TO_TEACH);
	PopActiveSnapshot();
}

Datum
easq_learn(PG_FUNCTION_ARGS)
{
	EasqQuestionnaire questionnaire = questionnaire_of(fcinfo);
	EasqLearnOptions options;

	EasqPreventReadOnly("easq_learn()");
	EasqLearnOptionsRead(&options, questionnaire.options);
	EasqModelCheck(questionnaire.model, GetUserId(), EASQ_TO_TEACH);
	EasqCheckQuestionnaire(questionnaire.relation);
	/* First, as it locks out writers: each row is either in the backlog or fires the trigger. */
	EasqAttach(questionnaire.relation, get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid)));
	/* In the order of easq_drop_model: tables, then the name. */
	hold_model(questionnaire.model);
	EasqCheckAuthor(&questionnaire);
	take_backlog(&questionnaire, &options);
	EasqQuestionnaireWrite(&questionnaire);
	PG_RETURN_VOID();
}

Datum
easq_stop_learning(PG_FUNCTION_ARGS)
{
	char	   *model = EasqTextArgument(fcinfo, 0, "model");
	Oid			relation = relation_argument(fcinfo);

	/* The table is its owner's: to detach it needs no right to the model, nor the model. */
	EasqPreventReadOnly("easq_stop_learning()");
	EasqCheckQuestionnaire(relation);
	EasqDetach(model, relation);
	PG_RETURN_VOID();
}
