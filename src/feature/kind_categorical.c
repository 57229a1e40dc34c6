/* A category, or a set of them: dim inputs, the mean of rows of an embedding table. */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/arrayaccess.h"
#include "utils/lsyscache.h"

#include "core/kernel.h"
#include "feature/json.h"
#include "feature/kind.h"
#include "feature/value.h"
#include "feature/wire.h"

#define CACHE_LINE 64

static Oid
castable(const EasqFeature *feature, bool array)
{
	if (feature->hashed)
		return array ? TEXTARRAYOID : TEXTOID;
	return array ? INT4ARRAYOID : INT4OID;
}

static bool
judge(const EasqFeature *feature, EasqColumn *column, Oid member)
{
	if (OidIsValid(member))
	{
		column->array = true;
		column->type = EasqReadAs(member);
		get_typlenbyvalalign(member, &column->length, &column->by_value, &column->align);
	}
	return feature->hashed ? EasqIsCategory(column->type) : EasqIsInteger(column->type);
}

/* No members. */
static uint64
null_word(void)
{
	return 0;
}

/* shown: the row for a message, where an integer does not hold it. */
static bool
append_row(const EasqFeature *feature, int64 row, const char *shown, StringInfo out, EasqProblem *problem)
{
	if (row < 0 || row >= feature->size)
		return EasqComplain(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
							psprintf("feature \"%s\" is not an index from 0 to " INT64_FORMAT, feature->name, feature->size - 1),
							psprintf("feature \"%s\" is %s, not an index from 0 to " INT64_FORMAT,
									 feature->name, shown ? EasqClipText(shown, EASQ_QUOTED) : psprintf(INT64_FORMAT, row), feature->size - 1),
							pstrdup("Encoding \"index\" takes the value as the row of a table of \"size\" rows; encoding \"hash\" takes any value."));
	EasqAppendWord(out, (uint64) row);
	return true;
}

static bool
append_member(const EasqFeature *feature, const EasqColumn *column, Datum value,
			  StringInfo out, EasqProblem *problem)
{
	if (!feature->hashed)
		return append_row(feature, EasqValueInteger(column->type, value), NULL, out, problem);
	EasqAppendWord(out, EasqValueHash(column->type, value));
	return true;
}

static bool
append_members(const EasqFeature *feature, const EasqColumn *column, Datum value,
			   StringInfo out, EasqProblem *problem)
{
	AnyArrayType *array = DatumGetAnyArrayP(value);
	int			count = ArrayGetNItems(AARR_NDIM(array), AARR_DIMS(array));
	int			start = out->len;
	uint64		members = 0;
	bool		fine = true;
	array_iter	iterator;

	EasqAppendWord(out, 0);
	array_iter_setup(&iterator, array);
	for (int i = 0; i < count && fine; i++)
	{
		bool		null;
		Datum		member = array_iter_next(&iterator, &null, i, column->length,
											 column->by_value, column->align);

		CHECK_FOR_INTERRUPTS();
		if (null)
			continue;
		fine = append_member(feature, column, member, out, problem);
		members++;
	}
	EasqPutWord(out->data + start, members);

	if (!VARATT_IS_EXPANDED_HEADER(array) && (Pointer) array != DatumGetPointer(value))
		pfree(array);
	return fine;
}

static bool
read_value(const EasqFeature *feature, const EasqColumn *column, Datum value, StringInfo out, EasqProblem *problem)
{
	if (column->array)
		return append_members(feature, column, value, out, problem);
	EasqAppendWord(out, 1);
	return append_member(feature, column, value, out, problem);
}

/* A number of up to 18 digits is an integer; a longer one is no row of any table. */
static int64
row_of_digits(const char *digits)
{
	return strlen(digits) <= 18 ? strtoll(digits, NULL, 10) : -1;
}

static bool
append_json_member(const EasqFeature *feature, const JsonbValue *value, StringInfo out, JsonbValue *unread)
{
	const char *digits = EasqJsonDigits(value);

	if (digits && !feature->hashed)
		(void) append_row(feature, row_of_digits(digits), digits, out, NULL);
	else if (digits)
		EasqAppendWord(out, EasqTextHash(digits, strlen(digits)));
	else if (value->type == jbvString && feature->hashed)
		EasqAppendWord(out, EasqTextHash(value->val.string.val, value->val.string.len));
	else if (value->type == jbvBool && feature->hashed)
		EasqAppendWord(out, EasqValueHash(BOOLOID, BoolGetDatum(value->val.boolean)));
	else
	{
		*unread = *value;
		return false;
	}
	return true;
}

static bool
read_json(const EasqFeature *feature, const JsonbValue *value, StringInfo out, JsonbValue *unread)
{
	int			start = out->len;
	uint64		members = 0;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	member;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
	{
		EasqAppendWord(out, 1);
		return append_json_member(feature, value, out, unread);
	}
	EasqAppendWord(out, 0);
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &member, true)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (token != WJB_ELEM || member.type == jbvNull)
			continue;
		if (!append_json_member(feature, &member, out, unread))
			return false;
		members++;
	}
	EasqPutWord(out->data + start, members);
	return true;
}

/* The row of its table that a member's word stands for; may be out of the table where the bytes are bad. */
static inline uint64
member_row(const EasqFeature *feature, uint64 word)
{
	return feature->hashed ? 1 + word % (uint64) (feature->size - 1) : word;
}

static EasqEncoded
encode(const EasqFeature *feature, const EasqEncoding *encoding, EasqCursor *cursor, uint64 members,
	   float *x, EasqProblem *problem pg_attribute_unused())
{
	const float *table = encoding->table[feature->table];
	size_t		dim = feature->dim;
	float		share;

	if (members == 0)
	{
		memcpy(x, table, dim * sizeof(float));
		return EASQ_ENCODED;
	}
	if (members > EasqWordsBetween(cursor->at, cursor->end))
		return EASQ_DOES_NOT_FIT;
	if (members == 1)
	{
		uint64		row = member_row(feature, EasqGetWord(cursor->at));

		cursor->at += EASQ_WORD;
		if (row >= (uint64) feature->size)
			return EASQ_DOES_NOT_FIT;
		memcpy(x, table + row * dim, dim * sizeof(float));
		return EASQ_ENCODED;
	}

	share = 1.0f / members;
	memset(x, 0, dim * sizeof(float));
	for (uint64 i = 0; i < members; i++)
	{
		uint64		row = member_row(feature, EasqGetWord(cursor->at));
		const float *embedding;

		CHECK_FOR_INTERRUPTS();
		cursor->at += EASQ_WORD;
		if (row >= (uint64) feature->size)
			return EASQ_DOES_NOT_FIT;
		embedding = table + row * dim;
		for (size_t j = 0; j < dim; j++)
			x[j] += share * embedding[j];
	}
	return EASQ_ENCODED;
}

static void
prefetch_row(const float *table, uint64 row, int dim)
{
	const char *at = (const char *) (table + row * dim);

	for (size_t byte = 0; byte < dim * sizeof(float); byte += CACHE_LINE)
		EASQ_PREFETCH(at + byte);
}

/* Sets of members are summed in one go, which the processor overlaps by itself. */
static void
prefetch(const EasqFeature *feature, const EasqEncoding *encoding, const char *at)
{
	uint64		row;

	if (EasqGetWord(at) != 1)
		return;
	row = member_row(feature, EasqGetWord(at + EASQ_WORD));
	prefetch_row(encoding->table[feature->table], row, feature->dim);
	if (feature->factor >= 0)
		prefetch_row(encoding->table[feature->factor], row, 1 + feature->factors);
}

/* The mean of the members' rows. */
static void
factor(const EasqFeature *feature, const float *table, const char *at, const float *x pg_attribute_unused(),
	   float *mean, const float **part, float *scale)
{
	uint64		members = EasqGetWord(at);
	size_t		dim = 1 + feature->factors;

	*scale = 1;
	*part = table;
	if (members == 0)
		return;
	if (members == 1)
	{
		*part += member_row(feature, EasqGetWord(at + EASQ_WORD)) * dim;
		return;
	}
	memset(mean, 0, dim * sizeof(float));
	for (uint64 i = 0; i < members; i++)
	{
		const float *row;

		at += EASQ_WORD;
		row = table + member_row(feature, EasqGetWord(at)) * dim;
		for (size_t j = 0; j < dim; j++)
			mean[j] += row[j];
	}
	*part = mean;
	*scale = 1.0f / members;
}

static void
visit_rows(const EasqFeature *feature, const char *at, EasqVisitRow visit, void *arg)
{
	uint64		members = EasqGetWord(at);

	if (members == 0)
		visit(feature->table, 0, 1.0f, feature->offset, arg);
	for (uint64 i = 0; i < members; i++)
	{
		at += EASQ_WORD;
		visit(feature->table, (int64) member_row(feature, EasqGetWord(at)),
			  1.0f / members, feature->offset, arg);
	}
}

static void
visit_values(const EasqFeature *feature, const EasqEncoding *encoding pg_attribute_unused(), const char *at,
			 EasqVisitValue visit, void *arg)
{
	uint64		members = EasqGetWord(at);
	double		x = members > 1 ? 1 / sqrt((double) members) : 1;

	if (members == 0)
		visit(feature, 0, x, arg);
	for (uint64 i = 0; i < members; i++)
	{
		at += EASQ_WORD;
		visit(feature, (int64) member_row(feature, EasqGetWord(at)), x, arg);
	}
}

const EasqKindEntry EasqCategoricalKind = {
	.name = "categorical",
	.keys = EASQ_COMMON_KEYS | EASQ_BIT(EASQ_KEY_SIZE) | EASQ_BIT(EASQ_KEY_DIM) |
	EASQ_BIT(EASQ_KEY_ENCODING) | EASQ_BIT(EASQ_KEY_PRIOR),
	.required = EASQ_BIT(EASQ_KEY_NAME) | EASQ_BIT(EASQ_KEY_KIND) | EASQ_BIT(EASQ_KEY_SIZE) | EASQ_BIT(EASQ_KEY_DIM),
	.embedded = true,
	.following = EASQ_COUNTED_WORDS,
	.reads = "an integer or an array of integers",
	.reads_json = "strings (so write other numbers), whole numbers, true, false and arrays of them; null where it is not known",
	.castable = castable,
	.judge = judge,
	.null_word = null_word,
	.read = read_value,
	.read_json = read_json,
	.encode = encode,
	.prefetch = prefetch,
	.factor = factor,
	.visit = visit_rows,
	.values = visit_values,
};
