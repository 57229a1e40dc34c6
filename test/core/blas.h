/* A BLAS that can be made to err, in front of the library's. */
#ifndef BLAS_H
#define BLAS_H

extern enum BlasErrs
{
	BLAS_RIGHT,
	BLAS_WRONG_GEMM,
	BLAS_WRONG_LARGE_GEMM
}			blas_errs;

extern int	blas_calls;

#endif
