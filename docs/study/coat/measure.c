#include "measure.h"

#include <math.h>
#include <stdlib.h>

#include "core/metric.h"

/* The rating of a row that the answers' metrics read; 0: none. */
static int
rating_of(const CoatData *data, const CoatSplit *split, bool test, int row)
{
	return test ? data->drawn[row] : split->held[row] ? data->chosen[row] : 0;
}

static bool
in_behaviour(const CoatSplit *split, bool test, int row)
{
	return split->part[row] == (test ? PART_TEST : PART_VALIDATION);
}

void
MeasuredRows(const CoatData *data, const CoatSplit *split, bool test, unsigned char *mask)
{
	for (int row = 0; row < ROWS; row++)
		mask[row] = rating_of(data, split, test, row) > 0 || in_behaviour(split, test, row);
}

/* Share of pairs of different ratings that the scores order rightly. */
static float
pair_accuracy(const CoatData *data, const CoatSplit *split, bool test, int shopper, const double *score)
{
	int			rows[COATS];
	int			n = 0;
	double		right = 0.0;
	int			pairs = 0;

	for (int row = shopper * COATS; row < (shopper + 1) * COATS; row++)
		if (rating_of(data, split, test, row) > 0)
			rows[n++] = row;
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			double		a = score[rows[i]];
			double		b = score[rows[j]];

			if (rating_of(data, split, test, rows[i]) <= rating_of(data, split, test, rows[j]))
				continue;
			right += a > b ? 1.0 : a == b ? 0.5 : 0.0;
			pairs++;
		}
	return pairs > 0 ? (float) (right / pairs) : NAN;
}

/* Sorts ranked; false where it does not hold both labels. */
static bool
rank_rows(EasqRanked *ranked, int n)
{
	int			positives = 0;

	for (int i = 0; i < n; i++)
		positives += ranked[i].label;
	EasqSortRanked((size_t) n, ranked);
	return positives > 0 && positives < n;
}

static void
measure_answers(const CoatData *data, const CoatSplit *split, bool test, int shopper,
				const double *score, Measures measures)
{
	EasqRanked	ranked[COATS];
	int			n = 0;
	bool		both;

	for (int row = shopper * COATS; row < (shopper + 1) * COATS; row++)
	{
		int			rating = rating_of(data, split, test, row);

		if (rating > 0 && rating != 3)
			ranked[n++] = (EasqRanked) {score[row], rating > 3};
	}
	both = rank_rows(ranked, n);
	measures[METRIC_GAUC][shopper] = both ? (float) EasqAuc(n, ranked) : NAN;
	measures[METRIC_NDCG][shopper] = both ? (float) EasqNdcg(n, ranked, 5) : NAN;
	measures[METRIC_HIT][shopper] = both ? (float) EasqHitRate(n, ranked, 1) : NAN;
	measures[METRIC_RECIPROCAL][shopper] = both ? (float) EasqReciprocalRank(n, ranked) : NAN;
}

static float
behaviour_accuracy(const CoatData *data, const CoatSplit *split, CoatPart part, int shopper, const double *score)
{
	EasqRanked	ranked[COATS];
	int			n = 0;

	for (int row = shopper * COATS; row < (shopper + 1) * COATS; row++)
		if (split->part[row] == part)
			ranked[n++] = (EasqRanked) {score[row], data->chosen[row] > 0};
	return rank_rows(ranked, n) ? (float) EasqAuc(n, ranked) : NAN;
}

void
Measure(const CoatData *data, const CoatSplit *split, bool test, const double *score, Measures measures)
{
	for (int shopper = 0; shopper < SHOPPERS; shopper++)
	{
		measures[METRIC_ACCURACY][shopper] = pair_accuracy(data, split, test, shopper, score);
		measure_answers(data, split, test, shopper, score, measures);
		measures[METRIC_BEHAVIOUR][shopper] =
			behaviour_accuracy(data, split, test ? PART_TEST : PART_VALIDATION, shopper, score);
	}
}

double
BehaviourAccuracy(const CoatData *data, const CoatSplit *split, CoatPart part, const double *score)
{
	double		sum = 0.0;
	int			n = 0;

	for (int shopper = 0; shopper < SHOPPERS; shopper++)
	{
		float		accuracy = behaviour_accuracy(data, split, part, shopper, score);

		if (!isnan(accuracy))
		{
			sum += accuracy;
			n++;
		}
	}
	return n > 0 ? sum / n : NAN;
}
