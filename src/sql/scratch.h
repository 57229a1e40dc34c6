/*
 * Memory for the arithmetic of one statement that a backend keeps for the next
 * one: pages that are given back and taken anew cost as much as the products.
 */
#ifndef EASQ_SCRATCH_H
#define EASQ_SCRATCH_H

#include "postgres.h"

/*
 * So many floats, of any content, until context is reset or deleted.  The kept
 * memory where it is free and the floats are few enough (4 MB), else memory of context.
 */
extern float *EasqScratch(MemoryContext context, Size floats);

#endif
