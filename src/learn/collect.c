#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/queryenvironment.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "feature/example.h"
#include "feature/options.h"
#include "feature/value.h"
#include "learn/answer_key.h"
#include "learn/asking.h"
#include "learn/collect.h"
#include "learn/settings.h"
#include "query/answer_value.h"
#include "query/reading.h"
#include "query/rows.h"

void
EasqLearnOptionsRead(EasqLearnOptions *options, Jsonb *given)
{
	static const char *const backlogs[] = {"none", "remember", "learn", NULL};
	static const char *const whens[] = {"now", "commit", "later", NULL};
	static const EasqOption table[] = {
		{"when", EASQ_OPTION_CHOICE, EASQ_LEARN_NOW, 0, 0, offsetof(EasqLearnOptions, when), whens, false},
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
	if (options->strict && options->when != EASQ_LEARN_NOW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option strict of easq_learn needs option when \"now\", not \"%s\"", whens[options->when]),
				 errhint("What is learned after the statement cannot fail it: leave out strict, and look into easq.steps.")));
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
	int		   *use;			/* all of them, of a questionnaire whose rows are read as they are */
	int			used;
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
							psprintf("the respondent is longer than %d bytes", EASQ_MAX_RESPONDENT),
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

/* strict: of the side of now alone; what the old row was worth is no reason to complain. */
static void
collect_row(EasqChanges *changes, EasqSide side, Columns *columns)
{
	MemoryContext old = MemoryContextSwitchTo(columns->row_context);
	bool		strict = columns->options->strict && side == EASQ_NOW;
	EasqProblem problem = {0};
	EasqAnswer	answer;

	if (read_row(columns, &answer, strict ? NULL : &problem))
		EasqChangesPut(changes, &answer, side);
	else if (problem.sqlstate != 0)
		EasqSkip(&changes->refused[side], problem.kind, problem.message, 1);
	else if (!columns->nulls[columns->answer - 1])
		changes->uncertain[side]++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(columns->row_context);
}

/* ----------------------------------------------------- the rows themselves */

/* One side of them, read straight from the transition table, which somebody else may be reading too. */
typedef struct Side
{
	Tuplestorestate *rows;
	TupleTableSlot *slot;
	int			pointer;
} Side;

static void
open_side(Side *side, Tuplestorestate *rows, TupleDesc desc)
{
	side->rows = rows;
	side->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	side->pointer = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(rows, side->pointer);
	tuplestore_rescan(rows);
}

static bool
next_of_side(Side *side)
{
	tuplestore_select_read_pointer(side->rows, side->pointer);
	if (!tuplestore_gettupleslot(side->rows, true, false, side->slot))
		return false;
	slot_getallattrs(side->slot);
	return true;
}

static void
collect_from_side(EasqChanges *changes, EasqSide which, Side *side, Columns *columns)
{
	int			natts = side->slot->tts_tupleDescriptor->natts;

	memcpy(columns->values, side->slot->tts_values, sizeof(Datum) * natts);
	memcpy(columns->nulls, side->slot->tts_isnull, sizeof(bool) * natts);
	collect_row(changes, which, columns);
}

static bool
same_value(const TupleTableSlot *a, const TupleTableSlot *b, int column)
{
	Form_pg_attribute attribute = TupleDescAttr(a->tts_tupleDescriptor, column - 1);

	if (a->tts_isnull[column - 1] || b->tts_isnull[column - 1])
		return a->tts_isnull[column - 1] && b->tts_isnull[column - 1];
	return datum_image_eq(a->tts_values[column - 1], b->tts_values[column - 1], attribute->attbyval, attribute->attlen);
}

/* Bit by bit: what differs in no more than that cancels out later. */
static bool
is_unchanged(const Columns *columns, const TupleTableSlot *now, const TupleTableSlot *before)
{
	if (now->tts_isnull[columns->answer - 1] && before->tts_isnull[columns->answer - 1])
		return true;
	for (int i = 0; i < columns->used; i++)
		if (!same_value(now, before, columns->use[i]))
			return false;
	return true;
}

static void
use_column(Columns *columns, int column)
{
	if (column > 0)
		columns->use[columns->used++] = column;
}

static void
find_used_columns(Columns *columns, const EasqSpec *spec, TupleDesc desc)
{
	columns->use = palloc(sizeof(int) * (spec->count + 5));
	columns->used = 0;
	use_column(columns, columns->answer);
	use_column(columns, columns->respondent);
	use_column(columns, columns->key);
	use_column(columns, columns->asking.weight);
	use_column(columns, columns->asking.asked_at);
	for (int i = 0; i < spec->count; i++)
		use_column(columns, EasqFindColumn(desc, spec->feature[i].name, "feature", "the questionnaire"));
	for (int i = 0; i < columns->used; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, columns->use[i] - 1);

		if (EasqIsVirtual(column))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" of the questionnaire is generated when it is read", NameStr(column->attname)),
					 errhint("Written rows do not hold it: call easq_learn with a features query that computes it, or make the column STORED.")));
	}
}

/*
 * Both sides at once: PostgreSQL writes the old and the new of a row in one go, so they mostly have the same place.
 * Where they do not (a trigger kept a row from its new partition), neighbours differ, and cancel out later.
 */
static void
collect_directly(EasqChanges *changes, Columns *columns, const EasqWrittenRows *rows)
{
	int			level = EasqSettingsForText();
	Side		now;
	Side		before;
	bool		has_now;
	bool		has_before = rows->before != NULL;

	open_side(&now, rows->now, rows->desc);
	if (has_before)
		open_side(&before, rows->before, rows->desc);
	do
	{
		CHECK_FOR_INTERRUPTS();
		has_now = next_of_side(&now);
		has_before = has_before && next_of_side(&before);
		if (has_now && has_before && is_unchanged(columns, now.slot, before.slot))
			continue;
		if (has_now)
			collect_from_side(changes, EASQ_NOW, &now, columns);
		if (has_before)
			collect_from_side(changes, EASQ_BEFORE, &before, columns);
	} while (has_now || has_before);
	ExecDropSingleTupleTableSlot(now.slot);
	if (rows->before)
		ExecDropSingleTupleTableSlot(before.slot);
	EasqSettingsEnd(level);
}

/* ------------------------------------------------------ a query over them */

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

static int64
collect_portion(EasqChanges *changes, EasqSide side, Columns *columns, EasqRows *rows, TupleDesc desc)
{
	int			level = EasqSettingsForText();
	HeapTuple	tuple;
	int64		count = 0;

	while ((tuple = EasqRowsNext(rows)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, desc, columns->values, columns->nulls);
		collect_row(changes, side, columns);
		count++;
	}
	EasqSettingsEnd(level);
	return count;
}

static void
collect_query(EasqChanges *changes, EasqSide side, const EasqSpec *spec, const EasqQuestionnaire *questionnaire,
			  const EasqLearnOptions *options, Oid relation, Tuplestorestate *written)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "easq query", ALLOCSET_DEFAULT_SIZES);
	int64		missing = tuplestore_tuple_count(written);
	Columns		columns;
	EasqRows	rows;
	TupleDesc	desc;

	SPI_connect();
	register_rows(relation, written);
	desc = EasqRowsOpen(&rows, EasqPrepareReading(questionnaire->features, "the features query"), false);
	MemoryContextSwitchTo(context);
	match_columns(&columns, spec, questionnaire, options, desc);
	while (EasqRowsFetch(&rows))
		missing -= collect_portion(changes, side, &columns, &rows, desc);
	EasqRowsClose(&rows);
	SPI_finish();
	if (missing > 0)
		EasqSkip(&changes->refused[side], "the features query returned no row for it", NULL, (int) Min(missing, PG_INT32_MAX));
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

void
EasqCollect(EasqChanges *changes, const EasqSpec *spec, const EasqQuestionnaire *questionnaire,
			const EasqLearnOptions *options, const EasqWrittenRows *rows)
{
	Columns		columns;

	if (questionnaire->features)
	{
		collect_query(changes, EASQ_NOW, spec, questionnaire, options, rows->relation, rows->now);
		if (rows->before)
			collect_query(changes, EASQ_BEFORE, spec, questionnaire, options, rows->relation, rows->before);
		return;
	}
	match_columns(&columns, spec, questionnaire, options, rows->desc);
	find_used_columns(&columns, spec, rows->desc);
	collect_directly(changes, &columns, rows);
}

/* ------------------------------------------------- one row, time and again */

struct EasqCollector
{
	Columns		columns;
	const EasqSpec *spec;
	TupleDesc	desc;
	TupleTableSlot *slot;
};

EasqCollector *
EasqCollectorCreate(const EasqSpec *spec, const EasqQuestionnaire *questionnaire, const EasqLearnOptions *options, TupleDesc desc)
{
	EasqCollector *collector = palloc0(sizeof(EasqCollector));

	match_columns(&collector->columns, spec, questionnaire, options, desc);
	find_used_columns(&collector->columns, spec, desc);
	collector->spec = spec;
	collector->desc = desc;
	collector->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	return collector;
}

static Oid
type_of(const EasqCollector *collector, int column)
{
	return TupleDescAttr(collector->desc, column - 1)->atttypid;
}

/* PostgreSQL's own types and enums; a domain's or an extension's functions are somebody's code. */
static bool
is_plain(Oid type)
{
	return type < FirstGenbkiObjectId || type_is_enum(type);
}

/* Whose text is the same whatever anybody has set. */
static bool
has_one_text(Oid type)
{
	return EasqIsInteger(type) || type == NUMERICOID || type == TEXTOID || type == VARCHAROID || type == BOOLOID ||
		type == UUIDOID || type_is_enum(type);
}

/* A cast to real[] may fail, and so may a conversion to UTF-8: of a byte that means nothing in the database's encoding. */
static bool
is_read_without_cast(const EasqCollector *collector, const EasqFeature *feature)
{
	Oid			type = type_of(collector, EasqFindColumn(collector->desc, feature->name, "feature", "the questionnaire"));

	if (feature->kind == EASQ_VECTOR)
		return type == FLOAT4ARRAYOID;
	return !EasqConvertsText() || EasqIsNumber(type) || type == BOOLOID || type == UUIDOID;
}

bool
EasqCollectorIsSafe(const EasqCollector *collector)
{
	const Columns *columns = &collector->columns;

	for (int i = 0; i < columns->used; i++)
		if (!is_plain(type_of(collector, columns->use[i])))
			return false;
	for (int i = 0; i < collector->spec->count; i++)
		if (!is_read_without_cast(collector, &collector->spec->feature[i]))
			return false;
	return has_one_text(type_of(collector, columns->respondent)) &&
		(columns->key == 0 || columns->key_type == TIMESTAMPTZOID || has_one_text(type_of(collector, columns->key)));
}

EasqReading
EasqCollectOne(EasqCollector *collector, Tuplestorestate *rows, EasqAnswer *answer)
{
	Columns    *columns = &collector->columns;
	Side		side = {.rows = rows, .slot = collector->slot, .pointer = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND)};
	EasqReading reading = EASQ_READ_NOTHING;
	EasqProblem problem = {0};

	tuplestore_select_read_pointer(rows, side.pointer);
	tuplestore_rescan(rows);
	if (next_of_side(&side))
	{
		memcpy(columns->values, side.slot->tts_values, sizeof(Datum) * collector->desc->natts);
		memcpy(columns->nulls, side.slot->tts_isnull, sizeof(bool) * collector->desc->natts);
		if (read_row(columns, answer, &problem))
			reading = EASQ_READ_ANSWER;
		else if (problem.sqlstate != 0 || !columns->nulls[columns->answer - 1])
			reading = EASQ_READ_OTHER;
	}
	ExecClearTuple(side.slot);
	return reading;
}
