/*
 * Vector and matrix kernels: elementwise functions chosen for the processor at
 * run time, and products by OpenBLAS.  All float32, row-major, no allocation.
 */
#ifndef EASQ_KERNEL_H
#define EASQ_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

/* y[i] = softplus(x[i]); x and y may be the same array.  NaN stays NaN, +inf stays +inf. */
extern void EasqSoftplus(size_t n, const float *x, float *y);
/* dx[i] = dy[i] * sigmoid(x[i]), the derivative of softplus; dx and dy may be the same. */
extern void EasqSoftplusBackward(size_t n, const float *x, const float *dy, float *dx);

/* C[rows, cols] = beta C + A[rows, inner] B[cols, inner]^T */
extern void EasqGemmNT(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c);
/* C[rows, cols] = beta C + A[rows, inner] B[inner, cols] */
extern void EasqGemmNN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c);
/* C[rows, cols] = beta C + A[inner, rows]^T B[inner, cols] */
extern void EasqGemmTN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c);
/* y[rows] = beta y + A[rows, inner] x[inner] */
extern void EasqGemv(int rows, int inner, const float *a, const float *x, float beta, float *y);

extern bool EasqAllFinite(size_t n, const float *x);
/* Sum of squares, in double. */
extern double EasqSquares(size_t n, const float *x);

/*
 * Multiplies small matrices of known result through OpenBLAS.  Some OpenBLAS
 * builds are wrong on processors newer than they are.  False: plain C loops
 * take over from then on (slower, right); the caller warns once.
 */
extern bool EasqKernelSelfTest(void);

#endif
