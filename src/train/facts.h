/*
 * What the rows of a training are like, counted row by row, group after
 * group: whether they can teach anything, and means and deviations.
 */
#ifndef EASQ_FACTS_H
#define EASQ_FACTS_H

#include "postgres.h"

#include "feature/spec.h"

typedef struct EasqFacts
{
	int64		rows;
	int64		grouped;		/* rows whose group is not NULL */
	int64		labelled;		/* of those, with a label */
	double		label_min;
	double		label_max;
	int64		groups;
	int64		groups_differing;	/* with two different labels */
	int64		answers;
	double		answer_min;
	double		answer_max;
	double	   *mean;			/* [numerics]; 0 where there is no value */
	double	   *deviation;		/* of the population, 0 where it is rounding; its squares until Finish */

	const EasqSpec *spec;
	struct EasqPriorCounts *priors;	/* see prior.h */
	int64	   *valued;			/* [numerics] values that are not NULL */
	double	   *largest;		/* [numerics] of their absolute values */
	bool		in_group;		/* the row is of a group */
	double		group_min;
	double		group_max;
	bool		group_differs;	/* counted already */
} EasqFacts;

/* In the current context. */
extern void EasqFactsInit(EasqFacts *facts, const EasqSpec *spec);
/* The next row is the first of another group, or (false) of those without one. */
extern void EasqFactsStartGroup(EasqFacts *facts, bool in_group);
/* label, answer: NaN where there is none. */
extern void EasqFactsCountRow(EasqFacts *facts, double label, double answer, const char *example);
/* Ends the counting.  ERROR 22003 where a mean or deviation is not finite. */
extern void EasqFactsFinish(EasqFacts *facts);
/*
 * Where weights were trained before: statistics that they stand on stay.  A
 * feature without deviation was the same number in every row, or none, so that no
 * weight has learned from it: it takes what these rows say.
 */
extern void EasqFactsRenew(const EasqFacts *facts, double *mean, double *deviation);

#endif
