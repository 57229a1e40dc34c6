/* Reading a row's values into a packed example. */
#include "postgres.h"

#include <math.h>

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/arrayaccess.h"
#include "utils/float.h"

#include "feature/array.h"
#include "feature/reader.h"
#include "feature/value.h"
#include "feature/wire.h"

static bool
read_numeric(const EasqFeature *feature, const EasqColumn *column, Datum value,
			 StringInfo out, EasqProblem *problem)
{
	double		number = EasqValueNumber(column->type, value);

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
append_member(const EasqFeature *feature, const EasqColumn *column, Datum value,
			  StringInfo out, EasqProblem *problem)
{
	int64		row;

	if (feature->hashed)
	{
		EasqAppendWord(out, EasqValueHash(column->type, value));
		return true;
	}
	row = EasqValueInteger(column->type, value);
	if (row < 0 || row >= feature->size)
		return EasqComplain(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
							psprintf("feature \"%s\" is not an index from 0 to " INT64_FORMAT, feature->name, feature->size - 1),
							psprintf("feature \"%s\" is " INT64_FORMAT ", not an index from 0 to " INT64_FORMAT,
									 feature->name, row, feature->size - 1),
							pstrdup("Encoding \"index\" takes the value as the row of a table of \"size\" rows; encoding \"hash\" takes any value."));
	EasqAppendWord(out, (uint64) row);
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
read_categorical(const EasqFeature *feature, const EasqColumn *column, Datum value,
				 StringInfo out, EasqProblem *problem)
{
	if (column->array)
		return append_members(feature, column, value, out, problem);
	EasqAppendWord(out, 1);
	return append_member(feature, column, value, out, problem);
}

static bool
read_vector(const EasqFeature *feature, const EasqColumn *column, Datum value,
			StringInfo out, EasqProblem *problem)
{
	int			bytes = EasqVectorBytes(feature->dim);
	bool		null = false;
	bool		fine;
	char	   *floats;

	if (column->cast)
	{
		column->cast_context->caseValue_datum = value;
		column->cast_context->caseValue_isNull = false;
		value = ExecEvalExprSwitchContext(column->cast, column->cast_context, &null);
	}
	if (null)
	{
		EasqAppendWord(out, 0);
		fine = true;
	}
	else
	{
		EasqAppendWord(out, (uint64) feature->dim);
		enlargeStringInfo(out, bytes);
		floats = out->data + out->len;
		/* the padding too: equal examples have equal bytes */
		EasqPutWord(floats + bytes - EASQ_WORD, 0);
		fine = EasqArrayToFloats(value, column->type, feature->dim, feature->name, floats, problem);
		EasqSwapFloats(floats, feature->dim);
		out->len += bytes;
	}
	if (column->cast)
		ResetExprContext(column->cast_context);
	return fine;
}

static bool
read_feature(const EasqFeature *feature, const EasqColumn *column, Datum value,
			 StringInfo out, EasqProblem *problem)
{
	switch (feature->kind)
	{
		case EASQ_NUMERIC:
			return read_numeric(feature, column, value, out, problem);
		case EASQ_CATEGORICAL:
			return read_categorical(feature, column, value, out, problem);
		case EASQ_VECTOR:
			return read_vector(feature, column, value, out, problem);
	}
	return false;				/* keep compilers quiet */
}

bool
EasqReadExample(EasqReader *reader, const Datum *values, const bool *nulls,
				StringInfo out, EasqProblem *problem)
{
	int			start = out->len;

	for (int i = 0; i < reader->spec->count; i++)
	{
		const EasqFeature *feature = &reader->spec->feature[i];
		const EasqColumn *column = &reader->column[i];
		int			attribute = column->attribute - 1;

		if (nulls[attribute])
		{
			EasqAppendWord(out, feature->kind == EASQ_NUMERIC ?
						   EasqDoubleToWord(get_float8_nan()) : 0);
			continue;
		}
		if (!read_feature(feature, column, values[attribute], out, problem))
		{
			out->len = start;
			out->data[start] = '\0';
			return false;
		}
	}
	return true;
}
