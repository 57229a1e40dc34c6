/* An array of numbers: dim inputs, as they are. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"

#include "feature/array.h"
#include "feature/cast.h"
#include "feature/json.h"
#include "feature/kind.h"
#include "feature/value.h"
#include "feature/wire.h"

static Oid
castable(const EasqFeature *feature pg_attribute_unused(), bool array pg_attribute_unused())
{
	return FLOAT4ARRAYOID;
}

static bool
judge(const EasqFeature *feature pg_attribute_unused(), EasqColumn *column, Oid member)
{
	Oid			type = column->type;

	column->array = true;
	if (OidIsValid(member))
		column->type = EasqReadAs(member);
	if (OidIsValid(member) && EasqIsNumber(column->type))
		return true;
	column->cast = EasqCastToReals(type);
	column->type = FLOAT4OID;
	return column->cast != NULL;
}

static uint64
null_word(void)
{
	return 0;
}

/* Room for dim floats, which come next; the padding is there: equal examples have equal bytes. */
static char *
append_floats(const EasqFeature *feature, StringInfo out)
{
	int			bytes = EasqVectorBytes(feature->dim);
	char	   *floats;

	EasqAppendWord(out, (uint64) feature->dim);
	enlargeStringInfo(out, bytes);
	floats = out->data + out->len;
	EasqPutWord(floats + bytes - EASQ_WORD, 0);
	out->len += bytes;
	return floats;
}

static bool
read_value(const EasqFeature *feature, const EasqColumn *column, Datum value, StringInfo out, EasqProblem *problem)
{
	bool		null = false;
	bool		fine;
	char	   *floats;

	if (column->cast)
		value = EasqCastValue(column->cast, value, &null);
	if (null)
	{
		EasqAppendWord(out, 0);
		fine = true;
	}
	else
	{
		floats = append_floats(feature, out);
		fine = EasqArrayToFloats(value, column->type, feature->dim, feature->name, floats, problem);
		EasqSwapFloats(floats, feature->dim);
	}
	if (column->cast)
		EasqCastReset(column->cast);
	return fine;
}

static bool
read_json(const EasqFeature *feature, const JsonbValue *value, StringInfo out, JsonbValue *unread)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	member;
	double		number;
	char	   *floats;
	int			i = 0;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
	{
		*unread = *value;
		return false;
	}
	(void) EasqCheckLength(JsonContainerSize(value->val.binary.data), feature->dim, feature->name, NULL);
	floats = append_floats(feature, out);
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &member, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (member.type == jbvNull)
			(void) EasqComplainOfNull(feature->dim, feature->name, NULL);
		if (member.type != jbvNumeric)
		{
			*unread = member;
			return false;
		}
		(void) EasqJsonReal(&member, &number);
		(void) EasqPutMember((float) number, i++, feature->dim, feature->name, floats, NULL);
	}
	EasqSwapFloats(floats, feature->dim);
	return true;
}

static EasqEncoded
encode(const EasqFeature *feature, const EasqEncoding *encoding pg_attribute_unused(), EasqCursor *cursor, uint64 members,
	   float *x, EasqProblem *problem pg_attribute_unused())
{
	int			dim = feature->dim;

	if (members == 0)
	{
		memset(x, 0, dim * sizeof(float));
		return EASQ_ENCODED;
	}
	if (members != (uint64) dim ||
		EasqWordsBetween(cursor->at, cursor->end) < (uint64) EasqVectorBytes(dim) / EASQ_WORD)
		return EASQ_DOES_NOT_FIT;
	memcpy(x, cursor->at, dim * sizeof(float));
	EasqSwapFloats((char *) x, dim);
	cursor->at += EasqVectorBytes(dim);
	for (int j = 0; j < dim; j++)
		if (!isfinite(x[j]))
			return EASQ_DOES_NOT_FIT;
	return EASQ_ENCODED;
}

const EasqKindEntry EasqVectorKind = {
	.name = "vector",
	.keys = EASQ_COMMON_KEYS | EASQ_BIT(EASQ_KEY_DIM),
	.required = EASQ_BIT(EASQ_KEY_NAME) | EASQ_BIT(EASQ_KEY_KIND) | EASQ_BIT(EASQ_KEY_DIM),
	.following = EASQ_FLOATS,
	.reads = "an array of numbers",
	.reads_json = "an array of as many finite numbers as its \"dim\", or null",
	.castable = castable,
	.judge = judge,
	.null_word = null_word,
	.read = read_value,
	.read_json = read_json,
	.encode = encode,
};
