/*
 * The answers of a training that are kept in memory: partners for all chunks,
 * and what the model remembers afterwards.  As many of each value as of any
 * other, so that those of a rare value stay; a uniform sample of the answers of one value.
 */
#ifndef EASQ_ANSWER_SAMPLE_H
#define EASQ_ANSWER_SAMPLE_H

#include "postgres.h"

#include "core/random.h"
#include "train/row.h"

/* Values that are told apart; more of them are one kind. */
#define EASQ_SAMPLED_VALUES 64

typedef struct EasqSampledKind
{
	double		value;			/* NaN: mixed, and then it is the only kind */
	int			sampled;
	int64		seen;
} EasqSampledKind;

typedef struct EasqAnswerSample
{
	MemoryContext context;		/* of the copies */
	EasqRandom	random;
	int			capacity;
	int			count;
	EasqTrainRow *row;			/* [capacity] copies */
	EasqSampledKind kind[EASQ_SAMPLED_VALUES];
	int			kinds;
} EasqAnswerSample;

/* In the current context. */
extern void EasqAnswerSampleInit(EasqAnswerSample *sample, int capacity, uint64 seed);
/* The next answer of the stream. */
extern void EasqSampleAnswer(EasqAnswerSample *sample, const EasqTrainRow *row);
/* No more come: puts them in the order of their numbers. */
extern void EasqAnswerSampleFinish(EasqAnswerSample *sample);

#endif
