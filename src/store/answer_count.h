/*
 * How many answers a model remembers, by value: kept with its counters, so
 * that neither the most common value nor a draw needs a scan of all answers.
 * Up to EASQ_COUNTED_VALUES values are told apart; answers of more values are one
 * mixed kind until they are counted anew.
 */
#ifndef EASQ_ANSWER_COUNT_H
#define EASQ_ANSWER_COUNT_H

#include "postgres.h"

#define EASQ_COUNTED_VALUES 64

typedef struct EasqAnswerKind
{
	double		value;			/* NaN: mixed, and then it is the only kind */
	int			remembered;		/* above 0 */
	int64		oldest;			/* no answer of this kind has a smaller ordinal */
} EasqAnswerKind;

typedef struct EasqAnswerCounts
{
	int			count;			/* -1: not known, to be counted */
	EasqAnswerKind	part[EASQ_COUNTED_VALUES];	/* by value */
} EasqAnswerCounts;

extern int	EasqAnswerCountsTotal(const EasqAnswerCounts *tally);
extern bool EasqAnswerCountsMixed(const EasqAnswerCounts *tally);
/* One answer comes, one goes; the latter makes the tally unknown where there was none. */
extern void EasqAnswerCountsAdd(EasqAnswerCounts *tally, double value, int64 ordinal);
extern void EasqAnswerCountsRemove(EasqAnswerCounts *tally, double value);
/* The kind with most answers, among equals that with the oldest; NULL: none. */
extern EasqAnswerKind *EasqAnswerCountsMostCommon(EasqAnswerCounts *tally);
/* Are there at least so many answers below some value and as many above it? */
extern bool EasqAnswerCountsBothSides(const EasqAnswerCounts *tally, int answers);

/* A float8[] of value, remembered, oldest in threes; NULL where they are not known. */
extern Datum EasqAnswerCountsDatum(const EasqAnswerCounts *tally, bool *isnull);
/* ERROR XX001 where it is no such array. */
extern void EasqAnswerCountsRead(EasqAnswerCounts *tally, Datum array, bool isnull);

#endif
