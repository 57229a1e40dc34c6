/*
 * easq_suggest_features: what of a query's columns could be features, and why.
 *
 * Types say most of it; counts tell ids from quantities and constants from news; names only where the two leave it
 * open (an id or a quantity, a time, what is known only afterwards).
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

#include "core/shape.h"
#include "feature/json.h"
#include "feature/spec.h"
#include "query/survey.h"
#include "sql/argument.h"

PG_FUNCTION_INFO_V1(easq_suggest_features);

#define NAMES_ROWS 0.95			/* a column with so many values a row, and FEW_ROWS rows at least, names the rows */
#define FEW_ROWS 50
#define FEW_VALUES 20			/* integers with so few are categories whatever they mean */
#define SOME_VALUES 100			/* and with so few, where each has been seen often */
#define OFTEN 20				/* rows a value */
#define DENSE 0.5				/* share of the integers from least to most that are there, where they number things */
#define SKEWED 20				/* times the mean is the greatest number of a skewed column */
#define SMALL 100				/* and so great at least */
#define VECTOR_MOST 100.0		/* of a vector's numbers */

typedef struct Suggestion
{
	const EasqColumnSurvey *column;
	const char *kind;			/* "none": left out */
	int64		size;			/* 0: it has none */
	int			dim;			/* 0: it has none */
	char	   *why;
} Suggestion;

typedef struct Wanted
{
	const EasqSurvey *survey;
	int			inputs;			/* of the features so far */
	int			features;
} Wanted;

/* ----------------------------------------------------------------------- names */

static const char *const afterwards[] = {
	"label", "answer", "rating", "click", "clicked", "is_click", "like", "liked", "is_like", "satisfied", "satisfaction", "watched",
	"long_view", "play_time", "play_time_ms", "watch_time", "chosen", "bought", "purchased", "converted", NULL
};
static const char *const quantities[] = {
	"age", "minutes", "seconds", "duration", "days", "years", "length", "count", "num", "price", "amount", "views", "likes", "size", NULL
};
static const char *const lists[] = {"session", "request", "impression", NULL};
static const char *const times[] = {"time", "date", "stamp", NULL};

static bool
is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (pg_strcasecmp(name, *names) == 0)
			return true;
	return false;
}

static bool
has_one_of(const char *name, const char *const *words)
{
	const char *lower = asc_tolower(name, strlen(name));

	for (; *words; words++)
		if (strstr(lower, *words))
			return true;
	return false;
}

/* Is a part of the name between underscores one of these? */
static bool
has_word(const char *name, const char *const *words)
{
	char	   *parts = pstrdup(name);
	char	   *rest;

	for (char *part = strtok_r(parts, "_", &rest); part; part = strtok_r(NULL, "_", &rest))
		if (is_one_of(part, words))
			return true;
	return false;
}

static bool
ends_with(const char *name, const char *end)
{
	size_t		length = strlen(name);

	return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

static bool
is_named_as_id(const char *name)
{
	return pg_strcasecmp(name, "id") == 0 || ends_with(name, "_id") || ends_with(name, "Id") || ends_with(name, "ID") ||
		ends_with(name, "_code") || ends_with(name, "_key");
}

/* Seconds, milliseconds or microseconds since 1970, of this century. */
static bool
is_epoch(const EasqColumnSurvey *column)
{
	for (double second = 1; second <= 1e6; second *= 1e3)
		if (column->least >= 9e8 * second && column->most < 5e9 * second)
			return has_one_of(column->name, times) || ends_with(column->name, "_at") || ends_with(column->name, "_ms") ||
				ends_with(column->name, "ts");
	return false;
}

/* --------------------------------------------------------------------- features */

/* Rows of an embedding table: few values share a row, and as many again may come. */
static int64
size_for(int64 values)
{
	int64		wanted = values < 1024 ? 8 * values : 2 * values;
	int64		size = 16;

	while (size < wanted + 1 && size < EASQ_MAX_CATEGORIES)
		size *= 2;
	return Min(size, EASQ_MAX_CATEGORIES);
}

static int
dim_for(int64 values)
{
	return values <= 3 ? 2 : values <= 20 ? 4 : values <= 100 ? 8 : 16;
}

static Suggestion
leave_out(const EasqColumnSurvey *column, char *why)
{
	return (Suggestion) {.column = column, .kind = "none", .why = why};
}

static Suggestion
category_feature(const EasqColumnSurvey *column, const char *what)
{
	return (Suggestion) {
		.column = column, .kind = "categorical", .size = size_for(column->distinct), .dim = dim_for(column->distinct),
		.why = psprintf("%s: " INT64_FORMAT " different values", what, column->distinct)
	};
}

static Suggestion
number_feature(const EasqColumnSurvey *column, const char *what, int64 seen)
{
	bool		skewed = column->least >= 0 && column->most > SMALL && column->most > SKEWED * column->sum / (double) seen;

	return (Suggestion) {
		.column = column, .kind = "numeric",
		.why = psprintf("%s from %.6g to %.6g%s", what, column->least, column->most,
						skewed ? ", most of them small: ln(1 + x) in the query may tell more" : "")
	};
}

static bool
names_rows(const EasqColumnSurvey *column, int64 seen)
{
	return seen >= FEW_ROWS && (double) column->distinct >= NAMES_ROWS * (double) seen;
}

static bool
numbers_things(const EasqColumnSurvey *column, int64 seen)
{
	double		range = column->most - column->least + 1;
	double		mean = column->sum / (double) seen;

	return (double) column->distinct >= DENSE * range && column->least >= 0 &&
		mean > column->least + 0.25 * range && mean < column->least + 0.75 * range;
}

static Suggestion
judge_integer(const EasqColumnSurvey *column, int64 seen)
{
	bool		id = is_named_as_id(column->name);

	if (is_epoch(column))
		return leave_out(column, pstrdup("a time: compute what of it matters in the query, the hour or the age"));
	if (names_rows(column, seen) && (id || numbers_things(column, seen)))
		return leave_out(column, pstrdup("another value in nearly every row: it names the row"));
	if (id)
		return category_feature(column, "an id");
	if (column->distinct > FEW_VALUES && has_word(column->name, quantities))
		return number_feature(column, "whole numbers, a quantity by its name,", seen);
	if (column->distinct <= FEW_VALUES || (column->distinct <= SOME_VALUES && seen >= OFTEN * column->distinct))
		return category_feature(column, "few whole numbers, each seen often");
	if (numbers_things(column, seen))
		return category_feature(column, "whole numbers that number things, by their range");
	return number_feature(column, "whole numbers", seen);
}

static Suggestion
judge_number(const EasqColumnSurvey *column, int64 seen)
{
	if (column->not_finite > 0)
		return leave_out(column, psprintf("NaN or infinity in " INT64_FORMAT " rows: make them NULL in the query", column->not_finite));
	if (column->whole && column->type == NUMERICOID && is_named_as_id(column->name))
		return leave_out(column, pstrdup("an id by its name, of type numeric: cast it to bigint or text in the query"));
	return number_feature(column, "numbers", seen);
}

/* Numbers of a vector go into the model as they are: those of thousands drown all other features. */
static Suggestion
judge_numbers(const Wanted *wanted, const EasqColumnSurvey *column)
{
	if (column->members_least != column->members_most)
		return leave_out(column, psprintf("arrays of " INT64_FORMAT " to " INT64_FORMAT " numbers: a vector needs one length",
										  column->members_least, column->members_most));
	if (column->not_finite + column->members_null > 0)
		return leave_out(column, psprintf("arrays with NULL, NaN or infinity in " INT64_FORMAT " rows: put numbers in their place",
										  Max(column->not_finite, column->members_null)));
	if (column->members_most == 0)
		return leave_out(column, pstrdup("an empty array in every row"));
	if (Max(fabs(column->least), fabs(column->most)) > VECTOR_MOST)
		return leave_out(column, psprintf("vectors with numbers from %g to %g, which nothing standardises: divide them in the query",
										  column->least, column->most));
	if (column->members_most > EASQ_MAX_INPUTS - wanted->inputs)
		return leave_out(column, psprintf("vectors of " INT64_FORMAT " numbers: %d are left for it of the %d inputs of a model",
										  column->members_most, EASQ_MAX_INPUTS - wanted->inputs, EASQ_MAX_INPUTS));
	return (Suggestion) {
		.column = column, .kind = "vector", .dim = (int) column->members_most,
		.why = psprintf("vectors of " INT64_FORMAT " numbers", column->members_most)
	};
}

static Suggestion
judge_other(const EasqColumnSurvey *column)
{
	TYPCATEGORY category = TypeCategory(getBaseType(column->type));

	if (category == TYPCATEGORY_DATETIME)
		return leave_out(column, pstrdup("a time: compute what of it matters in the query, the hour or the age"));
	if (category == TYPCATEGORY_STRING)
		return leave_out(column, psprintf("of type %s: cast it to text in the query", format_type_be(column->type)));
	return leave_out(column, psprintf("of type %s: compute numbers or text of it in the query", format_type_be(column->type)));
}

/* By what the column holds. */
static Suggestion
judge_values(const Wanted *wanted, const EasqColumnSurvey *column)
{
	int64		seen = wanted->survey->rows - column->nulls;
	bool		boolean = getBaseType(column->type) == BOOLOID;

	switch (column->holds)
	{
		case EASQ_HOLDS_CATEGORY:
			if (names_rows(column, seen) && !boolean)
				return leave_out(column, pstrdup("another value in nearly every row: it names the row, or is free text"));
			return category_feature(column, boolean ? "true or false" : is_named_as_id(column->name) ? "an id" : format_type_be(column->type));
		case EASQ_HOLDS_INTEGER:
			return judge_integer(column, seen);
		case EASQ_HOLDS_NUMBER:
			return judge_number(column, seen);
		case EASQ_HOLDS_CATEGORIES:
			return category_feature(column, psprintf("sets of up to " INT64_FORMAT " members", column->members_most));
		case EASQ_HOLDS_NUMBERS:
			return judge_numbers(wanted, column);
		case EASQ_HOLDS_OTHER:
			break;
	}
	return judge_other(column);
}

static Suggestion
judge(const Wanted *wanted, int number)
{
	const EasqSurvey *survey = wanted->survey;
	const EasqColumnSurvey *column = &survey->column[number];

	if (column->repeated)
		return leave_out(column, pstrdup("two columns have this name: name one of them anew with AS"));
	if (survey->label == number)
		return leave_out(column, pstrdup("the label"));
	if (survey->answer == number)
		return leave_out(column, pstrdup("the answer"));
	if (is_one_of(column->name, afterwards))
		return leave_out(column, pstrdup("known only afterwards, by its name: a label or an answer"));
	if (column->nulls == survey->rows)
		return leave_out(column, pstrdup("NULL in every row"));
	if (column->distinct == 1 && column->nulls == 0 && column->members_most == 0)
		return leave_out(column, pstrdup("the same in every row"));
	if (column->same_as >= 0)
		return leave_out(column, psprintf("the same as \"%s\" in every row", survey->column[column->same_as].name));
	if (has_one_of(column->name, lists))
		return leave_out(column, pstrdup("names what was shown at once, by its name: never seen again"));
	if (wanted->features == EASQ_MAX_FEATURES)
		return leave_out(column, psprintf("a model has at most %d features", EASQ_MAX_FEATURES));
	return judge_values(wanted, column);
}

/* ----------------------------------------------------------------------- the list */

static JsonbValue
suggestion_to_json(const Suggestion *suggestion)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	EasqJsonPut(&state, "name", EasqJsonString(suggestion->column->name));
	EasqJsonPut(&state, "kind", EasqJsonString(suggestion->kind));
	if (suggestion->size > 0)
		EasqJsonPut(&state, "size", EasqJsonWhole(suggestion->size));
	if (suggestion->dim > 0)
		EasqJsonPut(&state, "dim", EasqJsonWhole(suggestion->dim));
	EasqJsonPut(&state, "why", EasqJsonString(suggestion->why));
	return *pushJsonbValue(&state, WJB_END_OBJECT, NULL);
}

static bool
is_left_out(const Suggestion *suggestion)
{
	return strcmp(suggestion->kind, "none") == 0;
}

/* Who asks, what they are asked about, what is left out. */
static int
place_of(const Suggestion *suggestion)
{
	return is_left_out(suggestion) ? 2 : suggestion->column->constant_in_groups ? 0 : 1;
}

static Jsonb *
list(const Suggestion *suggestion, int count)
{
	JsonbValue	array = {.type = jbvArray};

	array.val.array.elems = palloc(sizeof(JsonbValue) * Max(count, 1));
	for (int place = 0; place <= 2; place++)
		for (int i = 0; i < count; i++)
			if (place_of(&suggestion[i]) == place)
				array.val.array.elems[array.val.array.nElems++] = suggestion_to_json(&suggestion[i]);
	return JsonbValueToJsonb(&array);
}

Datum
easq_suggest_features(PG_FUNCTION_ARGS)
{
	EasqSurvey *survey = EasqSurveyQuery(EasqTextArgument(fcinfo, 0, "query"), EasqOptionalText(fcinfo, 1),
										 EasqOptionalText(fcinfo, 2), EasqOptionalText(fcinfo, 3));
	Wanted		wanted = {.survey = survey};
	Suggestion *suggestion;

	if (survey->rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query returns no rows"),
				 errhint("Features are suggested by what the columns hold.")));
	suggestion = palloc(sizeof(Suggestion) * Max(survey->columns, 1));
	for (int i = 0; i < survey->columns; i++)
	{
		suggestion[i] = judge(&wanted, i);
		if (is_left_out(&suggestion[i]))
			continue;
		wanted.features++;
		wanted.inputs += Max(suggestion[i].dim, 1);
	}
	PG_RETURN_JSONB_P(list(suggestion, survey->columns));
}
