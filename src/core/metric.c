#include "core/metric.h"

#include <math.h>
#include <stdlib.h>

static int
compare_ranked(const void *a, const void *b)
{
	const EasqRanked *x = a;
	const EasqRanked *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (int) x->label - (int) y->label;
}

void
EasqSortRanked(size_t n, EasqRanked *rows)
{
	if (n > 1)
		qsort(rows, n, sizeof(EasqRanked), compare_ranked);
}

/* Index of the first row of label 1; n if there is none. */
static size_t
first_positive(size_t n, const EasqRanked *rows)
{
	size_t		i = 0;

	while (i < n && !rows[i].label)
		i++;
	return i;
}

double
EasqHitRate(size_t n, const EasqRanked *rows, int k)
{
	size_t		i = first_positive(n, rows);

	return i < n && i < (size_t) k ? 1.0 : 0.0;
}

double
EasqNdcg(size_t n, const EasqRanked *rows, int k)
{
	size_t		top = n < (size_t) k ? n : (size_t) k;
	size_t		positives = 0;
	double		gain = 0.0;
	double		best = 0.0;

	for (size_t i = 0; i < n; i++)
		positives += rows[i].label;
	for (size_t i = 0; i < top; i++)
	{
		double		weight = 1.0 / log2((double) i + 2.0);

		if (rows[i].label)
			gain += weight;
		if (i < positives)
			best += weight;
	}
	return gain / best;
}

double
EasqReciprocalRank(size_t n, const EasqRanked *rows)
{
	return 1.0 / (1.0 + (double) first_positive(n, rows));
}

double
EasqAuc(size_t n, const EasqRanked *rows)
{
	double		above = 0.0;	/* rows of label 1 ahead of the current score */
	double		right = 0.0;
	double		positives = 0.0;
	size_t		end;

	for (size_t start = 0; start < n; start = end)
	{
		double		same[2] = {0.0, 0.0};

		for (end = start; end < n && rows[end].score == rows[start].score; end++)
			same[rows[end].label]++;
		right += same[0] * (above + 0.5 * same[1]);
		above += same[1];
		positives = above;
	}
	return right / (positives * ((double) n - positives));
}
