#include "core/kernel.h"

#include <cblas.h>

#include "core/simd.h"

/* Set by a self-test that failed: products by plain loops from then on. */
static bool plain = false;

EASQ_CLONES void
EasqSoftplus(size_t n, const float *x, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = softplus(x[i]);
}

EASQ_CLONES void
EasqSoftplusBackward(size_t n, const float *x, const float *dy, float *dx)
{
	for (size_t i = 0; i < n; i++)
		dx[i] = dy[i] * sigmoid_of(x[i], exp_minus_abs(x[i]));
}

bool
EasqAllFinite(size_t n, const float *x)
{
	uint32_t	largest = 0;

	for (size_t i = 0; i < n; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &x[i], sizeof(bits));
		bits &= 0x7fffffffu;
		largest = bits > largest ? bits : largest;
	}
	return largest < 0x7f800000u;
}

double
EasqSquares(size_t n, const float *x)
{
	double		lane[8] = {0};
	double		sum = 0.0;
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
		for (int l = 0; l < 8; l++)
			lane[l] += (double) x[i + l] * x[i + l];
	for (; i < n; i++)
		sum += (double) x[i] * x[i];
	for (int l = 0; l < 8; l++)
		sum += lane[l];
	return sum;
}

/* C = beta C; beta 0 overwrites what is there, NaN included. */
static void
scale(int rows, int cols, float beta, float *c)
{
	size_t		n = (size_t) rows * (size_t) cols;

	for (size_t i = 0; i < n; i++)
		c[i] = beta == 0.0f ? 0.0f : beta * c[i];
}

/* C += A B^T by plain loops. */
EASQ_CLONES static void
plain_dots(int rows, int cols, int inner, const float *a, const float *b, float *restrict c)
{
	for (int i = 0; i < rows; i++, a += inner)
		for (int j = 0; j < cols; j++)
			*c++ += dot(inner, a, b + (size_t) j * (size_t) inner);
}

/* C += A B by plain loops; element (i, l) of A lies at i * a_row + l * a_col. */
EASQ_CLONES static void
plain_sums(int rows, int cols, int inner, const float *a, size_t a_row, size_t a_col,
		   const float *b, float *restrict c)
{
	for (int i = 0; i < rows; i++, c += cols)
		for (int l = 0; l < inner; l++)
		{
			float		factor = a[(size_t) i * a_row + (size_t) l * a_col];
			const float *from = b + (size_t) l * (size_t) cols;

			for (int j = 0; j < cols; j++)
				c[j] += factor * from[j];
		}
}

/* OpenBLAS prints and exits on sizes that it does not like: 0 never reaches it. */
void
EasqGemmNT(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	if (rows <= 0 || cols <= 0)
		return;
	if (inner > 0 && !plain)
	{
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, cols, inner,
					1.0f, a, inner, b, inner, beta, c, cols);
		return;
	}
	scale(rows, cols, beta, c);
	plain_dots(rows, cols, inner, a, b, c);
}

void
EasqGemmNN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	if (rows <= 0 || cols <= 0)
		return;
	if (inner > 0 && !plain)
	{
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, cols, inner,
					1.0f, a, inner, b, cols, beta, c, cols);
		return;
	}
	scale(rows, cols, beta, c);
	plain_sums(rows, cols, inner, a, (size_t) inner, 1, b, c);
}

void
EasqGemmTN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	if (rows <= 0 || cols <= 0)
		return;
	if (inner > 0 && !plain)
	{
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, cols, inner,
					1.0f, a, rows, b, cols, beta, c, cols);
		return;
	}
	scale(rows, cols, beta, c);
	plain_sums(rows, cols, inner, a, 1, (size_t) rows, b, c);
}

void
EasqGemv(int rows, int inner, const float *a, const float *x, float beta, float *y)
{
	if (rows <= 0)
		return;
	if (inner > 0 && !plain)
	{
		cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, inner, 1.0f, a, inner, x, 1, beta, y, 1);
		return;
	}
	scale(rows, 1, beta, y);
	plain_dots(rows, 1, inner, a, x, y);
}

/*
 * Small integers whose products sum to less than 2^24: the result is exact in
 * whatever order it is summed, so that a right one is equal to the last bit.
 */
static void
fill_test(int n, uint32_t seed, float *x)
{
	for (int i = 0; i < n; i++)
	{
		seed = seed * 1664525u + 1013904223u;
		x[i] = (float) ((int) (seed >> 28) - 8);
	}
}

typedef void (*Product) (int rows, int cols, int inner, const float *a, const float *b, float beta, float *c);

static void
gemv_as_product(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	(void) cols;
	EasqGemv(rows, inner, a, b, beta, c);
}

static bool
equal(int n, const float *x, const float *y)
{
	for (int i = 0; i < n; i++)
		if (!(x[i] == y[i]))
			return false;
	return true;
}

/* Floats of the largest operand and the largest result below. */
#define TEST_OPERAND 25600
#define TEST_RESULT 10500

bool
EasqKernelSelfTest(void)
{
	/* the second and third are past what OpenBLAS leaves to its kernels for small matrices */
	static const int shape[][3] = {{3, 5, 7}, {101, 103, 107}, {61, 63, 401}, {64, 48, 32}};
	static const Product product[] = {EasqGemmNT, EasqGemmNN, EasqGemmTN, gemv_as_product};
	float		a[TEST_OPERAND];
	float		b[TEST_OPERAND];
	float		c[2][TEST_RESULT];

	for (size_t s = 0; s < sizeof(shape) / sizeof(shape[0]); s++)
	{
		int			rows = shape[s][0];
		int			inner = shape[s][2];

		fill_test(rows * inner, 1, a);
		fill_test(shape[s][1] * inner, 2, b);
		for (size_t p = 0; p < sizeof(product) / sizeof(product[0]); p++)
		{
			int			cols = product[p] == gemv_as_product ? 1 : shape[s][1];

			for (int beta = 0; beta < 2; beta++)
			{
				for (int side = 0; side < 2; side++)
				{
					fill_test(rows * cols, 3, c[side]);
					plain = side == 1;
					product[p] (rows, cols, inner, a, b, (float) beta, c[side]);
				}
				plain = !equal(rows * cols, c[0], c[1]);
				if (plain)
					return false;
			}
		}
	}
	return true;
}
