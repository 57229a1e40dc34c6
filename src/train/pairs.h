/*
 * Which rows of a chunk are compared.  Everything is drawn from the rows'
 * order, which depends on their content, and from the generator given.
 */
#ifndef EASQ_PAIRS_H
#define EASQ_PAIRS_H

#include "postgres.h"

#include "core/random.h"
#include "train/spool.h"

/* Numbers of rows, the better one first. */
typedef struct EasqRowPair
{
	uint32		chosen;
	uint32		rejected;
} EasqRowPair;

typedef struct EasqPairList
{
	EasqRowPair *pair;
	Size		count;
	Size		room;
} EasqPairList;

/* An empty list in the current context, which is also where it grows. */
extern void EasqPairsInit(EasqPairList *list);

/*
 * Adds pairs of behaviour among rows [start, end) that are not held: each row with a label and up
 * to per_row others of its group whose label differs.  No pair twice.
 */
extern void EasqPairBehaviour(EasqPairList *list, const EasqTrainRow *rows, int start, int end,
							  int per_row, EasqRandom *random);

/* Adds at most limit pairs of the held rows of one group, [start, end): all that differ in label, or so many draws of them. */
extern void EasqPairHeld(EasqPairList *list, const EasqTrainRow *rows, int start, int end,
						  int limit, EasqRandom *random);

/*
 * Adds pairs of answers: each answer of the chunk and up to per_answer others
 * that differ, the same respondent's first, then anybody's.  Partners are the
 * chunk's rows [0, count) and the sampled answers behind them [count, count + sampled).  No pair twice.
 */
extern void EasqPairAnswers(EasqPairList *list, const EasqTrainRow *rows, int count, int sampled,
							int per_answer, EasqRandom *random);

extern void EasqShufflePairs(EasqPairList *list, EasqRandom *random);

#endif
