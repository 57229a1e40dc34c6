/*
 * Vector and matrix kernels, by the level of instructions in use (level.h):
 * elementwise functions, and products by panels (panel.h) or by OpenBLAS
 * (blas.h), whichever is faster there.  All float32, row-major, no allocation.
 * A product ticks (tick.h).
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

#endif
