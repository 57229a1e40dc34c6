#include "postgres.h"

#include "utils/memutils.h"

#include "core/belief.h"
#include "core/random.h"
#include "feature/belief.h"
#include "feature/example.h"
#include "train/prior.h"

#define CONSTANT 0.95			/* share of groups of several rows in which a feature that tells who is asked does not vary */

typedef struct Counted
{
	uint64	   *seen;			/* a bit a row of its table; NULL: none of it yet, or it has none */
	int64		values;			/* that were seen */
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
count_value(const EasqFeature *feature, int64 row, double x pg_attribute_unused(), void *arg)
{
	EasqPriorCounts *counts = arg;
	Counted    *counted = &counts->feature[feature - counts->spec->feature];
	uint64		bit = UINT64CONST(1) << (row % 64);

	if (feature->size == 0)
		return;
	if (counted->seen == NULL)
		counted->seen = MemoryContextAllocExtended(GetMemoryChunkContext(counts), sizeof(uint64) * (feature->size / 64 + 1),
												   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
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

static bool
is_constant(const EasqPriorCounts *counts, int feature)
{
	return counts->groups > 0 &&
		(double) counts->feature[feature].groups_varied <= (1 - CONSTANT) * (double) counts->groups;
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

void
EasqPriorsChoose(const EasqPriorCounts *counts, double *prior)
{
	int			asked = richest(counts, true);
	int			about = richest(counts, false);

	for (int i = 0; i < counts->spec->count; i++)
		prior[i] = i == asked ? EASQ_PRIOR_ASKED : i == about ? EASQ_PRIOR_ABOUT : EASQ_PRIOR_NUMBER;
}
