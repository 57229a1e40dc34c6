/*
 * The sample of behaviour pairs that a training leaves behind for learning
 * steps to rehearse: uniform among the pairs of the last epoch.
 */
#ifndef EASQ_SAMPLE_H
#define EASQ_SAMPLE_H

#include "postgres.h"

#include "store/behaviour.h"
#include "train/pairs.h"
#include "train/reservoir.h"

typedef struct EasqPairSample
{
	MemoryContext context;
	EasqReservoir reservoir;
	EasqPair   *pair;			/* [reservoir.count] copies */
} EasqPairSample;

/* In the current context. */
extern void EasqSampleInit(EasqPairSample *sample, int capacity);
extern void EasqSamplePairs(EasqPairSample *sample, const EasqPairList *list, const EasqTrainRow *rows);

#endif
