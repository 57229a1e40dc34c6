#include "postgres.h"

#include <math.h>

#include "access/tupmacs.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "feature/array.h"
#include "feature/example.h"
#include "feature/value.h"

static char *
subject(const char *name)
{
	return name ? psprintf("feature \"%s\"", name) : pstrdup("the encoded input");
}

bool
EasqCheckLength(int members, int count, const char *name, EasqProblem *problem)
{
	if (members == count)
		return true;
	return EasqComplain(problem, ERRCODE_ARRAY_SUBSCRIPT_ERROR,
						psprintf("%s is not an array of %d numbers", subject(name), count),
						psprintf("%s must have %d numbers, not %d", subject(name), count, members),
						name ? pstrdup("The length is the \"dim\" of the feature, fixed when the model is created.")
						: pstrdup("The length is the number of inputs that the model's features fill, as easq.models shows it."));
}

bool
EasqComplainOfNull(int count, const char *name, EasqProblem *problem)
{
	return EasqComplain(problem, ERRCODE_NULL_VALUE_NOT_ALLOWED,
						psprintf("%s must not have NULL among its %d numbers", subject(name), count), NULL,
						pstrdup("Put a number in its place, or leave out the row."));
}

bool
EasqPutMember(float member, int i, int count, const char *name, char *out, EasqProblem *problem)
{
	if (!isfinite(member))
		return EasqComplain(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
							psprintf("%s has a number that is NaN or outside the range of real", subject(name)),
							psprintf("number %d of %d of %s is NaN or outside the range of real",
									 i + 1, count, subject(name)),
							pstrdup("Give finite numbers."));
	memcpy(out + i * sizeof(float), &member, sizeof(float));
	return true;
}

static bool
check_shape(const ArrayType *array, int count, const char *name, EasqProblem *problem)
{
	int			members = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_NDIM(array) > 1)
		return EasqComplain(problem, ERRCODE_ARRAY_SUBSCRIPT_ERROR,
							psprintf("%s is not an array of %d numbers", subject(name), count),
							psprintf("%s must have one dimension, not %d", subject(name), ARR_NDIM(array)),
							psprintf("Give an array of %d numbers.", count));
	if (!EasqCheckLength(members, count, name, problem))
		return false;
	if (array_contains_nulls((ArrayType *) array))
		return EasqComplainOfNull(count, name, problem);
	return true;
}

/* The member at *data, which moves on to the next. */
static inline float
next_member(Oid type, const char **data)
{
	const char *at = *data;
	Datum		value;

	switch (type)
	{
		case INT2OID:
			*data += sizeof(int16);
			return *(const int16 *) at;
		case INT4OID:
			*data += sizeof(int32);
			return (float) *(const int32 *) at;
		case INT8OID:
			*data += sizeof(int64);
			return (float) *(const int64 *) at;
		case FLOAT4OID:
			*data += sizeof(float4);
			return *(const float4 *) at;
		case FLOAT8OID:
			*data += sizeof(float8);
			return (float) *(const float8 *) at;
		default:
			value = PointerGetDatum(at);
			at = att_addlength_pointer(at, -1, at);
			*data = (const char *) att_align_nominal(at, TYPALIGN_INT);
			return (float) EasqValueNumber(type, value);
	}
}

static bool
convert(const ArrayType *array, Oid type, int count, const char *name,
		char *out, EasqProblem *problem)
{
	const char *data = ARR_DATA_PTR(array);

	for (int i = 0; i < count; i++)
		if (!EasqPutMember(next_member(type, &data), i, count, name, out, problem))
			return false;
	return true;
}

bool
EasqArrayToFloats(Datum value, Oid type, int count, const char *name,
				  char *out, EasqProblem *problem)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	bool		fine;

	fine = check_shape(array, count, name, problem) &&
		convert(array, type, count, name, out, problem);
	if ((Pointer) array != DatumGetPointer(value))
		pfree(array);
	return fine;
}

void
EasqReadArray(Datum array, Oid array_type, int k, float *x)
{
	ArrayType  *detoasted = DatumGetArrayTypeP(array);
	Oid			type = ARR_ELEMTYPE(detoasted);

	/* The look-up is for arrays of a domain only. */
	if (!EasqIsNumber(type))
		type = getBaseType(type);
	if (!EasqIsNumber(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("an encoded input of %d numbers cannot be read from type %s",
						k, format_type_be(array_type)),
				 errhint("Give a numeric array, real[] at best.")));

	(void) EasqArrayToFloats(PointerGetDatum(detoasted), type, k, NULL, (char *) x, NULL);
	if ((Pointer) detoasted != DatumGetPointer(array))
		pfree(detoasted);
}
