#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "feature/example.h"
#include "query/answer_value.h"
#include "query/reading.h"
#include "query/rows.h"
#include "query/source.h"
#include "store/answer.h"

/* How values of the group column are told apart. */
typedef enum Identity
{
	BY_VALUE,					/* the datum itself */
	BY_HASH,					/* the type's own 64-bit hash, which goes with its equality */
	BY_TEXT						/* a hash of the text */
} Identity;

struct EasqSource
{
	MemoryContext context;
	MemoryContext row_context;
	EasqRows	rows;
	TupleDesc	desc;
	int64		number;			/* of the row, counted from 1, for messages */

	EasqReader *reader;
	StringInfoData example;
	Datum	   *values;
	bool	   *nulls;

	int			label;			/* attribute numbers; 0: not asked for */
	int			group;
	int			answer;
	int			respondent;
	const char *label_name;
	EasqAnswerReader label_reader;	/* a label is read as an answer in numbers is */
	EasqAnswerReader answer_reader;
	Identity	identity;
	Oid			collation;
	FmgrInfo	group_function; /* hash or output */
	FmgrInfo	respondent_output;
};

/* ------------------------------------------------------------- the columns */

static void
init_label(EasqSource *source, Oid type, const char *name)
{
	Oid			base = getBaseType(type);

	if (base != BOOLOID && base != INT2OID && base != INT4OID && base != INT8OID &&
		base != FLOAT4OID && base != FLOAT8OID && base != NUMERICOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of type %s cannot be a label", name, format_type_be(type)),
				 errhint("A label is a boolean, or a number where more is better.")));
	source->label_name = pstrdup(name);
	EasqAnswerReaderInit(&source->label_reader, type, source->label_name, source->context);
}

static void
init_output(FmgrInfo *function, Oid type, MemoryContext context)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(type, &output, &is_varlena);
	fmgr_info_cxt(output, function, context);
}

static void
init_group(EasqSource *source, Form_pg_attribute attribute)
{
	Oid			type = getBaseType(attribute->atttypid);
	TypeCacheEntry *entry;

	source->collation = attribute->attcollation;
	/* Floats are the exception: 0 and -0 are equal. */
	if (get_typbyval(type) && type != FLOAT4OID && type != FLOAT8OID)
	{
		source->identity = BY_VALUE;
		return;
	}
	entry = lookup_type_cache(type, TYPECACHE_HASH_EXTENDED_PROC);
	source->identity = OidIsValid(entry->hash_extended_proc) ? BY_HASH : BY_TEXT;
	if (source->identity == BY_HASH)
		fmgr_info_cxt(entry->hash_extended_proc, &source->group_function, source->context);
	else
		init_output(&source->group_function, type, source->context);
}

static void
init_columns(EasqSource *source, TupleDesc desc, const EasqSourceColumns *columns)
{
	source->label = EasqFindColumn(desc, columns->label, "label", "the query");
	init_label(source, TupleDescAttr(desc, source->label - 1)->atttypid, columns->label);
	source->group = EasqFindColumn(desc, columns->group_by, "group_by", "the query");
	init_group(source, TupleDescAttr(desc, source->group - 1));
	if (columns->answer)
	{
		source->answer = EasqFindColumn(desc, columns->answer, "answer", "the query");
		EasqAnswerReaderInit(&source->answer_reader, TupleDescAttr(desc, source->answer - 1)->atttypid,
							 pstrdup(columns->answer), source->context);
	}
	if (columns->respondent)
	{
		source->respondent = EasqFindColumn(desc, columns->respondent, "respondent", "the query");
		init_output(&source->respondent_output,
					TupleDescAttr(desc, source->respondent - 1)->atttypid, source->context);
	}
}

/* --------------------------------------------------------------- the query */

/* One statement that returns rows and changes none. */
EasqSource *
EasqSourceOpen(const char *query, const EasqSpec *spec, const EasqSourceColumns *columns)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "easq query", ALLOCSET_DEFAULT_SIZES);
	EasqSource *source = MemoryContextAllocZero(context, sizeof(EasqSource));

	source->context = context;
	source->row_context = AllocSetContextCreate(context, "easq row", ALLOCSET_DEFAULT_SIZES);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	source->desc = EasqRowsOpen(&source->rows, EasqPrepareReading(query, "the query"), true);

	MemoryContextSwitchTo(context);
	source->values = palloc(sizeof(Datum) * Max(source->desc->natts, 1));
	source->nulls = palloc(sizeof(bool) * Max(source->desc->natts, 1));
	initStringInfo(&source->example);
	init_columns(source, source->desc, columns);
	source->reader = EasqReaderCreate(spec, source->desc, context);
	MemoryContextSwitchTo(caller);
	return source;
}

void
EasqSourceClose(EasqSource *source)
{
	MemoryContext caller = CurrentMemoryContext;

	EasqRowsClose(&source->rows);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(source->context);
	SPI_finish();
	MemoryContextSwitchTo(caller);
}

/* --------------------------------------------------------------- the rows */

static double
read_label(EasqSource *source)
{
	EasqProblem problem = {0};
	double		label;

	if (!EasqReadAnswer(&source->label_reader, source->values[source->label - 1],
						source->nulls[source->label - 1], &label, &problem))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("label \"%s\" is %g, not a finite number", source->label_name, label),
				 errhint("Use NULL where there was no behaviour.")));
	return label;
}

static uint64
hash_text(const char *text)
{
	return DatumGetUInt64(hash_any_extended((const unsigned char *) text, (int) strlen(text), 0));
}

static uint64
identify(EasqSource *source, Datum value)
{
	switch (source->identity)
	{
		case BY_VALUE:
			return (uint64) value;
		case BY_HASH:
			return DatumGetUInt64(FunctionCall2Coll(&source->group_function, source->collation,
													value, UInt64GetDatum(0)));
		case BY_TEXT:
			return hash_text(OutputFunctionCall(&source->group_function, value));
	}
	return 0;					/* keep compilers quiet */
}

static void
read_answer(EasqSource *source, EasqSourceRow *row)
{
	int			respondent = source->respondent - 1;

	(void) EasqReadAnswer(&source->answer_reader, source->values[source->answer - 1],
						  source->nulls[source->answer - 1], &row->answer, NULL);
	if (!isnan(row->answer) && respondent >= 0 && !source->nulls[respondent])
		row->respondent = OutputFunctionCall(&source->respondent_output, source->values[respondent]);
	if (row->respondent && strlen(row->respondent) > EASQ_MAX_RESPONDENT)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the respondent of row " INT64_FORMAT " has %zu bytes, and at most %d are allowed",
						source->number, strlen(row->respondent), EASQ_MAX_RESPONDENT),
				 errhint("Name a shorter column as the option respondent, an id for example.")));
}

static void
read_row(EasqSource *source, EasqSourceRow *row)
{
	row->label = read_label(source);
	row->grouped = !source->nulls[source->group - 1];
	row->group = row->grouped ? identify(source, source->values[source->group - 1]) : 0;
	row->answer = NAN;
	row->respondent = NULL;
	if (source->answer)
		read_answer(source, row);
	resetStringInfo(&source->example);
	(void) EasqReadExample(source->reader, source->values, source->nulls, &source->example, NULL);
	row->example = source->example.data;
	row->length = source->example.len;
}

static void
tell_row(void *arg)
{
	errcontext("row " INT64_FORMAT " of the query", ((const EasqSource *) arg)->number);
}

bool
EasqSourceNext(EasqSource *source, EasqSourceRow *row)
{
	HeapTuple	tuple = EasqRowsNext(&source->rows);
	MemoryContext old;
	ErrorContextCallback callback;

	if (tuple == NULL && EasqRowsFetch(&source->rows))
		tuple = EasqRowsNext(&source->rows);
	if (tuple == NULL)
		return false;
	MemoryContextReset(source->row_context);
	old = MemoryContextSwitchTo(source->row_context);
	source->number++;
	callback.callback = tell_row;
	callback.arg = source;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	heap_deform_tuple(tuple, source->desc, source->values, source->nulls);
	read_row(source, row);

	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	return true;
}
