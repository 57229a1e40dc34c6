/*
 * OpenBLAS, and nothing else of it than products: no other file knows that it is there.
 */
#ifndef EASQ_BLAS_H
#define EASQ_BLAS_H

#include <stdbool.h>

#include "core/matrix.h"

/* C [rows, cols] = beta C + A [rows, inner] B [inner, cols]; no size may be 0: OpenBLAS prints and exits on what it does not like. */
extern void EasqBlasProduct(int rows, int cols, int inner, EasqMatrix a, EasqMatrix b, float beta, float *c);

/*
 * Multiplies matrices of known result.  Some builds are wrong on processors
 * newer than they are.  False: it is wrong here, and not used from now on (the caller warns once).
 */
extern bool EasqBlasSelfTest(void);

/* What the self-test found last; before the first, that it is right. */
extern bool EasqBlasIsRight(void);

#endif
