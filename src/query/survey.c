#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/random.h"
#include "feature/cast.h"
#include "feature/value.h"
#include "query/distinct.h"
#include "query/reading.h"
#include "query/rows.h"
#include "query/survey.h"

#define GROUPS_MOST 4096		/* that are looked at, drawn by their hashes */
#define CONSTANT 0.95			/* share of groups of several rows in which a column that tells who asks does not vary */

/* How a column is read. */
typedef struct Reader
{
	Oid			type;			/* of a value, or of a member; see feature/value.h */
	int16		length;			/* of members */
	bool		by_value;
	char		align;
	EasqCast   *cast;			/* to real[], or NULL */
	FmgrInfo	output;			/* of other types */
	EasqDistinct distinct;
	uint64		now;			/* hash of the row's value */
	uint64		all;			/* of the values of all rows in their order */
	int64		groups_varied;
} Reader;

/* A group that is looked at. */
typedef struct ViewedGroup
{
	uint64		key;
	bool		varied_any;		/* has a second row */
	uint64	   *first;			/* [columns] hashes of its first row */
	bool	   *varied;			/* [columns] */
} ViewedGroup;

typedef struct Surveying
{
	EasqSurvey *survey;
	MemoryContext context;
	Reader	   *reader;			/* [columns] */
	HTAB	   *groups;
	uint64		mask;			/* groups whose key has a bit of it are left out */
} Surveying;

/* ------------------------------------------------------------------ the columns */

static EasqHolds
holds_of(Reader *reader, Oid declared)
{
	Oid			type = EasqReadAs(declared);
	Oid			member = get_element_type(type);

	reader->type = type;
	if (EasqIsInteger(type))
		return EASQ_HOLDS_INTEGER;
	if (EasqIsCategory(type))
		return EASQ_HOLDS_CATEGORY;
	if (EasqIsNumber(type))
		return EASQ_HOLDS_NUMBER;
	if (OidIsValid(member) && (EasqIsCategory(EasqReadAs(member)) || EasqIsNumber(EasqReadAs(member))))
	{
		reader->type = EasqReadAs(member);
		get_typlenbyvalalign(member, &reader->length, &reader->by_value, &reader->align);
		return EasqIsCategory(reader->type) ? EASQ_HOLDS_CATEGORIES : EASQ_HOLDS_NUMBERS;
	}
	/* Every string casts to an array, if it happens to be one. */
	if (TypeCategory(type) != TYPCATEGORY_STRING)
		reader->cast = EasqCastToReals(type);
	if (reader->cast == NULL)
		return EASQ_HOLDS_OTHER;
	reader->type = FLOAT4OID;
	get_typlenbyvalalign(FLOAT4OID, &reader->length, &reader->by_value, &reader->align);
	return EASQ_HOLDS_NUMBERS;
}

static void
init_column(EasqSurvey *survey, Reader *reader, TupleDesc desc, int i)
{
	EasqColumnSurvey *column = &survey->column[i];
	Form_pg_attribute attribute = TupleDescAttr(desc, i);
	Oid			output;
	bool		varlena;

	column->name = pstrdup(NameStr(attribute->attname));
	column->type = attribute->atttypid;
	column->holds = holds_of(reader, attribute->atttypid);
	column->whole = true;
	column->least = INFINITY;
	column->most = -INFINITY;
	column->members_least = PG_INT64_MAX;
	column->same_as = -1;
	for (int j = 0; j < i; j++)
		column->repeated = column->repeated || strcmp(survey->column[j].name, column->name) == 0;
	EasqDistinctInit(&reader->distinct);
	getTypeOutputInfo(attribute->atttypid, &output, &varlena);
	fmgr_info(output, &reader->output);
}

/* ------------------------------------------------------------------- the values */

static uint64
hash_number(double number)
{
	number += 0.0;				/* 0 and -0 are equal */
	return DatumGetUInt64(hash_any_extended((const unsigned char *) &number, sizeof(number), 0));
}

static void
count_number(EasqColumnSurvey *column, double number, bool *finite)
{
	if (!isfinite(number))
	{
		*finite = false;
		return;
	}
	column->least = Min(column->least, number);
	column->most = Max(column->most, number);
	column->sum += number;
	column->whole = column->whole && number == floor(number);
}

/* A value, or a member: its hash. */
static uint64
take_value(EasqColumnSurvey *column, Reader *reader, Datum value, bool *finite)
{
	double		number;

	if (EasqIsInteger(reader->type))
		count_number(column, (double) EasqValueInteger(reader->type, value), finite);
	if (EasqIsCategory(reader->type))
		return EasqValueHash(reader->type, value);
	number = EasqValueNumber(reader->type, value);
	count_number(column, number, finite);
	return hash_number(number);
}

static uint64
take_members(EasqColumnSurvey *column, Reader *reader, Datum value, bool *finite)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	uint64		hash = (uint64) ARR_NDIM(array);
	Datum	   *member;
	bool	   *null;
	int			members;
	bool		any_null = false;

	deconstruct_array(array, ARR_ELEMTYPE(array), reader->length, reader->by_value, reader->align, &member, &null, &members);
	for (int i = 0; i < members; i++)
	{
		uint64		one = 0;

		CHECK_FOR_INTERRUPTS();
		any_null = any_null || null[i];
		if (!null[i])
		{
			one = take_value(column, reader, member[i], finite);
			EasqDistinctAdd(&reader->distinct, one);
		}
		hash = EasqMix(hash, one);
	}
	column->members_least = Min(column->members_least, members);
	column->members_most = Max(column->members_most, members);
	column->members_null += any_null;
	return hash;
}

static uint64
take_other(Reader *reader, Datum value)
{
	const char *text = OutputFunctionCall(&reader->output, value);

	return DatumGetUInt64(hash_any_extended((const unsigned char *) text, (int) strlen(text), 0));
}

/* The hash of what a row holds in a column; counts it. */
static uint64
take(EasqColumnSurvey *column, Reader *reader, Datum value)
{
	bool		finite = true;
	bool		null = false;
	uint64		hash = 0;

	switch (column->holds)
	{
		case EASQ_HOLDS_CATEGORIES:
		case EASQ_HOLDS_NUMBERS:
			if (reader->cast)
				value = EasqCastValue(reader->cast, value, &null);
			if (!null)
				hash = take_members(column, reader, value, &finite);
			if (reader->cast)
				EasqCastReset(reader->cast);
			break;
		case EASQ_HOLDS_OTHER:
			hash = take_other(reader, value);
			EasqDistinctAdd(&reader->distinct, hash);
			break;
		default:
			hash = take_value(column, reader, value, &finite);
			EasqDistinctAdd(&reader->distinct, hash);
	}
	column->not_finite += !finite;
	return hash;
}

/* ------------------------------------------------------------------- the groups */

static void
make_groups(Surveying *surveying)
{
	HASHCTL		control = {.keysize = sizeof(uint64), .entrysize = sizeof(ViewedGroup), .hcxt = surveying->context};

	surveying->groups = hash_create("easq groups of a survey", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Half of them go. */
static void
thin_out(Surveying *surveying)
{
	HASH_SEQ_STATUS all;
	ViewedGroup	   *group;

	surveying->mask = surveying->mask << 1 | 1;
	hash_seq_init(&all, surveying->groups);
	while ((group = hash_seq_search(&all)) != NULL)
	{
		if (!(group->key & surveying->mask))
			continue;
		pfree(group->first);
		pfree(group->varied);
		(void) hash_search(surveying->groups, &group->key, HASH_REMOVE, NULL);
	}
}

static void
count_in_group(Surveying *surveying, uint64 key)
{
	int			columns = surveying->survey->columns;
	ViewedGroup	   *group;
	bool		found;

	if (key & surveying->mask)
		return;
	group = hash_search(surveying->groups, &key, HASH_ENTER, &found);
	if (!found)
	{
		group->varied_any = false;
		group->first = MemoryContextAlloc(surveying->context, sizeof(uint64) * columns);
		group->varied = MemoryContextAllocZero(surveying->context, sizeof(bool) * columns);
		for (int i = 0; i < columns; i++)
			group->first[i] = surveying->reader[i].now;
		if (hash_get_num_entries(surveying->groups) > GROUPS_MOST)
			thin_out(surveying);
		return;
	}
	group->varied_any = true;
	for (int i = 0; i < columns; i++)
		group->varied[i] = group->varied[i] || surveying->reader[i].now != group->first[i];
}

static void
judge_groups(Surveying *surveying)
{
	EasqSurvey *survey = surveying->survey;
	int64	   *varied = palloc0(sizeof(int64) * survey->columns);
	int64		groups = 0;
	HASH_SEQ_STATUS all;
	ViewedGroup	   *group;

	hash_seq_init(&all, surveying->groups);
	while ((group = hash_seq_search(&all)) != NULL)
	{
		groups += group->varied_any;
		for (int i = 0; i < survey->columns; i++)
			varied[i] += group->varied[i];
	}
	for (int i = 0; i < survey->columns; i++)
		survey->column[i].constant_in_groups = groups > 0 && (double) varied[i] <= (1 - CONSTANT) * (double) groups;
}

/* --------------------------------------------------------------------- the query */

static void
count_row(Surveying *surveying, const Datum *values, const bool *nulls)
{
	EasqSurvey *survey = surveying->survey;

	survey->rows++;
	for (int i = 0; i < survey->columns; i++)
	{
		Reader	   *reader = &surveying->reader[i];

		reader->now = nulls[i] ? 0 : take(&survey->column[i], reader, values[i]);
		reader->all = EasqMix(reader->all, EasqMix(reader->now, nulls[i]));
		survey->column[i].nulls += nulls[i];
	}
	if (survey->group >= 0 && !nulls[survey->group])
		count_in_group(surveying, surveying->reader[survey->group].now);
}

static void
conclude(Surveying *surveying)
{
	EasqSurvey *survey = surveying->survey;

	for (int i = 0; i < survey->columns; i++)
	{
		EasqColumnSurvey *column = &survey->column[i];

		column->distinct = EasqDistinctCount(&surveying->reader[i].distinct);
		for (int j = i - 1; j >= 0; j--)
			if (surveying->reader[j].all == surveying->reader[i].all && survey->column[j].holds == column->holds)
				column->same_as = j;
	}
	if (survey->group >= 0)
		judge_groups(surveying);
}

static int
find_column(TupleDesc desc, const char *name, const char *argument)
{
	return name ? EasqFindColumn(desc, name, argument, "the query") - 1 : -1;
}

EasqSurvey *
EasqSurveyQuery(const char *query, const char *label, const char *group_by, const char *answer)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext row_context = AllocSetContextCreate(caller, "easq surveyed row", ALLOCSET_DEFAULT_SIZES);
	EasqSurvey *survey = palloc0(sizeof(EasqSurvey));
	Surveying	surveying = {.survey = survey, .context = caller};
	EasqRows	rows;
	TupleDesc	desc;
	HeapTuple	tuple;
	Datum	   *values;
	bool	   *nulls;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	desc = EasqRowsOpen(&rows, EasqPrepareReading(query, "the query"), true);
	MemoryContextSwitchTo(caller);
	survey->columns = desc->natts;
	survey->label = find_column(desc, label, "label");
	survey->group = find_column(desc, group_by, "group_by");
	survey->answer = find_column(desc, answer, "answer");
	survey->column = palloc0(sizeof(EasqColumnSurvey) * Max(desc->natts, 1));
	surveying.reader = palloc0(sizeof(Reader) * Max(desc->natts, 1));
	for (int i = 0; i < desc->natts; i++)
		init_column(survey, &surveying.reader[i], desc, i);
	make_groups(&surveying);
	values = palloc(sizeof(Datum) * Max(desc->natts, 1));
	nulls = palloc(sizeof(bool) * Max(desc->natts, 1));

	while (EasqRowsFetch(&rows))
	{
		MemoryContextSwitchTo(row_context);
		while ((tuple = EasqRowsNext(&rows)) != NULL)
		{
			heap_deform_tuple(tuple, desc, values, nulls);
			count_row(&surveying, values, nulls);
			MemoryContextReset(row_context);
		}
		MemoryContextSwitchTo(caller);
	}
	conclude(&surveying);
	EasqRowsClose(&rows);
	MemoryContextDelete(row_context);
	SPI_finish();
	MemoryContextSwitchTo(caller);
	return survey;
}
