#include "core/metric.h"

#include <math.h>
#include <stdlib.h>

#include "core/random.h"
#include "core/tick.h"

#define SORT_PART 65536

static int
compare_ranked(const void *a, const void *b)
{
	const EasqRanked *x = a;
	const EasqRanked *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (int) x->label - (int) y->label;
}

/* Puts rows that rank before a row that chance picks before those that rank behind it; returns how many. */
static size_t
split(size_t n, EasqRanked *rows, EasqRandom *random)
{
	EasqRanked	pivot = rows[EasqBelow(random, n)];
	size_t		left = 0;
	size_t		right = n - 1;

	for (;;)
	{
		EasqRanked	row;

		while (compare_ranked(&rows[left], &pivot) < 0)
			left++;
		while (compare_ranked(&rows[right], &pivot) > 0)
			right--;
		if (left >= right)
			return left;
		row = rows[left];
		rows[left++] = rows[right];
		rows[right--] = row;
	}
}

/* In parts, between which it ticks: the library's sort of all at once could not be left. */
static void
sort_ranked(size_t n, EasqRanked *rows, EasqRandom *random)
{
	while (n > SORT_PART)
	{
		size_t		first = split(n, rows, random);
		bool		rest_is_shorter = n - first < first;

		EasqTick();
		/* the shorter part in a call, so that these do not nest deeply */
		if (rest_is_shorter)
			sort_ranked(n - first, rows + first, random);
		else
		{
			sort_ranked(first, rows, random);
			rows += first;
		}
		n = rest_is_shorter ? first : n - first;
	}
	if (n > 1)
		qsort(rows, n, sizeof(EasqRanked), compare_ranked);
}

void
EasqSortRanked(size_t n, EasqRanked *rows)
{
	EasqRandom	random = {n};

	sort_ranked(n, rows, &random);
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

/* The rows of the score that is over: those of label 0 lie below all of label 1 that came before. */
static void
finish_score(EasqAucSum *sum)
{
	sum->right += sum->same[0] * (sum->above + 0.5 * sum->same[1]);
	sum->above += sum->same[1];
	sum->below += sum->same[0];
	sum->same[0] = sum->same[1] = 0.0;
}

void
EasqAucAdd(EasqAucSum *sum, double score, bool label)
{
	if (score != sum->score)
		finish_score(sum);
	sum->score = score;
	sum->same[label]++;
}

double
EasqAucOf(EasqAucSum *sum)
{
	finish_score(sum);
	return sum->right / (sum->above * sum->below);
}

double
EasqAuc(size_t n, const EasqRanked *rows)
{
	EasqAucSum	sum = {0};

	for (size_t i = 0; i < n; i++)
		EasqAucAdd(&sum, rows[i].score, rows[i].label);
	return EasqAucOf(&sum);
}
