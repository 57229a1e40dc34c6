#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "core/factor.h"
#include "feature/json.h"
#include "feature/options.h"

#define MODEL(field) offsetof(EasqOptions, field)
/* whole numbers that a double, and so every JSON library, holds exactly */
#define EXACT 9007199254740991.0
#define INTERVAL_BYTES 128

static const char *const missing_names[] = {[EASQ_MISSING_ERROR] = "error", [EASQ_MISSING_NULL] = "null", NULL};

/* name, type, default, minimum, maximum, place, choices, fixed */
static const EasqOption model_options[] = {
	{"hidden", EASQ_OPTION_INT, 64, 1, EASQ_MAX_HIDDEN, MODEL(hidden), NULL, true},
	{"expert_hidden", EASQ_OPTION_INT, 32, 1, EASQ_MAX_EXPERT_HIDDEN, MODEL(expert_hidden), NULL, true},
	{"experts", EASQ_OPTION_INT, 4, 1, EASQ_MAX_EXPERTS, MODEL(experts), NULL, true},
	{"satisfaction_experts", EASQ_OPTION_INT, 2, 1, EASQ_MAX_EXPERTS, MODEL(satisfaction_experts), NULL, true},
	{"rank", EASQ_OPTION_INT, 4, 0, EASQ_MAX_RANK, MODEL(rank), NULL, true},
	{"beliefs", EASQ_OPTION_BOOL, true, 0, 0, MODEL(beliefs), NULL, true},
	{"factors", EASQ_OPTION_INT, 16, 0, EASQ_MAX_FACTORS, MODEL(factors), NULL, true},
	{"seed", EASQ_OPTION_INT64, 0, -EXACT, EXACT, MODEL(seed), NULL, true},
	{"alpha", EASQ_OPTION_REAL, 8, 0, 1e6, MODEL(hyper.alpha), NULL, false},
	EASQ_OPTION_LEARNING_RATE(1e-3, MODEL(hyper.learning_rate)),
	EASQ_OPTION_LAMBDA1(1, MODEL(hyper.lambda1)),
	EASQ_OPTION_LAMBDA2(1, MODEL(hyper.lambda2)),
	EASQ_OPTION_BETA(1, MODEL(hyper.beta)),
	EASQ_OPTION_MAX_GRAD_NORM(1, MODEL(hyper.max_grad_norm)),
	EASQ_OPTION_ALIGNMENT(EASQ_DISTIL, MODEL(hyper.alignment)),
	EASQ_OPTION_PAIRWISE(EASQ_ON_LOGIT, MODEL(hyper.pairwise)),
	EASQ_OPTION_ANCHOR(0, MODEL(hyper.anchor)),
	EASQ_OPTION_PAIRS_PER_ANSWER(8, MODEL(pairs_per_answer)),
	{"replayed_answers", EASQ_OPTION_INT, 3, 0, 64, MODEL(replayed_answers), NULL, false},
	{"behaviour_pairs", EASQ_OPTION_INT, 32, 0, 8192, MODEL(behaviour_pairs), NULL, false},
	{"rehearsal", EASQ_OPTION_CHOICE, EASQ_KEEP_MARGINS, 0, 0, MODEL(rehearsal), EasqRehearsalNames, false},
	{"replay_answers", EASQ_OPTION_INT, 4096, 0, 1000000, MODEL(replay_answers), NULL, false},
	{"replay_behaviour", EASQ_OPTION_INT, 4096, 0, 1000000, MODEL(replay_behaviour), NULL, false},
	{"behaviour_budget", EASQ_OPTION_REAL, 0.05, 0, 1, MODEL(behaviour_budget), NULL, false},
	{"satisfied", EASQ_OPTION_REAL, 1, -1e15, 1e15, MODEL(satisfied), NULL, false},
	{"answers_per_respondent", EASQ_OPTION_INT, 64, 0, 1000000, MODEL(answers_per_respondent), NULL, false},
	{"cross_weight", EASQ_OPTION_REAL, 1, 0, 1, MODEL(cross_weight), NULL, false},
	{"half_life", EASQ_OPTION_SECONDS, 0, 0, 1e10, MODEL(half_life), NULL, false},
	{"warm_up", EASQ_OPTION_INT, 16, 0, 1000000, MODEL(warm_up), NULL, false},
	{"missing", EASQ_OPTION_CHOICE, EASQ_MISSING_ERROR, 0, 0, MODEL(missing), missing_names, false},
	{NULL}
};

/* A choice is stored as int, in a field of an enum type. */
StaticAssertDecl(sizeof(EasqAlignment) == sizeof(int), "enum EasqAlignment is not an int");
StaticAssertDecl(sizeof(EasqRehearsal) == sizeof(int), "enum EasqRehearsal is not an int");
StaticAssertDecl(sizeof(EasqPairwise) == sizeof(int), "enum EasqPairwise is not an int");
StaticAssertDecl(sizeof(EasqMissing) == sizeof(int), "enum EasqMissing is not an int");

/* ---------------------------------------------------------------- any table */

static void
set_initial(const EasqOption *option, void *options)
{
	char	   *place = (char *) options + option->offset;

	switch (option->type)
	{
		case EASQ_OPTION_BOOL:
			*(bool *) place = option->initial != 0;
			break;
		case EASQ_OPTION_INT:
		case EASQ_OPTION_CHOICE:
			*(int *) place = (int) option->initial;
			break;
		case EASQ_OPTION_INT64:
			*(int64 *) place = (int64) option->initial;
			break;
		case EASQ_OPTION_REAL:
		case EASQ_OPTION_SECONDS:
			*(double *) place = option->initial;
			break;
		case EASQ_OPTION_TEXT:
			*(char **) place = NULL;
			break;
	}
}

void
EasqOptionTableInit(const EasqOption *table, void *options)
{
	for (const EasqOption *option = table; option->name; option++)
		set_initial(option, options);
}

/* The names that may be given, or an option's choices, for a hint. */
static char *
list_names(const EasqOption *table, bool creating)
{
	StringInfoData list;

	initStringInfo(&list);
	for (const EasqOption *option = table; option->name; option++)
		if (creating || !option->fixed)
			appendStringInfo(&list, "%s%s", list.len ? ", " : "", option->name);
	return list.len ? list.data : pstrdup("none");
}

static char *
list_choices(const EasqOption *option)
{
	StringInfoData list;

	initStringInfo(&list);
	for (const char *const *choice = option->choices; *choice; choice++)
		appendStringInfo(&list, "%s\"%s\"", list.len ? " or " : "", *choice);
	return list.data;
}

/* What an option wants, for its message. */
static char *
describe(const EasqOption *option)
{
	switch (option->type)
	{
		case EASQ_OPTION_BOOL:
			return pstrdup("true or false");
		case EASQ_OPTION_INT:
		case EASQ_OPTION_INT64:
			return psprintf("an integer from %.0f to %.0f", option->min, option->max);
		case EASQ_OPTION_REAL:
			return psprintf("a number from %.15g to %.15g", option->min, option->max);
		case EASQ_OPTION_SECONDS:
			return psprintf("an interval, or seconds from %.15g to %.15g", option->min, option->max);
		case EASQ_OPTION_CHOICE:
			return list_choices(option);
		case EASQ_OPTION_TEXT:
			return pstrdup("a string");
	}
	return NULL;				/* keep compilers quiet */
}

static const EasqOption *
find_option(const EasqOption *table, const JsonbValue *name, const char *what, bool creating)
{
	for (const EasqOption *option = table; option->name; option++)
		if (EasqJsonIs(name, option->name))
			return option;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s has no option %s", what, EasqJsonShow(name)),
			 errhint("The options are: %s.", list_names(table, creating))));
}

static void
check_changeable(const EasqOption *option, bool creating)
{
	if (option->fixed && !creating)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("option \"%s\" cannot be changed after the model is created", option->name),
				 errhint("Create another model with this option and train it.")));
}

static bool
in_range(const EasqOption *option, double number)
{
	return number >= option->min && number <= option->max;
}

/* A number of seconds, or what the type interval reads (ERROR 22007 where it cannot). */
static bool
read_seconds(const JsonbValue *value, double *seconds)
{
	Interval   *interval;

	if (value->type != jbvString)
		return EasqJsonReal(value, seconds);
	/* No interval is so long, and the message of its type would quote all of it. */
	if (value->val.string.len > INTERVAL_BYTES)
		return false;
	interval = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(EasqJsonText(value)),
													 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	*seconds = interval->time / (double) USECS_PER_SEC +
		(interval->day + interval->month * (double) DAYS_PER_MONTH) * SECS_PER_DAY;
	return true;
}

/* False where the value is of another type or out of bounds. */
static bool
set_value(const EasqOption *option, const JsonbValue *value, char *place)
{
	int64		integer;
	double		real;

	switch (option->type)
	{
		case EASQ_OPTION_BOOL:
			if (value->type != jbvBool)
				return false;
			*(bool *) place = value->val.boolean;
			return true;
		case EASQ_OPTION_INT:
			if (!EasqJsonInteger(value, &integer) || !in_range(option, integer))
				return false;
			*(int *) place = (int) integer;
			return true;
		case EASQ_OPTION_INT64:
			if (!EasqJsonInteger(value, &integer) || !in_range(option, integer))
				return false;
			*(int64 *) place = integer;
			return true;
		case EASQ_OPTION_REAL:
			if (!EasqJsonReal(value, &real) || !in_range(option, real))
				return false;
			*(double *) place = real;
			return true;
		case EASQ_OPTION_SECONDS:
			if (!read_seconds(value, &real) || !in_range(option, real))
				return false;
			*(double *) place = real;
			return true;
		case EASQ_OPTION_CHOICE:
			for (int i = 0; option->choices[i]; i++)
			{
				if (!EasqJsonIs(value, option->choices[i]))
					continue;
				*(int *) place = i;
				return true;
			}
			return false;
		case EASQ_OPTION_TEXT:
			if (value->type != jbvString)
				return false;
			*(char **) place = EasqJsonText(value);
			return true;
	}
	return false;				/* keep compilers quiet */
}

static void
apply_option(const EasqOption *option, void *options, const JsonbValue *value, const char *what)
{
	if (value->type == jbvNull)
		set_initial(option, options);
	else if (!set_value(option, value, (char *) options + option->offset))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" of %s must be %s, not %s",
						option->name, what, describe(option), EasqJsonShow(value)),
				 errhint("Give another value, or null for the default.")));
}

void
EasqOptionTableApply(const EasqOption *table, void *options, Jsonb *given,
					 const char *what, bool creating)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	const EasqOption *option = NULL;

	if (given == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(given))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the options of %s must be an object, not %s", what, EasqJsonShowKind(given)),
				 errhint("Write {\"name\": value, ...}; the options are: %s.", list_names(table, creating))));

	iterator = JsonbIteratorInit(&given->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			option = find_option(table, &value, what, creating);
			check_changeable(option, creating);
		}
		else if (token == WJB_VALUE)
			apply_option(option, options, &value, what);
	}
}

static JsonbValue
value_of(const EasqOption *option, const void *options)
{
	const char *place = (const char *) options + option->offset;
	JsonbValue	value = {.type = jbvNull};

	switch (option->type)
	{
		case EASQ_OPTION_BOOL:
			value.type = jbvBool;
			value.val.boolean = *(const bool *) place;
			return value;
		case EASQ_OPTION_INT:
			return EasqJsonWhole(*(const int *) place);
		case EASQ_OPTION_INT64:
			return EasqJsonWhole(*(const int64 *) place);
		case EASQ_OPTION_REAL:
		case EASQ_OPTION_SECONDS:
			return EasqJsonNumber(*(const double *) place);
		case EASQ_OPTION_CHOICE:
			return EasqJsonString(option->choices[*(const int *) place]);
		case EASQ_OPTION_TEXT:
			return *(char *const *) place ? EasqJsonString(*(char *const *) place) : value;
	}
	return value;				/* keep compilers quiet */
}

static Jsonb *
table_to_jsonb(const EasqOption *table, const void *options)
{
	JsonbParseState *state = NULL;
	JsonbValue *object;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (const EasqOption *option = table; option->name; option++)
		EasqJsonPut(&state, option->name, value_of(option, options));
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}

/* ---------------------------------------------------------------- a model's */

void
EasqOptionsInit(EasqOptions *options)
{
	EasqOptionTableInit(model_options, options);
}

void
EasqOptionsApply(EasqOptions *options, Jsonb *given, bool creating)
{
	EasqOptionTableApply(model_options, options, given,
						 creating ? "easq_create_model" : "easq_configure", creating);
}

Jsonb *
EasqOptionsToJsonb(const EasqOptions *options)
{
	return table_to_jsonb(model_options, options);
}
