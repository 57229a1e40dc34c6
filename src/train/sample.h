/*
 * The sample of behaviour pairs that a training leaves behind for learning
 * steps to rehearse: couples of pairs of one group, uniform among those of the last epoch.
 * A pair that is alone in its group makes a couple with another such pair.
 */
#ifndef EASQ_SAMPLE_H
#define EASQ_SAMPLE_H

#include "postgres.h"

#include "store/pair_rehearsed.h"
#include "train/pairs.h"
#include "train/reservoir.h"

typedef struct EasqPairSample
{
	MemoryContext context;
	EasqReservoir reservoir;	/* of couples */
	EasqRehearsed *pair;		/* [2 reservoir.count] copies: slots 2 i and 2 i + 1 are a couple */
	EasqRehearsed lone;			/* a pair that waits for another without a partner in its group */
	bool		waits;
} EasqPairSample;

/* In the current context; capacity in pairs. */
extern void EasqSampleInit(EasqPairSample *sample, int capacity);
/* Pairs of a group must be next to each other. */
extern void EasqSamplePairs(EasqPairSample *sample, const EasqPairList *list, const EasqTrainRow *rows);
/* Pairs in the sample. */
extern int	EasqSampleCount(const EasqPairSample *sample);

#endif
