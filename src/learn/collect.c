#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "feature/example.h"
#include "feature/options.h"
#include "query/reading.h"
#include "learn/answer_key.h"
#include "query/answer_value.h"
#include "learn/collect.h"
#include "learn/asking.h"

#define FETCH_ROWS 1000

void
EasqLearnOptionsRead(EasqLearnOptions *options, Jsonb *given)
{
	static const char *const backlogs[] = {"none", "remember", "learn", NULL};
	static const EasqOption table[] = {
		{"key", EASQ_OPTION_TEXT, 0, 0, 0, offsetof(EasqLearnOptions, key), NULL, false},
		{"weight", EASQ_OPTION_TEXT, 0, 0, 0, offsetof(EasqLearnOptions, weight), NULL, false},
		{"weight_limit", EASQ_OPTION_REAL, 10, 1, 1e6, offsetof(EasqLearnOptions, weight_limit), NULL, false},
		{"asked_at", EASQ_OPTION_TEXT, 0, 0, 0, offsetof(EasqLearnOptions, asked_at), NULL, false},
		{"answers_per_hour", EASQ_OPTION_INT, 0, 0, 1000000, offsetof(EasqLearnOptions, answers_per_hour), NULL, false},
		{"backlog", EASQ_OPTION_CHOICE, 0, 0, 0, offsetof(EasqLearnOptions, backlog), backlogs, false},
		{"strict", EASQ_OPTION_BOOL, 0, 0, 0, offsetof(EasqLearnOptions, strict), NULL, false},
		{"queue", EASQ_OPTION_BOOL, 0, 0, 0, offsetof(EasqLearnOptions, queue), NULL, false},
		{NULL, EASQ_OPTION_BOOL, 0, 0, 0, 0, NULL, false}
	};

	EasqOptionTableInit(table, options);
	EasqOptionTableApply(table, options, given, "easq_learn", false);
}

/* How rows of one type are read. */
typedef struct Columns
{
	EasqReader *reader;
	EasqAnswerReader answer_reader;
	int			answer;			/* attribute numbers */
	int			respondent;
	int			key;			/* 0: none */
	const EasqLearnOptions *options;
	EasqAsking	asking;
	FmgrInfo	respondent_output;
	FmgrInfo	key_output;
	Oid			key_type;
	char	   *questionnaire;	/* its name, within which keys are unique */
	StringInfoData example;
	MemoryContext row_context;
	Datum	   *values;
	bool	   *nulls;
} Columns;

static void
output_of(TupleDesc desc, int column, FmgrInfo *output)
{
	Oid			function;
	bool		is_varlena;

	getTypeOutputInfo(TupleDescAttr(desc, column - 1)->atttypid, &function, &is_varlena);
	fmgr_info(function, output);
}

static void
match_columns(Columns *columns, const EasqSpec *spec, const EasqQuestionnaire *questionnaire,
			  const EasqLearnOptions *options, TupleDesc desc)
{
	const char *what = questionnaire->features ? "the features query" : "the questionnaire";

	memset(columns, 0, sizeof(*columns));
	columns->answer = EasqFindColumn(desc, questionnaire->answer, "answer", what);
	columns->respondent = EasqFindColumn(desc, questionnaire->respondent, "respondent", what);
	output_of(desc, columns->respondent, &columns->respondent_output);
	if (options->key)
	{
		columns->key = EasqFindColumn(desc, options->key, "key", what);
		output_of(desc, columns->key, &columns->key_output);
		columns->key_type = getBaseType(TupleDescAttr(desc, columns->key - 1)->atttypid);
	}
	EasqAnswerReaderInit(&columns->answer_reader, TupleDescAttr(desc, columns->answer - 1)->atttypid,
						 questionnaire->answer, CurrentMemoryContext);
	columns->reader = EasqReaderCreate(spec, desc, CurrentMemoryContext);
	columns->questionnaire = psprintf("%s.%s", get_namespace_name(get_rel_namespace(questionnaire->relation)),
									  get_rel_name(questionnaire->relation));
	columns->options = options;
	EasqAskingInit(&columns->asking, options, desc, what);
	columns->values = palloc(sizeof(Datum) * desc->natts);
	columns->nulls = palloc(sizeof(bool) * desc->natts);
	columns->row_context = AllocSetContextCreate(CurrentMemoryContext, "easq answer", ALLOCSET_SMALL_SIZES);
	initStringInfo(&columns->example);
}

static void
append(EasqCollection *collection, const EasqAnswer *answer)
{
	if (collection->count == collection->room)
	{
		collection->room = Max(64, collection->room * 2);
		collection->answers = collection->answers == NULL
			? palloc(sizeof(EasqAnswer) * collection->room)
			: repalloc_huge(collection->answers, sizeof(EasqAnswer) * (Size) collection->room);
	}
	collection->answers[collection->count++] = *answer;
}

/* The same for whoever writes: a timestamptz is another text in another time zone. */
static char *
key_text(Columns *columns, Datum value)
{
	if (columns->key_type == TIMESTAMPTZOID)
		return psprintf(INT64_FORMAT, DatumGetTimestampTz(value));
	return OutputFunctionCall(&columns->key_output, value);
}

/* True: *answer is complete, in the row's context.  False: no pair can come of it, or (problem) it is no good. */
static bool
read_row(Columns *columns, EasqAnswer *answer, EasqProblem *problem)
{
	const Datum *values = columns->values;
	const bool *nulls = columns->nulls;

	memset(answer, 0, sizeof(*answer));
	if (!EasqReadAnswer(&columns->answer_reader, values[columns->answer - 1], nulls[columns->answer - 1],
						&answer->answer, problem))
		return false;
	if (isnan(answer->answer))
		return false;
	if (!EasqReadAsking(&columns->asking, values, nulls, answer, problem))
		return false;
	resetStringInfo(&columns->example);
	if (!EasqReadExample(columns->reader, values, nulls, &columns->example, problem))
		return false;
	answer->example = columns->example.data;
	answer->length = columns->example.len;
	if (!nulls[columns->respondent - 1])
		answer->respondent = OutputFunctionCall(&columns->respondent_output, values[columns->respondent - 1]);
	if (answer->respondent && strlen(answer->respondent) > EASQ_MAX_RESPONDENT)
		return EasqComplain(problem, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
							psprintf("a respondent of %zu bytes is longer than %d", strlen(answer->respondent), EASQ_MAX_RESPONDENT),
							pstrdup("Name a shorter column as the respondent, an id for example."));
	answer->per_hour = columns->options->answers_per_hour;
	answer->has_name = columns->key > 0 && !nulls[columns->key - 1];
	/* Who said it again about the same has changed their mind; nobody knows that of an unknown respondent. */
	answer->keyed = answer->has_name || answer->respondent != NULL;
	if (answer->has_name)
	{
		const char *name = key_text(columns, values[columns->key - 1]);

		EasqNamedKey(columns->questionnaire, name, answer->key);
		EasqNameDigest(name, answer->named);
	}
	else
		EasqContentKey(answer->respondent, answer->example, answer->length, answer->key);
	return true;
}

static void
collect_row(EasqCollection *collection, Columns *columns, bool strict)
{
	MemoryContext old = MemoryContextSwitchTo(columns->row_context);
	EasqProblem problem = {0};
	EasqAnswer	answer;
	bool		usable = read_row(columns, &answer, strict ? NULL : &problem);

	MemoryContextSwitchTo(old);
	if (usable)
	{
		char	   *example = palloc(answer.length);

		memcpy(example, answer.example, answer.length);
		answer.example = example;
		if (answer.respondent)
			answer.respondent = pstrdup(answer.respondent);
		append(collection, &answer);
	}
	else if (problem.sqlstate != 0)
		EasqSkip(&collection->refused, problem.message, 1);
	else if (!columns->nulls[columns->answer - 1])
		collection->uncertain++;
	MemoryContextReset(columns->row_context);
}

/* The rows themselves: read straight from the transition table, which somebody else may be reading too. */
static void
collect_directly(EasqCollection *collection, Columns *columns, const EasqLearnOptions *options,
				 TupleDesc desc, Tuplestorestate *rows)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	int			pointer = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);

	tuplestore_select_read_pointer(rows, pointer);
	tuplestore_rescan(rows);
	while (tuplestore_gettupleslot(rows, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		memcpy(columns->values, slot->tts_values, sizeof(Datum) * desc->natts);
		memcpy(columns->nulls, slot->tts_isnull, sizeof(bool) * desc->natts);
		collect_row(collection, columns, options->strict);
		tuplestore_select_read_pointer(rows, pointer);
	}
	ExecDropSingleTupleTableSlot(slot);
}

static void
register_rows(Oid relation, Tuplestorestate *rows)
{
	EphemeralNamedRelation enr = palloc0(sizeof(EphemeralNamedRelationData));

	enr->md.name = "new_rows";
	enr->md.reliddesc = relation;
	enr->md.tupdesc = NULL;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = tuplestore_tuple_count(rows);
	enr->reldata = rows;
	if (SPI_register_relation(enr) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register new_rows");
}

static void
collect_query(EasqCollection *collection, const EasqSpec *spec, const EasqQuestionnaire *questionnaire,
			  const EasqLearnOptions *options, Oid relation, Tuplestorestate *rows)
{
	MemoryContext result = CurrentMemoryContext;
	Columns		columns;
	Portal		portal;
	bool		matched = false;
	uint64		fetched;
	int64		missing = tuplestore_tuple_count(rows);

	SPI_connect();
	register_rows(relation, rows);
	portal = SPI_cursor_open(NULL, EasqPrepareReading(questionnaire->features, "the features query"), NULL, NULL, false);
	do
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		fetched = SPI_processed;
		missing -= (int64) fetched;
		if (!matched)
			match_columns(&columns, spec, questionnaire, options, SPI_tuptable->tupdesc);
		matched = true;
		for (uint64 i = 0; i < fetched; i++)
		{
			MemoryContext old;

			CHECK_FOR_INTERRUPTS();
			heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, columns.values, columns.nulls);
			old = MemoryContextSwitchTo(result);
			collect_row(collection, &columns, options->strict);
			MemoryContextSwitchTo(old);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (fetched > 0);
	SPI_cursor_close(portal);
	SPI_finish();
	if (missing > 0)
		EasqSkip(&collection->refused, "the features query returned no row for it", (int) Min(missing, PG_INT32_MAX));
}

void
EasqCollect(EasqCollection *collection, const EasqSpec *spec, const EasqQuestionnaire *questionnaire,
			const EasqLearnOptions *options, Oid relation, TupleDesc desc, Tuplestorestate *rows)
{
	Columns		columns;

	memset(collection, 0, sizeof(*collection));
	EasqSkippedInit(&collection->refused);
	if (questionnaire->features)
	{
		collect_query(collection, spec, questionnaire, options, relation, rows);
		return;
	}
	match_columns(&columns, spec, questionnaire, options, desc);
	collect_directly(collection, &columns, options, desc, rows);
}

static int
by_key(const void *a, const void *b)
{
	const EasqAnswer *x = a;
	const EasqAnswer *y = b;
	int			c = memcmp(x->key, y->key, EASQ_KEY_BYTES);

	return c != 0 ? c : (x->answer < y->answer ? -1 : x->answer > y->answer);
}

/* An answer that was refused before and is refused for the same reason now is no news. */
static void
subtract_refused(EasqSkipped *now, const EasqSkipped *before)
{
	for (int i = 0; i < now->reasons; i++)
		for (int j = 0; j < before->reasons; j++)
			if (strcmp(now->reason[i], before->reason[j]) == 0)
				now->count[i] = Max(now->count[i] - before->count[j], 0);
}

void
EasqCollectionSubtract(EasqCollection *now, EasqCollection *before)
{
	int			kept_now = 0;
	int			kept_before = 0;
	int			i = 0;
	int			j = 0;

	if (now->count > 0)
		qsort(now->answers, now->count, sizeof(EasqAnswer), by_key);
	if (before->count > 0)
		qsort(before->answers, before->count, sizeof(EasqAnswer), by_key);
	while (i < now->count || j < before->count)
	{
		int			c = i == now->count ? 1 : j == before->count ? -1 :
			by_key(&now->answers[i], &before->answers[j]);

		if (c < 0)
			now->answers[kept_now++] = now->answers[i++];
		else if (c > 0)
			before->answers[kept_before++] = before->answers[j++];
		else
		{
			i++;
			j++;
		}
	}
	now->count = kept_now;
	before->count = kept_before;
	now->uncertain = Max(now->uncertain - before->uncertain, 0);
	subtract_refused(&now->refused, &before->refused);
}
