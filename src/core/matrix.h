/*
 * A matrix where it lies.
 */
#ifndef EASQ_MATRIX_H
#define EASQ_MATRIX_H

#include <stddef.h>

/* Element (i, j) is at[i * row + j * col]; one of row and col is 1. */
typedef struct EasqMatrix
{
	const float *at;
	size_t		row;
	size_t		col;
} EasqMatrix;

#endif
