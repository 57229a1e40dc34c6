/*
 * easq_evaluate: the reference's ranking metrics over the rows of a query.
 *
 * Rows are scored as they come from the cursor and sorted by group, so that
 * one group at a time is held in memory; beside it three sorts, each of which
 * goes to temporary files beyond work_mem.  Rows whose label or group is NULL
 * are left out.
 *
 * Rows are scored in blocks, whose scores are to the last bit those of easq_score.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "compat.h"
#include "core/metric.h"
#include "core/scorer.h"
#include "feature/factor.h"
#include "sql/argument.h"
#include "sql/output.h"
#include "sql/ranking.h"
#include "store/cache_version.h"
#include "query/sort.h"
#include "query/source.h"

PG_FUNCTION_INFO_V1(easq_evaluate);

#define CUTOFFS 4
static const int cutoffs[CUTOFFS] = {1, 5, 10, 20};
static const char *const prefixes[EASQ_PATHWAYS] = {[EASQ_MAIN] = "", [EASQ_SATISFACTION] = "satisfaction/"};

/* A scored row on its way through the sort; the group comes first, big-endian. */
typedef struct ScoredRow
{
	uint64		group;
	float		score[EASQ_PATHWAYS];
	uint64		label;			/* 0 or 1; no padding: all of it is sorted */
} ScoredRow;

/* Sums over the groups that hold both labels. */
typedef struct Sums
{
	double		hit_rate[CUTOFFS];
	double		ndcg[CUTOFFS];
	double		reciprocal_rank;
	double		auc;
} Sums;

typedef struct Evaluation
{
	const EasqVersion *version;
	const char *label;			/* column */

	/* rows that are not scored yet */
	ScoredRow	row[EASQ_SCORE_BLOCK];
	float	   *x;				/* [EASQ_SCORE_BLOCK, inputs] */
	int			rows;
	EasqFactors *factors;
	EasqOpinion opinion[EASQ_SCORE_BLOCK];	/* what is believed of their values */
	float		u[EASQ_SCORE_BLOCK];	/* what they add to main logits */
	float	   *work;

	EasqSort	by_group;
	EasqSort	by_score[EASQ_PATHWAYS];	/* see score_key */
	int64		labelled[2];	/* rows with label 0 and 1 */

	EasqRanked *ranked[EASQ_PATHWAYS];	/* [room] one group */
	Size		count;
	Size		room;
	Size		positives;

	Sums		sums[EASQ_PATHWAYS];
	int64		groups;
	int64		skipped;
} Evaluation;

/* ------------------------------------------------------------------ scoring */

/* Sorts by falling score: the bits of a score that is not negative are in its order.  The label is the last bit. */
static int64
score_key(float score, bool label)
{
	uint32		bits;

	memcpy(&bits, &score, sizeof(bits));
	return -((int64) bits << 1 | label);
}

static float
score_of(int64 key)
{
	uint32		bits = (uint32) (-key >> 1);
	float		score;

	memcpy(&score, &bits, sizeof(score));
	return score;
}

static void
sort_scored_row(Evaluation *evaluation, const ScoredRow *row)
{
	union
	{
		bytea		header;
		char		bytes[VARHDRSZ + sizeof(ScoredRow)];
	}			packed;

	SET_VARSIZE(&packed.header, sizeof(packed.bytes));
	memcpy(packed.bytes + VARHDRSZ, row, sizeof(ScoredRow));
	EasqSortPut(&evaluation->by_group, PointerGetDatum(&packed.header));
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		EasqSortPut(&evaluation->by_score[p], Int64GetDatum(score_key(row->score[p], row->label != 0)));
}

static void
score_block(Evaluation *evaluation)
{
	const EasqVersion *version = evaluation->version;
	float		logit[EASQ_PATHWAYS + 1][EASQ_SCORE_BLOCK];	/* and scores */

	EasqLogitRowsBoth(&version->scorer, evaluation->rows, evaluation->x, evaluation->u,
					  logit[EASQ_MAIN], logit[EASQ_SATISFACTION], evaluation->work);
	if (version->beliefs)
		EasqCompleteOpinions(version, evaluation->rows, logit[EASQ_MAIN], logit[EASQ_SATISFACTION], evaluation->opinion);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		float	   *score = logit[EASQ_PATHWAYS];

		if (EasqRanksByBeliefs(version, (EasqPathway) p))
			EasqScoresByBeliefs(version, (EasqPathway) p, evaluation->rows, logit[EASQ_MAIN], evaluation->opinion, score);
		else
		{
			memcpy(score, logit[p], sizeof(float) * evaluation->rows);
			EasqScoresOfLogits(&version->scorer, evaluation->rows, score);
		}
		for (int i = 0; i < evaluation->rows; i++)
		{
			if (!isfinite(score[i]) || signbit(score[i]))
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("model \"%s\" scores a row with %g", evaluation->version->model->name, score[i]),
						 errhint("Train the model again, or restore a checkpoint of it.")));
			evaluation->row[i].score[p] = score[i];
		}
	}
	for (int i = 0; i < evaluation->rows; i++)
		sort_scored_row(evaluation, &evaluation->row[i]);
	evaluation->rows = 0;
}

static void
add_row(Evaluation *evaluation, const EasqSourceRow *from)
{
	const EasqSpec *spec = evaluation->version->model->spec;
	const EasqEncoding *encoding = &evaluation->version->backbone->encoding;
	float	   *x = evaluation->x + (Size) evaluation->rows * spec->inputs;
	ScoredRow  *row = &evaluation->row[evaluation->rows];

	if (from->label != 0 && from->label != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("label \"%s\" is %g, not 0 or 1", evaluation->label, from->label),
				 errhint("Turn it into a boolean in the query, %s >= 4 for example.", quote_identifier(evaluation->label))));
	row->group = pg_hton64(from->group);
	row->label = from->label == 1;
	evaluation->labelled[row->label]++;
	(void) EasqEncode(spec, encoding, from->example, from->length, x, NULL);
	evaluation->u[evaluation->rows] = EasqFactorOffset(evaluation->factors, encoding, from->example, x);
	if (evaluation->version->beliefs)
		evaluation->opinion[evaluation->rows] = EasqBeliefsOpinion(evaluation->version->beliefs, encoding, from->example);
	if (++evaluation->rows == EASQ_SCORE_BLOCK)
		score_block(evaluation);
}

static void
score_query(Evaluation *evaluation, const char *query, const EasqSourceColumns *columns)
{
	EasqSource *source = EasqSourceOpen(query, evaluation->version->model->spec, columns);
	EasqSourceRow row;
	int64		rows = 0;

	EasqSortBeginBytes(&evaluation->by_group, work_mem);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		EasqSortBeginInt8(&evaluation->by_score[p], work_mem);
	while (EasqSourceNext(source, &row))
	{
		CHECK_FOR_INTERRUPTS();
		rows++;
		if (row.grouped && !isnan(row.label))
			add_row(evaluation, &row);
	}
	score_block(evaluation);
	EasqSourceClose(source);
	if (evaluation->labelled[0] + evaluation->labelled[1] == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 rows == 0 ? errmsg("the query returns no rows") :
				 errmsg("none of the " INT64_FORMAT " rows of the query has a label \"%s\" and a group \"%s\"",
						rows, columns->label, columns->group_by),
				 errhint("Rows whose label or group is NULL are left out.")));
}

/* ------------------------------------------------------------ the metrics */

static void
finish_group(Evaluation *evaluation)
{
	Size		n = evaluation->count;

	if (evaluation->positives == 0 || evaluation->positives == n)
	{
		evaluation->skipped++;
		return;
	}
	evaluation->groups++;
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		EasqRanked *ranked = evaluation->ranked[p];
		Sums	   *sums = &evaluation->sums[p];

		EasqSortRanked(n, ranked);
		for (int i = 0; i < CUTOFFS; i++)
		{
			sums->hit_rate[i] += EasqHitRate(n, ranked, cutoffs[i]);
			sums->ndcg[i] += EasqNdcg(n, ranked, cutoffs[i]);
		}
		sums->reciprocal_rank += EasqReciprocalRank(n, ranked);
		sums->auc += EasqAuc(n, ranked);
	}
}

static void
rank_row(Evaluation *evaluation, const ScoredRow *row)
{
	if (evaluation->count == evaluation->room)
	{
		evaluation->room *= 2;
		for (int p = 0; p < EASQ_PATHWAYS; p++)
			evaluation->ranked[p] = repalloc_huge(evaluation->ranked[p], sizeof(EasqRanked) * evaluation->room);
	}
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		evaluation->ranked[p][evaluation->count] = (EasqRanked) {row->score[p], row->label != 0};
	evaluation->count++;
	evaluation->positives += row->label;
}

static void
rank_groups(Evaluation *evaluation)
{
	Datum		datum;
	uint64		group = 0;

	evaluation->room = 1024;
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		evaluation->ranked[p] = palloc(sizeof(EasqRanked) * evaluation->room);
	EasqSortPerform(&evaluation->by_group);
	while (EasqSortNext(&evaluation->by_group, &datum))
	{
		bytea	   *packed = DatumGetByteaPP(datum);
		ScoredRow	row;

		CHECK_FOR_INTERRUPTS();
		memcpy(&row, VARDATA_ANY(packed), sizeof(row));
		if (evaluation->count > 0 && row.group != group)
		{
			finish_group(evaluation);
			evaluation->count = 0;
			evaluation->positives = 0;
		}
		group = row.group;
		rank_row(evaluation, &row);
	}
	finish_group(evaluation);
	EasqSortEnd(&evaluation->by_group);
}

static double
auc_of_all(EasqSort *sort)
{
	EasqAucSum	sum = {0};
	Datum		datum;

	EasqSortPerform(sort);
	while (EasqSortNext(sort, &datum))
	{
		int64		key = DatumGetInt64(datum);

		CHECK_FOR_INTERRUPTS();
		EasqAucAdd(&sum, score_of(key), (-key & 1) != 0);
	}
	return EasqAucOf(&sum);
}

/* ------------------------------------------------------------- the result */

static void
put(EasqOutput *output, char *metric, double value)
{
	Datum		values[2] = {CStringGetTextDatum(metric), Float8GetDatum(value)};
	bool		nulls[2] = {false, false};

	EasqOutputPut(output, values, nulls);
}

static void
put_pathway(EasqOutput *output, Evaluation *evaluation, EasqPathway pathway)
{
	const Sums *sums = &evaluation->sums[pathway];
	const char *prefix = prefixes[pathway];
	double		groups = (double) evaluation->groups;
	double		auc = auc_of_all(&evaluation->by_score[pathway]);

	for (int i = 0; groups > 0 && i < CUTOFFS; i++)
		put(output, psprintf("%shr@%d", prefix, cutoffs[i]), sums->hit_rate[i] / groups);
	for (int i = 0; groups > 0 && i < CUTOFFS; i++)
		put(output, psprintf("%sndcg@%d", prefix, cutoffs[i]), sums->ndcg[i] / groups);
	if (groups > 0)
	{
		put(output, psprintf("%smrr", prefix), sums->reciprocal_rank / groups);
		put(output, psprintf("%sgauc", prefix), sums->auc / groups);
	}
	if (evaluation->labelled[0] > 0 && evaluation->labelled[1] > 0)
		put(output, psprintf("%sauc", prefix), auc);
	EasqSortEnd(&evaluation->by_score[pathway]);
}

Datum
easq_evaluate(PG_FUNCTION_ARGS)
{
	const char *name = EasqTextArgument(fcinfo, 0, "model");
	const char *query = EasqTextArgument(fcinfo, 1, "query");
	EasqSourceColumns columns = {
		.label = EasqTextArgument(fcinfo, 2, "label"),
		.group_by = EasqTextArgument(fcinfo, 3, "group_by")
	};
	EasqOutput	output = EasqOutputBegin(fcinfo, "easq_evaluate", 2);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq_evaluate", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Evaluation *evaluation = palloc0(sizeof(Evaluation));
	EasqPin    *pin = palloc(sizeof(EasqPin));
	const EasqShape *shape;

	EasqPinInit(pin, context);
	EasqPinSet(pin, EasqVersionAcquire(name, GetUserId(), EASQ_TO_SCORE));
	evaluation->version = pin->version;
	evaluation->label = columns.label;
	shape = &evaluation->version->model->layout.shape;
	evaluation->factors = EasqFactorsCreate(evaluation->version->model->spec);
	evaluation->x = palloc(sizeof(float) * EASQ_SCORE_BLOCK * shape->k);
	evaluation->work = palloc(sizeof(float) * EasqScoreWork(shape, EASQ_SCORE_BLOCK));

	score_query(evaluation, query, &columns);
	rank_groups(evaluation);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		put_pathway(&output, evaluation, (EasqPathway) p);
	put(&output, pstrdup("groups"), (double) evaluation->groups);
	put(&output, pstrdup("groups_skipped"), (double) evaluation->skipped);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
