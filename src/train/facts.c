#include "postgres.h"

#include <math.h>

#include "feature/example.h"
#include "train/facts.h"
#include "train/prior.h"

/*
 * Deviations below this share of the largest value are rounding: a double has
 * 16 digits, sums of a few carry 15, and .3 and .1 + .2 are meant to be one number.
 */
#define ROUNDING 1e-12

void
EasqFactsInit(EasqFacts *facts, const EasqSpec *spec)
{
	Size		numerics = Max(spec->numerics, 1);

	memset(facts, 0, sizeof(*facts));
	facts->spec = spec;
	facts->label_min = facts->answer_min = INFINITY;
	facts->label_max = facts->answer_max = -INFINITY;
	facts->mean = palloc0(sizeof(double) * numerics);
	facts->deviation = palloc0(sizeof(double) * numerics);
	facts->priors = EasqPriorCountsCreate(spec);
	facts->valued = palloc0(sizeof(int64) * numerics);
	facts->largest = palloc0(sizeof(double) * numerics);
}

void
EasqFactsStartGroup(EasqFacts *facts, bool in_group)
{
	facts->in_group = in_group;
	facts->group_min = INFINITY;
	facts->group_max = -INFINITY;
	facts->group_differs = false;
	EasqPriorCountsStartGroup(facts->priors, in_group);
	if (in_group)
		facts->groups++;
}

static void
count_label(EasqFacts *facts, double label)
{
	facts->labelled++;
	facts->label_min = Min(facts->label_min, label);
	facts->label_max = Max(facts->label_max, label);
	facts->group_min = Min(facts->group_min, label);
	facts->group_max = Max(facts->group_max, label);
	if (facts->group_min < facts->group_max && !facts->group_differs)
	{
		facts->group_differs = true;
		facts->groups_differing++;
	}
}

/* Welford's recurrence. */
static void
count_numerics(EasqFacts *facts, const char *example)
{
	for (int i = 0; i < facts->spec->numerics; i++)
	{
		double		value = EasqExampleNumeric(facts->spec, example, i);
		double		delta = value - facts->mean[i];

		if (isnan(value))
			continue;
		facts->mean[i] += delta / (double) ++facts->valued[i];
		facts->deviation[i] += delta * (value - facts->mean[i]);
		facts->largest[i] = Max(facts->largest[i], fabs(value));
	}
}

void
EasqFactsCountRow(EasqFacts *facts, double label, double answer, const char *example)
{
	facts->rows++;
	if (facts->in_group)
		facts->grouped++;
	if (!isnan(label))
		count_label(facts, label);
	if (!isnan(answer))
	{
		facts->answers++;
		facts->answer_min = Min(facts->answer_min, answer);
		facts->answer_max = Max(facts->answer_max, answer);
	}
	count_numerics(facts, example);
	EasqPriorCountsAdd(facts->priors, example);
}

void
EasqFactsFinish(EasqFacts *facts)
{
	for (int i = 0; i < facts->spec->count; i++)
	{
		const EasqFeature *feature = &facts->spec->feature[i];
		int			n = feature->numeric;

		if (n < 0)
			continue;
		facts->deviation[n] = facts->valued[n] > 0 ? sqrt(facts->deviation[n] / (double) facts->valued[n]) : 0;
		if (!isfinite(facts->mean[n]) || !isfinite(facts->deviation[n]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("values of feature \"%s\" are too large: their mean is %g and their deviation %g",
							feature->name, facts->mean[n], facts->deviation[n]),
					 errhint("Divide the column by a large number in the query, or take its logarithm.")));
		if (facts->deviation[n] <= ROUNDING * facts->largest[n])
			facts->deviation[n] = 0;
	}
}

void
EasqFactsRenew(const EasqFacts *facts, double *mean, double *deviation)
{
	for (int i = 0; i < facts->spec->numerics; i++)
	{
		if (deviation[i] != 0 || facts->valued[i] == 0)
			continue;
		mean[i] = facts->mean[i];
		deviation[i] = facts->deviation[i];
	}
}
