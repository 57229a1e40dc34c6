/*
 * Ranking metrics as ordinary aggregates: easq_auc, easq_mrr, easq_hr, easq_ndcg.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/memutils.h"

#include "core/metric.h"

PG_FUNCTION_INFO_V1(easq_rank_boolean);
PG_FUNCTION_INFO_V1(easq_rank_number);
PG_FUNCTION_INFO_V1(easq_rank_auc);
PG_FUNCTION_INFO_V1(easq_rank_mrr);
PG_FUNCTION_INFO_V1(easq_rank_hr);
PG_FUNCTION_INFO_V1(easq_rank_ndcg);

/* The rows of one group so far. */
typedef struct Ranking
{
	EasqRanked *rows;
	Size		count;
	Size		room;
	Size		chosen;			/* rows whose label is true */
	int			k;				/* where the metric has one, else 0 */
	bool		sorted;
} Ranking;

static Ranking *
make_ranking(MemoryContext context)
{
	Ranking    *ranking = MemoryContextAllocZero(context, sizeof(Ranking));

	ranking->room = 64;
	ranking->rows = MemoryContextAlloc(context, ranking->room * sizeof(EasqRanked));
	return ranking;
}

static void
add_row(Ranking *ranking, double score, bool label)
{
	if (!isfinite(score))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a score is %g, not a finite number", score),
				 errhint("Leave such rows out with FILTER (WHERE ...).")));
	if (ranking->count == ranking->room)
	{
		ranking->room *= 2;
		ranking->rows = repalloc_huge(ranking->rows, ranking->room * sizeof(EasqRanked));
	}
	ranking->rows[ranking->count++] = (EasqRanked) {.score = score, .label = label};
	ranking->chosen += label;
	ranking->sorted = false;
}

static void
set_k(Ranking *ranking, FunctionCallInfo fcinfo)
{
	int			k;

	if (PG_NARGS() < 4)
		return;
	if (PG_ARGISNULL(3) || PG_GETARG_INT32(3) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be 1 or more, not %s", PG_ARGISNULL(3) ? "null" : psprintf("%d", PG_GETARG_INT32(3))),
				 errhint("k is how many rows from the top count.")));
	k = PG_GETARG_INT32(3);
	if (ranking->k != 0 && ranking->k != k)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k is %d for one row of a group and %d for another", ranking->k, k),
				 errhint("Pass the same k for all rows of a group.")));
	ranking->k = k;
}

/* Rows without a score or a label are left out. */
static Datum
rank(FunctionCallInfo fcinfo, bool (*label_of) (FunctionCallInfo fcinfo))
{
	MemoryContext context;
	Ranking    *ranking;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this is the transition function of an aggregate"),
				 errhint("Use easq_auc, easq_mrr, easq_hr or easq_ndcg.")));
	ranking = PG_ARGISNULL(0) ? make_ranking(context) : (Ranking *) PG_GETARG_POINTER(0);
	set_k(ranking, fcinfo);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		add_row(ranking, PG_GETARG_FLOAT8(1), label_of(fcinfo));
	PG_RETURN_POINTER(ranking);
}

static bool
boolean_label(FunctionCallInfo fcinfo)
{
	return PG_GETARG_BOOL(2);
}

static bool
number_label(FunctionCallInfo fcinfo)
{
	double		label = PG_GETARG_FLOAT8(2);

	if (label != 0 && label != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a label is 0 or 1, not %g", label),
				 errhint("Compare: label >= 4, for example.")));
	return label == 1;
}

Datum
easq_rank_boolean(PG_FUNCTION_ARGS)
{
	return rank(fcinfo, boolean_label);
}

Datum
easq_rank_number(PG_FUNCTION_ARGS)
{
	return rank(fcinfo, number_label);
}

/* The sorted rows of a group that holds both labels; NULL where it does not. */
static Ranking *
ranked(FunctionCallInfo fcinfo)
{
	Ranking    *ranking = PG_ARGISNULL(0) ? NULL : (Ranking *) PG_GETARG_POINTER(0);

	if (ranking == NULL || ranking->chosen == 0 || ranking->chosen == ranking->count)
		return NULL;
	if (!ranking->sorted)
		EasqSortRanked(ranking->count, ranking->rows);
	ranking->sorted = true;
	return ranking;
}

Datum
easq_rank_auc(PG_FUNCTION_ARGS)
{
	Ranking    *ranking = ranked(fcinfo);

	if (ranking == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(EasqAuc(ranking->count, ranking->rows));
}

Datum
easq_rank_mrr(PG_FUNCTION_ARGS)
{
	Ranking    *ranking = ranked(fcinfo);

	if (ranking == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(EasqReciprocalRank(ranking->count, ranking->rows));
}

Datum
easq_rank_hr(PG_FUNCTION_ARGS)
{
	Ranking    *ranking = ranked(fcinfo);

	if (ranking == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(EasqHitRate(ranking->count, ranking->rows, ranking->k));
}

Datum
easq_rank_ndcg(PG_FUNCTION_ARGS)
{
	Ranking    *ranking = ranked(fcinfo);

	if (ranking == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(EasqNdcg(ranking->count, ranking->rows, ranking->k));
}
