/*
 * cblas_sgemm is defined here, so that a test can put a BLAS that errs under
 * the objects; it passes on to the Fortran name of the same kernel.
 */
#include <math.h>
#include <stddef.h>

#include <cblas.h>

#include "blas.h"

extern void sgemm_(const char *ta, const char *tb, const int *m, const int *n, const int *k,
				   const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
				   const float *beta, float *c, const int *ldc);

enum BlasErrs blas_errs = BLAS_RIGHT;
int			blas_calls = 0;

void
cblas_sgemm(const enum CBLAS_ORDER order, const enum CBLAS_TRANSPOSE ta, const enum CBLAS_TRANSPOSE tb,
			const int m, const int n, const int k, const float alpha, const float *a, const int lda,
			const float *b, const int ldb, const float beta, float *c, const int ldc)
{
	(void) order;				/* row-major: the transposed product, column-major */
	sgemm_(tb == CblasTrans ? "T" : "N", ta == CblasTrans ? "T" : "N", &n, &m, &k,
		   &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
	blas_calls++;
	if (blas_errs == BLAS_WRONG_GEMM)
		c[(size_t) (m - 1) * ldc + n - 1] = NAN;
	if (blas_errs == BLAS_WRONG_LARGE_GEMM && (double) m * n * k > 1e6)
		c[(size_t) (m - 1) * ldc + n - 1] += 1.0f;
}
