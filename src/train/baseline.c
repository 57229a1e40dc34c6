#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/budget.h"
#include "train/baseline.h"

#define SMOOTHING 3.0			/* pairs that a value is taken to have been in, chosen in half of them */

/* Of one value. */
typedef struct Tally
{
	float		chosen;
	float		pairs;
} Tally;

typedef struct Column
{
	Tally	   *tally;			/* [size] of a category; NULL: none of it yet, or a number */
	double		direction;		/* of a number: how often more of it was chosen, less how often less */
} Column;

struct EasqBaseline
{
	MemoryContext context;
	const EasqSpec *spec;
	const EasqEncoding *encoding;
	Column	   *column;			/* [spec->count] */
	float		side;			/* of the row that is being counted: 1 chosen, 0 rejected */
	double	   *number;			/* [spec->count] of the row visited last, 0 where NULL */
	double	   *score;			/* [2, spec->count] */
};

EasqBaseline *
EasqBaselineCreate(const EasqSpec *spec, const EasqEncoding *encoding)
{
	EasqBaseline *baseline = palloc0(sizeof(EasqBaseline));

	baseline->context = CurrentMemoryContext;
	baseline->spec = spec;
	baseline->encoding = encoding;
	baseline->column = palloc0(sizeof(Column) * spec->count);
	baseline->number = palloc0(sizeof(double) * spec->count);
	baseline->score = palloc0(sizeof(double) * 2 * spec->count);
	return baseline;
}

/* --------------------------------------------------------------- counting */

static void
count_value(const EasqFeature *feature, int64 row, double x, void *arg)
{
	EasqBaseline *baseline = arg;
	int			i = (int) (feature - baseline->spec->feature);
	Column	   *column = &baseline->column[i];

	if (feature->size == 0)
	{
		baseline->number[i] = x;
		return;
	}
	if (column->tally == NULL)
		column->tally = MemoryContextAllocExtended(baseline->context, sizeof(Tally) * (Size) feature->size,
												   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	column->tally[row].chosen += baseline->side;
	column->tally[row].pairs += 1;
}

static void
visit(EasqBaseline *baseline, const char *example, EasqVisitValue with)
{
	memset(baseline->number, 0, sizeof(double) * baseline->spec->count);
	EasqVisitValues(baseline->spec, baseline->encoding, example, with, baseline);
}

void
EasqBaselineCount(EasqBaseline *baseline, const EasqPairList *list, const EasqTrainRow *rows)
{
	for (Size i = 0; i < list->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		baseline->side = 1;
		visit(baseline, rows[list->pair[i].chosen].example, count_value);
		memcpy(baseline->score, baseline->number, sizeof(double) * baseline->spec->count);
		baseline->side = 0;
		visit(baseline, rows[list->pair[i].rejected].example, count_value);
		for (int f = 0; f < baseline->spec->count; f++)
			baseline->column[f].direction += (baseline->score[f] > baseline->number[f]) - (baseline->score[f] < baseline->number[f]);
	}
}

/* --------------------------------------------------------------- judging */

/* A row's score by each feature: of several values the mean of their shares, of which x * x is the part of each. */
static void
score_value(const EasqFeature *feature, int64 row, double x, void *arg)
{
	EasqBaseline *baseline = arg;
	int			i = (int) (feature - baseline->spec->feature);
	const Column *column = &baseline->column[i];

	if (feature->size == 0)
		baseline->number[i] = column->direction < 0 ? -x : x;
	else if (column->tally)
		baseline->number[i] += x * x * (column->tally[row].chosen + SMOOTHING / 2) / (column->tally[row].pairs + SMOOTHING);
}

/* right [features, pairs of the sample] */
static void
judge_sample(EasqBaseline *baseline, const EasqHeld *held, float *right)
{
	for (int i = 0; i < held->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		visit(baseline, held->pair[i].chosen, score_value);
		memcpy(baseline->score, baseline->number, sizeof(double) * baseline->spec->count);
		visit(baseline, held->pair[i].rejected, score_value);
		for (int f = 0; f < baseline->spec->count; f++)
			right[(Size) f * held->count + i] = EasqPairRight((float) baseline->score[f], (float) baseline->number[f]);
	}
}

static void
take_better(EasqSingleFeature *best, const EasqFeature *feature, double accuracy)
{
	if (best->feature && !(accuracy > best->accuracy))
		return;
	best->feature = feature->name;
	best->accuracy = accuracy;
}

void
EasqBaselineJudge(EasqBaseline *baseline, EasqValidation *validation, EasqSingleFeature *popularity, EasqSingleFeature *other)
{
	const EasqSpec *spec = baseline->spec;
	double	   *accuracy = palloc(sizeof(double) * spec->count);
	float	   *right[EASQ_HELD_SAMPLES];

	*popularity = *other = (EasqSingleFeature) {NULL, NAN};
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
	{
		right[i] = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(float) * spec->count * (Size) validation->sample[i].count);
		judge_sample(baseline, &validation->sample[i], right[i]);
	}
	for (int f = 0; f < spec->count; f++)
	{
		for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
			memcpy(validation->right[i], right[i] + (Size) f * validation->sample[i].count,
				   sizeof(float) * validation->sample[i].count);
		accuracy[f] = EasqValidationAccuracy(validation);
		if (spec->feature[f].kind == EASQ_CATEGORICAL)
			take_better(popularity, &spec->feature[f], accuracy[f]);
	}
	for (int f = 0; f < spec->count; f++)
		if (spec->feature[f].kind != EASQ_VECTOR && spec->feature[f].name != popularity->feature)
			take_better(other, &spec->feature[f], accuracy[f]);
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
		pfree(right[i]);
	pfree(accuracy);
}
