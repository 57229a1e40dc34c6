#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "query/reading.h"
#include "feature/value.h"
#include "learn/asking.h"

static Oid
column_type(TupleDesc desc, int column)
{
	return getBaseType(TupleDescAttr(desc, column - 1)->atttypid);
}

void
EasqAskingInit(EasqAsking *asking, const EasqLearnOptions *options, TupleDesc desc, const char *what)
{
	memset(asking, 0, sizeof(*asking));
	asking->options = options;
	if (options->weight)
	{
		asking->weight = EasqFindColumn(desc, options->weight, "weight", what);
		asking->weight_type = column_type(desc, asking->weight);
		if (!EasqIsNumber(asking->weight_type))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of type %s cannot be a weight", options->weight, format_type_be(asking->weight_type)),
					 errhint("A weight is a number above 0: 1 / the probability that this row was asked about and answered.")));
	}
	if (options->asked_at)
	{
		asking->asked_at = EasqFindColumn(desc, options->asked_at, "asked_at", what);
		asking->asked_at_type = column_type(desc, asking->asked_at);
		if (asking->asked_at_type != TIMESTAMPTZOID && asking->asked_at_type != TIMESTAMPOID &&
			asking->asked_at_type != DATEOID)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of type %s does not say when an answer was asked for",
							options->asked_at, format_type_be(asking->asked_at_type)),
					 errhint("Name a column of type timestamptz, timestamp or date.")));
	}
}

#define AHEAD_MOST USECS_PER_DAY	/* that a time may be in the future, by whatever clock, and still be known */

static bool
read_weight(const EasqAsking *asking, Datum value, double *weight, EasqProblem *problem)
{
	*weight = EasqValueNumber(asking->weight_type, value);
	if (!(*weight > 0) || isinf(*weight))
		return EasqComplain(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
							psprintf("what column \"%s\" holds is not a weight", asking->options->weight),
							psprintf("%g in column \"%s\" is not a weight", *weight, asking->options->weight),
							pstrdup("A weight is a finite number above 0; NULL counts as 1."));
	*weight = Min(*weight, asking->options->weight_limit);
	return true;
}

/* Times without a zone count as UTC: the same for whoever writes. */
static bool
read_time(const EasqAsking *asking, Datum value, TimestampTz *time, EasqProblem *problem)
{
	bool		finite = true;

	if (asking->asked_at_type == DATEOID)
	{
		DateADT		date = DatumGetDateADT(value);

		finite = !DATE_NOT_FINITE(date) && date < TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE;
		if (finite)
			*time = date * USECS_PER_DAY;
	}
	else
	{
		*time = DatumGetTimestampTz(value);
		finite = !TIMESTAMP_NOT_FINITE(*time);
	}
	return finite ||
		EasqComplain(problem, ERRCODE_DATETIME_VALUE_OUT_OF_RANGE,
					 psprintf("the time in column \"%s\" is infinite or out of range", asking->options->asked_at), NULL,
					 pstrdup("Use NULL where it is not known."));
}

bool
EasqReadAsking(const EasqAsking *asking, const Datum *values, const bool *nulls,
				EasqAnswer *answer, EasqProblem *problem)
{
	answer->weight = 1;
	answer->asked_at = DT_NOBEGIN;
	if (asking->weight > 0 && !nulls[asking->weight - 1] &&
		!read_weight(asking, values[asking->weight - 1], &answer->weight, problem))
		return false;
	if (asking->asked_at == 0 || nulls[asking->asked_at - 1])
		return true;
	if (!read_time(asking, values[asking->asked_at - 1], &answer->asked_at, problem))
		return false;
	/* All others would be old from then on. */
	if (answer->asked_at > GetCurrentTransactionStartTimestamp() + AHEAD_MOST)
		answer->asked_at = DT_NOBEGIN;
	return true;
}
