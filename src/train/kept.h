/*
 * The answers of a training that are kept in memory: partners for all chunks,
 * and what the model remembers afterwards.  As many of each value as of any
 * other, so that those of a rare value stay; a uniform sample of the answers of one value.
 */
#ifndef EASQ_KEPT_H
#define EASQ_KEPT_H

#include "postgres.h"

#include "core/random.h"
#include "train/row.h"

/* Values that are told apart; more of them are one kind. */
#define EASQ_KEPT_VALUES 64

typedef struct EasqKeptKind
{
	double		value;			/* NaN: mixed, and then it is the only kind */
	int			kept;
	int64		seen;
} EasqKeptKind;

typedef struct EasqKept
{
	MemoryContext context;		/* of the copies */
	EasqRandom	random;
	int			capacity;
	int			count;
	EasqTrainRow *row;			/* [capacity] copies */
	EasqKeptKind kind[EASQ_KEPT_VALUES];
	int			kinds;
} EasqKept;

/* In the current context. */
extern void EasqKeptInit(EasqKept *kept, int capacity, uint64 seed);
/* The next answer of the stream. */
extern void EasqKeepAnswer(EasqKept *kept, const EasqTrainRow *row);
/* No more come: puts them in the order of their numbers. */
extern void EasqKeptFinish(EasqKept *kept);

#endif
