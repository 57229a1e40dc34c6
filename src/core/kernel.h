/*
 * Vector and matrix kernels: elementwise functions chosen for the processor at
 * run time, and products by OpenBLAS or by panels (see panel.h) where these are
 * faster.  All float32, row-major, no allocation.
 */
#ifndef EASQ_KERNEL_H
#define EASQ_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

/* A hint that what lies there is read soon. */
#if defined(__GNUC__)
#define EASQ_PREFETCH(address) __builtin_prefetch(address)
#else
#define EASQ_PREFETCH(address) ((void) (address))
#endif

/* y[i] = softplus(x[i]); x and y may be the same array.  NaN stays NaN, +inf stays +inf. */
extern void EasqSoftplus(size_t n, const float *x, float *y);
/* dx[i] = dy[i] * sigmoid(x[i]), the derivative of softplus; dx and dy may be the same. */
extern void EasqSoftplusBackward(size_t n, const float *x, const float *dy, float *dx);

/* C[rows, cols] = beta C + A[rows, inner] B[cols, inner]^T */
extern void EasqGemmNT(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c);
/* Each of rows rows becomes bias [cols]; the rows lie stride floats apart. */
extern void EasqFillRows(int rows, int cols, const float *bias, float *y, size_t stride);
/* C[rows, cols] = bias[cols] in each row + A[rows, inner] B[cols, inner]^T */
extern void EasqAffine(int rows, int cols, int inner, const float *a, const float *b, const float *bias, float *c);
/* C[rows, cols] = beta C + A[rows, inner] B[inner, cols] */
extern void EasqGemmNN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c);
/* C[rows, cols] = beta C + A[inner, rows]^T B[inner, cols] */
extern void EasqGemmTN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c);
extern bool EasqAllFinite(size_t n, const float *x);
/* Sum of squares, in double. */
extern double EasqSquares(size_t n, const float *x);

typedef enum EasqProducts
{
	EASQ_BY_LOOPS,				/* plain C: slow, right everywhere */
	EASQ_BY_OPENBLAS,
	EASQ_BY_PANELS
} EasqProducts;

/* Panels on processors with AVX-512, for which an OpenBLAS may be too old; else OpenBLAS. */
extern EasqProducts EasqKernelBest(void);

/*
 * Multiplies small matrices of known result.  Some OpenBLAS builds are wrong
 * on processors newer than they are.  Products are computed in this way from
 * then on; false: it is wrong here, and plain loops take over (the caller warns once).
 */
extern bool EasqKernelSelfTest(EasqProducts way);

#endif
