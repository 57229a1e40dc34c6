/*
 * Runs methods over seeds in a few processes, and keeps what was measured in
 * one file a seed, so that a run that was broken off goes on where it ended.
 */
#ifndef STUDY_RUNS_H
#define STUDY_RUNS_H

#include "measure.h"
#include "method.h"

#define SHARES 4
extern const double answer_share[SHARES];	/* of the answers, from the start of the stream */

typedef struct Plan
{
	const Method *method;
	int			methods;
	bool		(*wanted) (const struct Plan *plan, int method, int setting);	/* NULL: all */
	const void *arg;			/* of wanted */
	bool		test;			/* else validation */
	int			seeds;			/* 1 .. seeds */
	int			processes;
	const char *folder;			/* of the files */
	const char *name;			/* that they start with */
} Plan;

typedef struct Runs
{
	const Plan *plan;
	size_t		per_seed;		/* Measures of a seed */
	Measures   *measures;		/* [seeds, per_seed] */
} Runs;

extern void RunPlan(const Plan *plan, const CoatData *data, Runs *runs);
/* seed from 0.  NaN throughout where it was not wanted. */
extern Measures *RunMeasures(const Runs *runs, int seed, int method, int setting, int share, int knob);
extern void RunsFree(Runs *runs);

#endif
