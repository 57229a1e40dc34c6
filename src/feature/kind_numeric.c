/* A number: one input, (value - mean) / deviation. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/float.h"

#include "core/belief.h"
#include "feature/json.h"
#include "feature/kind.h"
#include "feature/value.h"
#include "feature/wire.h"

static Oid
castable(const EasqFeature *feature pg_attribute_unused(), bool array pg_attribute_unused())
{
	return FLOAT8OID;
}

static bool
judge(const EasqFeature *feature pg_attribute_unused(), EasqColumn *column, Oid member pg_attribute_unused())
{
	return EasqIsNumber(column->type) || column->type == BOOLOID;
}

static uint64
null_word(void)
{
	return EasqDoubleToWord(get_float8_nan());
}

static bool
append_number(const EasqFeature *feature, double number, StringInfo out, EasqProblem *problem)
{
	if (!isfinite(number))
		return EasqComplain(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
							psprintf("feature \"%s\" is not a finite number", feature->name),
							psprintf("feature \"%s\" is %s, not a finite number", feature->name,
									 isnan(number) ? "NaN" : number > 0 ? "infinity" : "-infinity"),
							pstrdup("Use NULL where the value is not known."));
	EasqAppendWord(out, EasqDoubleToWord(number));
	return true;
}

static bool
read_value(const EasqFeature *feature, const EasqColumn *column, Datum value, StringInfo out, EasqProblem *problem)
{
	return append_number(feature, EasqValueNumber(column->type, value), out, problem);
}

static bool
read_json(const EasqFeature *feature, const JsonbValue *value, StringInfo out, JsonbValue *unread)
{
	double		number;

	if (value->type == jbvBool)
		number = value->val.boolean;
	else if (value->type == jbvNumeric)
		(void) EasqJsonReal(value, &number);
	else
	{
		*unread = *value;
		return false;
	}
	return append_number(feature, number, out, NULL);
}

static EasqEncoded
encode(const EasqFeature *feature, const EasqEncoding *encoding, EasqCursor *cursor pg_attribute_unused(), uint64 word,
	   float *x, EasqProblem *problem)
{
	double		value = EasqWordToDouble(word);
	double		mean = encoding->mean[feature->numeric];
	double		deviation = encoding->deviation[feature->numeric];

	if (isnan(value))
	{
		*x = 0;
		return EASQ_ENCODED;
	}
	*x = (float) ((value - mean) / (deviation != 0 ? deviation : 1));
	if (isfinite(*x))
		return EASQ_ENCODED;
	(void) EasqComplain(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
						psprintf("feature \"%s\" is out of range", feature->name),
						psprintf("feature \"%s\" is out of range: %g with mean %g and deviation %g",
								 feature->name, value, mean, deviation),
						pstrdup("Give a value nearer to those of training, or NULL where it is not known."));
	return EASQ_COMPLAINED;
}

static void
visit_value(const EasqFeature *feature, const EasqEncoding *encoding, const char *at, EasqVisitValue visit, void *arg)
{
	double		value = EasqWordToDouble(EasqGetWord(at));
	double		deviation = encoding->deviation[feature->numeric];
	double		x = (value - encoding->mean[feature->numeric]) / (deviation != 0 ? deviation : 1);

	if (!isnan(x))
		visit(feature, 0, Min(Max(x, -EASQ_BELIEF_NUMBER_MOST), EASQ_BELIEF_NUMBER_MOST), arg);
}

static void
factor(const EasqFeature *feature pg_attribute_unused(), const float *table, const char *at pg_attribute_unused(),
	   const float *x, float *mean pg_attribute_unused(), const float **part, float *scale)
{
	*part = table;
	*scale = *x;
}

const EasqKindEntry EasqNumericKind = {
	.name = "numeric",
	.keys = EASQ_COMMON_KEYS | EASQ_BIT(EASQ_KEY_PRIOR),
	.required = EASQ_BIT(EASQ_KEY_NAME) | EASQ_BIT(EASQ_KEY_KIND),
	.standardised = true,
	.following = EASQ_ONE_WORD,
	.reads = "a number or a boolean",
	.reads_json = "a number, true or false; null where it is not known",
	.no_array = "It reads one number; an array is a feature of kind \"vector\".",
	.castable = castable,
	.judge = judge,
	.null_word = null_word,
	.read = read_value,
	.read_json = read_json,
	.encode = encode,
	.values = visit_value,
	.factor = factor,
};
