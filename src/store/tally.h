/*
 * How many answers a model remembers, by value: kept with its counters, so
 * that neither the most common value nor a draw needs a scan of all answers.
 * Up to EASQ_TALLY_VALUES values are told apart; answers of more values are one
 * mixed kind until they are counted anew.
 */
#ifndef EASQ_TALLY_H
#define EASQ_TALLY_H

#include "postgres.h"

#define EASQ_TALLY_VALUES 64

typedef struct EasqTallied
{
	double		value;			/* NaN: mixed, and then it is the only kind */
	int			remembered;		/* above 0 */
	int64		oldest;			/* no answer of this kind has a smaller ordinal */
} EasqTallied;

typedef struct EasqTally
{
	int			count;			/* -1: not known, to be counted */
	EasqTallied	part[EASQ_TALLY_VALUES];	/* by value */
} EasqTally;

extern int	EasqTallyTotal(const EasqTally *tally);
extern bool EasqTallyMixed(const EasqTally *tally);
/* One answer comes, one goes; the latter makes the tally unknown where there was none. */
extern void EasqTallyAdd(EasqTally *tally, double value, int64 ordinal);
extern void EasqTallyRemove(EasqTally *tally, double value);
/* The kind with most answers, among equals that with the oldest; NULL: none. */
extern EasqTallied *EasqTallyMostCommon(EasqTally *tally);
/* Are there at least so many answers below some value and as many above it? */
extern bool EasqTallyBothSides(const EasqTally *tally, int answers);

/* A float8[] of value, remembered, oldest in threes; NULL where they are not known. */
extern Datum EasqTallyDatum(const EasqTally *tally, bool *isnull);
/* ERROR XX001 where it is no such array. */
extern void EasqTallyRead(EasqTally *tally, Datum array, bool isnull);

#endif
