/*
 * How many different values there are, by their hashes: exactly up to a bound, beyond it to about 1 %.
 */
#ifndef EASQ_DISTINCT_H
#define EASQ_DISTINCT_H

#include "postgres.h"

#include "lib/hyperloglog.h"

typedef struct EasqDistinct
{
	uint64	   *set;			/* open addressing, 0: free; NULL: there are too many */
	uint32		room;			/* a power of two */
	uint32		taken;
	bool		zero;			/* the hash 0 was there */
	hyperLogLogState estimate;
} EasqDistinct;

/* In the current context. */
extern void EasqDistinctInit(EasqDistinct *distinct);
extern void EasqDistinctAdd(EasqDistinct *distinct, uint64 hash);
extern int64 EasqDistinctCount(EasqDistinct *distinct);

#endif
