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

struct EasqModel;

typedef struct EasqAnswerKind
{
	double		value;			/* NaN: mixed, and then it is the only kind */
	int			remembered;		/* above 0 */
	int64		oldest;			/* no answer of this kind has a smaller ordinal */
} EasqAnswerKind;

typedef struct EasqAnswerCounts
{
	int			count;			/* -1: not known, to be counted */
	EasqAnswerKind part[EASQ_COUNTED_VALUES];	/* by value */
} EasqAnswerCounts;

extern int	EasqAnswerCountsTotal(const EasqAnswerCounts *counts);
extern bool EasqAnswerCountsMixed(const EasqAnswerCounts *counts);
/* One answer comes, one goes; the latter makes the counts unknown where there was none. */
extern void EasqAnswerCountsAdd(EasqAnswerCounts *counts, double value, int64 ordinal);
extern void EasqAnswerCountsRemove(EasqAnswerCounts *counts, double value);
/* The kind with most answers, among equals that with the oldest; NULL: none. */
extern EasqAnswerKind *EasqAnswerCountsMostCommon(EasqAnswerCounts *counts);
/* Are there at least so many answers below some value and as many above it? */
extern bool EasqAnswerCountsBothSides(const EasqAnswerCounts *counts, int answers);

/*
 * Those of a model's adapter from easq.answer_count, under the active snapshot: model->adapter.counts and what is
 * stored.  Not known where there are none and answers are remembered.  ERROR XX001 where they are no counts.
 */
extern void EasqAnswerCountsRead(struct EasqModel *model);
/* Stores what has changed.  Under the model's lock. */
extern void EasqAnswerCountsWrite(struct EasqModel *model);

#endif
