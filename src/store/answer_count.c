#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "store/answer_count.h"

#define EXACT 9007199254740992.0	/* whole numbers below it are exact in a double */
#define COUNT_ANEW "The row was not written by easq; set its column tally to NULL and the answers are counted anew."

int
EasqAnswerCountsTotal(const EasqAnswerCounts *tally)
{
	int			total = 0;

	for (int i = 0; i < tally->count; i++)
		total += tally->part[i].remembered;
	return total;
}

bool
EasqAnswerCountsMixed(const EasqAnswerCounts *tally)
{
	return tally->count == 1 && isnan(tally->part[0].value);
}

/* The first kind whose value is not below it. */
static int
place_of(const EasqAnswerCounts *tally, double value)
{
	int			i = 0;

	while (i < tally->count && tally->part[i].value < value)
		i++;
	return i;
}

static void
mix(EasqAnswerCounts *tally)
{
	EasqAnswerKind	mixed = {NAN, EasqAnswerCountsTotal(tally), tally->part[0].oldest};

	for (int i = 1; i < tally->count; i++)
		mixed.oldest = Min(mixed.oldest, tally->part[i].oldest);
	tally->part[0] = mixed;
	tally->count = 1;
}

void
EasqAnswerCountsAdd(EasqAnswerCounts *tally, double value, int64 ordinal)
{
	int			i = EasqAnswerCountsMixed(tally) ? 0 : place_of(tally, value);

	if (tally->count < 0 || isnan(value))
		return;
	if (i == tally->count || (tally->part[i].value != value && !EasqAnswerCountsMixed(tally)))
	{
		if (tally->count == EASQ_COUNTED_VALUES)
		{
			mix(tally);
			i = 0;
		}
		else
		{
			memmove(&tally->part[i + 1], &tally->part[i], sizeof(EasqAnswerKind) * (tally->count - i));
			tally->part[i] = (EasqAnswerKind) {value, 0, ordinal};
			tally->count++;
		}
	}
	tally->part[i].remembered++;
}

void
EasqAnswerCountsRemove(EasqAnswerCounts *tally, double value)
{
	int			i = EasqAnswerCountsMixed(tally) ? 0 : place_of(tally, value);

	if (tally->count < 0 || isnan(value))
		return;
	if (i == tally->count || (tally->part[i].value != value && !EasqAnswerCountsMixed(tally)))
		tally->count = -1;
	else if (--tally->part[i].remembered == 0)
	{
		tally->count--;
		memmove(&tally->part[i], &tally->part[i + 1], sizeof(EasqAnswerKind) * (tally->count - i));
	}
}

EasqAnswerKind *
EasqAnswerCountsMostCommon(EasqAnswerCounts *tally)
{
	EasqAnswerKind *most = NULL;

	for (int i = 0; i < tally->count; i++)
	{
		EasqAnswerKind *kind = &tally->part[i];

		if (most == NULL || kind->remembered > most->remembered ||
			(kind->remembered == most->remembered && kind->oldest < most->oldest))
			most = kind;
	}
	return most;
}

bool
EasqAnswerCountsBothSides(const EasqAnswerCounts *tally, int answers)
{
	int			total = EasqAnswerCountsTotal(tally);
	int			below = 0;

	/* More values than are told apart: there are answers on both sides of a middle one. */
	if (EasqAnswerCountsMixed(tally))
		return tally->part[0].remembered >= 2 * answers;
	for (int i = 0; i < tally->count; i++)
	{
		below += tally->part[i].remembered;
		if (below >= answers)
			return total - below >= answers;
	}
	return false;
}

Datum
EasqAnswerCountsDatum(const EasqAnswerCounts *tally, bool *isnull)
{
	Datum		numbers[3 * EASQ_COUNTED_VALUES];

	*isnull = tally->count < 0;
	if (*isnull)
		return (Datum) 0;
	for (int i = 0; i < tally->count; i++)
	{
		numbers[3 * i] = Float8GetDatum(tally->part[i].value);
		numbers[3 * i + 1] = Float8GetDatum(tally->part[i].remembered);
		numbers[3 * i + 2] = Float8GetDatum((double) tally->part[i].oldest);
	}
	return PointerGetDatum(construct_array(numbers, 3 * tally->count, FLOAT8OID, sizeof(float8),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
check_part(double remembered, double oldest)
{
	if (!(remembered >= 1 && remembered <= PG_INT32_MAX) || !(oldest >= 0 && oldest < EXACT))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("easq.adapter counts %g remembered answers from %g on", remembered, oldest),
				 errhint(COUNT_ANEW)));
}

void
EasqAnswerCountsRead(EasqAnswerCounts *tally, Datum datum, bool isnull)
{
	ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(datum);
	int			numbers = isnull ? 0 : ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const double *number;

	tally->count = isnull ? -1 : numbers / 3;
	if (isnull)
		return;
	if (ARR_ELEMTYPE(array) != FLOAT8OID || ARR_HASNULL(array) || numbers % 3 != 0 || numbers > 3 * EASQ_COUNTED_VALUES)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("easq.adapter counts remembered answers in %d numbers, not in threes of at most %d", numbers, EASQ_COUNTED_VALUES),
				 errhint(COUNT_ANEW)));
	number = (const double *) ARR_DATA_PTR(array);
	for (int i = 0; i < tally->count; i++)
	{
		check_part(number[3 * i + 1], number[3 * i + 2]);
		tally->part[i] = (EasqAnswerKind) {number[3 * i], (int) number[3 * i + 1], (int64) number[3 * i + 2]};
	}
}
