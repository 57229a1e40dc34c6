#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "core/belief.h"
#include "core/random.h"
#include "feature/belief.h"
#include "feature/example.h"
#include "train/prior.h"

#define USUAL_VALUES 100.0		/* of which EASQ_PRIOR_NUMBER holds */

typedef struct Counted
{
	uint64	   *seen;			/* a bit a row of its table; NULL: none of it yet, or it has none */
	int64		values;			/* that were seen */
	int64		shares;			/* how often a value was part of a row's, and the sum of squares of its part */
	double		squares;
	uint64		now;			/* mix of the row's values */
	uint64		first;			/* of the group's first row */
	bool		varied;			/* within this group */
	int64		groups_varied;
} Counted;

struct EasqPriorCounts
{
	const EasqSpec *spec;
	EasqEncoding encoding;		/* of numbers, whose values do not matter */
	Counted    *feature;		/* [spec->count] */
	bool		in_group;
	int64		rows;			/* of the group */
	int64		groups;			/* of several rows */
};

EasqPriorCounts *
EasqPriorCountsCreate(const EasqSpec *spec)
{
	EasqPriorCounts *counts = palloc0(sizeof(EasqPriorCounts));
	double	   *zeros = palloc0(sizeof(double) * Max(spec->numerics, 1));

	counts->spec = spec;
	counts->encoding.mean = counts->encoding.deviation = zeros;
	counts->feature = palloc0(sizeof(Counted) * spec->count);
	return counts;
}

void
EasqPriorCountsStartGroup(EasqPriorCounts *counts, bool in_group)
{
	counts->in_group = in_group;
	counts->rows = 0;
	for (int i = 0; i < counts->spec->count; i++)
		counts->feature[i].varied = false;
}

static void
count_value(const EasqFeature *feature, int64 row, double x, void *arg)
{
	EasqPriorCounts *counts = arg;
	Counted    *counted = &counts->feature[feature - counts->spec->feature];
	uint64		bit = UINT64CONST(1) << (row % 64);

	if (feature->size == 0)
	{
		uint64		bits;

		memcpy(&bits, &x, sizeof(bits));
		counted->now = EasqMix(counted->now, bits);
		return;
	}
	if (counted->seen == NULL)
		counted->seen = MemoryContextAllocExtended(GetMemoryChunkContext(counts), sizeof(uint64) * (feature->size / 64 + 1),
												   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	counted->shares++;
	counted->squares += x * x;
	counted->values += !(counted->seen[row / 64] & bit);
	counted->seen[row / 64] |= bit;
	counted->now = EasqMix(counted->now, (uint64) row);
}

void
EasqPriorCountsAdd(EasqPriorCounts *counts, const char *example)
{
	for (int i = 0; i < counts->spec->count; i++)
		counts->feature[i].now = 0;
	EasqVisitValues(counts->spec, &counts->encoding, example, count_value, counts);
	if (!counts->in_group)
		return;
	counts->rows++;
	counts->groups += counts->rows == 2;
	for (int i = 0; i < counts->spec->count; i++)
	{
		Counted    *counted = &counts->feature[i];

		if (counts->rows == 1)
			counted->first = counted->now;
		else if (counted->now != counted->first && !counted->varied)
		{
			counted->varied = true;
			counted->groups_varied++;
		}
	}
}

static double
share_varied(const EasqPriorCounts *counts, int feature)
{
	return counts->groups > 0 ? (double) counts->feature[feature].groups_varied / (double) counts->groups : 1;
}

static bool
is_constant(const EasqPriorCounts *counts, int feature)
{
	return share_varied(counts, feature) <= EASQ_PRIOR_VARIES;
}

/* The category with most values among those that are constant within groups, or among the others; -1: there is none. */
static int
richest(const EasqPriorCounts *counts, bool constant)
{
	int			best = -1;

	for (int i = 0; i < counts->spec->count; i++)
		if (counts->feature[i].values > 1 && is_constant(counts, i) == constant &&
			(best < 0 || counts->feature[i].values > counts->feature[best].values))
			best = i;
	return best;
}

int
EasqPriorsAsked(const EasqPriorCounts *counts)
{
	return richest(counts, true);
}

/*
 * Of the values that are neither.  The more of them there are, the fewer answers each gets, and the less may be made of
 * each (anime, Book-Crossing and Coat agree on the root).  Members of an array each count for a part of their row: as
 * much more may be made of them, so that a row of several says as much as a row of one.
 */
static double
prior_of_others(const Counted *counted)
{
	if (counted->values == 0)
		return EASQ_PRIOR_NUMBER;
	return Min(EASQ_PRIOR_NUMBER * sqrt(USUAL_VALUES / (double) counted->values) * (double) counted->shares / counted->squares,
			   EASQ_PRIOR_OTHER_MOST);
}

void
EasqPriorsChoose(const EasqPriorCounts *counts, EasqPriors *priors)
{
	int			asked = EasqPriorsAsked(counts);
	int			about = richest(counts, false);

	for (int i = 0; i < counts->spec->count; i++)
	{
		priors->variance[i] = i == asked ? EASQ_PRIOR_ASKED : i == about ? EASQ_PRIOR_ABOUT : prior_of_others(&counts->feature[i]);
		priors->varies[i] = share_varied(counts, i);
	}
}
