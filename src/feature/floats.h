/*
 * Memory for weights, gradients and inputs.
 */
#ifndef EASQ_FLOATS_H
#define EASQ_FLOATS_H

#include "postgres.h"

#include "utils/memutils.h"

/* So many floats of any content, 0 of them too, in the current context; 1 GB is no bound. */
static inline float *
EasqFloats(Size count)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * Max(count, 1));
}

#endif
