#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "feature/json.h"

#define SHOWN_BYTES 40

static int
compare(Numeric a, int64 b)
{
	Datum		other = DirectFunctionCall1(int8_numeric, Int64GetDatum(b));

	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), other));
}

bool
EasqJsonInteger(const JsonbValue *value, int64 *integer)
{
	if (value->type != jbvNumeric ||
		compare(value->val.numeric, PG_INT64_MIN) < 0 ||
		compare(value->val.numeric, PG_INT64_MAX) > 0)
		return false;
	*integer = DatumGetInt64(DirectFunctionCall1(numeric_int8,
												 NumericGetDatum(value->val.numeric)));
	return compare(value->val.numeric, *integer) == 0;
}

bool
EasqJsonReal(const JsonbValue *value, double *real)
{
	if (value->type != jbvNumeric)
		return false;
	*real = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
											   NumericGetDatum(value->val.numeric)));
	return isfinite(*real);
}

char *
EasqJsonDigits(const JsonbValue *value)
{
	char	   *digits;
	char	   *point;

	if (value->type != jbvNumeric)
		return NULL;
	digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	point = strchr(digits, '.');
	if (point && point[1 + strspn(point + 1, "0")] != '\0')
		return NULL;
	if (point)
		*point = '\0';
	return digits;
}

JsonbValue
EasqJsonString(const char *string)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = (char *) string;
	value.val.string.len = (int) strlen(string);
	return value;
}

JsonbValue
EasqJsonWhole(int64 integer)
{
	JsonbValue	value = {.type = jbvNumeric};

	value.val.numeric = DatumGetNumeric(DirectFunctionCall1(int8_numeric, Int64GetDatum(integer)));
	return value;
}

/* float8_numeric would round to 15 digits, and float8out follows extra_float_digits. */
JsonbValue
EasqJsonNumber(double real)
{
	JsonbValue	value = {.type = jbvNumeric};
	char		text[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(real, text);
	value.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
															ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	return value;
}

void
EasqJsonPut(JsonbParseState **object, const char *key, JsonbValue value)
{
	JsonbValue	name = EasqJsonString(key);

	pushJsonbValue(object, WJB_KEY, &name);
	pushJsonbValue(object, WJB_VALUE, &value);
}

bool
EasqJsonIs(const JsonbValue *value, const char *string)
{
	size_t		length = strlen(string);

	return value->type == jbvString && value->val.string.len == (int) length &&
		memcmp(value->val.string.val, string, length) == 0;
}

char *
EasqJsonText(const JsonbValue *string)
{
	return pnstrdup(string->val.string.val, string->val.string.len);
}

static char *
show_string(const JsonbValue *value)
{
	int			shown = pg_mbcliplen(value->val.string.val, value->val.string.len, SHOWN_BYTES);

	return psprintf("\"%.*s\"%s", shown, value->val.string.val,
					shown < value->val.string.len ? "..." : "");
}

static char *
show_number(Numeric number)
{
	char	   *digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));

	return strlen(digits) <= SHOWN_BYTES ? digits : numeric_out_sci(number, 6);
}

char *
EasqJsonShow(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return pstrdup("null");
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		case jbvNumeric:
			return show_number(value->val.numeric);
		case jbvString:
			return show_string(value);
		case jbvBinary:
			return pstrdup(JsonContainerIsObject(value->val.binary.data) ? "an object" : "an array");
		default:
			return pstrdup("a value of another type");
	}
}

const char *
EasqJsonShowKind(Jsonb *document)
{
	if (JB_ROOT_IS_SCALAR(document))
		return "a single value";
	return JB_ROOT_IS_OBJECT(document) ? "an object" : "an array";
}
