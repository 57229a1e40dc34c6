/*
 * What each step of the online phase reads: drawn once a seed, the same for
 * every method.  Pairs of answers as the extension makes them: the same
 * respondent's remembered answers first, then anybody's.
 */
#ifndef STUDY_STREAM_H
#define STUDY_STREAM_H

#include "coat.h"
#include "core/random.h"

/* Independent draws of one seed. */
enum
{
	DRAW_SPLIT = 1,
	DRAW_ORDER,
	DRAW_WEIGHTS,
	DRAW_TRAINING,
	DRAW_SAMPLE,
	DRAW_PARTNERS,
	DRAW_BEHAVIOUR,
	DRAW_GROUPED,
	DRAW_REPLAY,
	DRAW_BOOTSTRAP
};

#define PAIRS_PER_ANSWER 8
#define BEHAVIOUR_PAIRS 32
#define REPLAY_BEHAVIOUR 4096

typedef struct RowPair
{
	int			chosen;
	int			rejected;
} RowPair;

typedef struct StreamStep
{
	int			pairs;			/* 0: no remembered answer differs, no step */
	RowPair		answer[PAIRS_PER_ANSWER];
	RowPair		behaviour[BEHAVIOUR_PAIRS];
	RowPair		grouped[BEHAVIOUR_PAIRS];	/* the same, but pairs 2i and 2i + 1 are of one shopper */
} StreamStep;

typedef struct Stream
{
	int			steps;			/* one an answer */
	StreamStep *step;
} Stream;

extern void ShuffleInts(int *array, int count, EasqRandom *random);
/* Random training pairs: a chosen coat and an unchosen one of the same shopper. */
extern void DrawTrainingPairs(const CoatData *data, const CoatSplit *split, int per_chosen,
							  EasqRandom *random, RowPair **pairs, int *count);
extern void StreamDraw(const CoatData *data, const CoatSplit *split, uint64_t seed, Stream *stream);
extern void StreamFree(Stream *stream);

#endif
