#include "core/blas.h"

#include <stdint.h>

#include <cblas.h>

static bool is_right = true;

/* The distance of rows, or columns, as BLAS wants it told even of a single one: no less than what is in it. */
static int
distance(size_t step, int least)
{
	return step < (size_t) least ? least : (int) step;
}

void
EasqBlasProduct(int rows, int cols, int inner, EasqMatrix a, EasqMatrix b, float beta, float *c)
{
	bool		a_turned = a.col != 1;
	bool		b_turned = b.col != 1;

	cblas_sgemm(CblasRowMajor, a_turned ? CblasTrans : CblasNoTrans, b_turned ? CblasTrans : CblasNoTrans,
				rows, cols, inner,
				1.0f, a.at, a_turned ? distance(a.col, rows) : distance(a.row, inner),
				b.at, b_turned ? distance(b.col, inner) : distance(b.row, cols), beta, c, cols);
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

/* Is c, of old [rows, cols] before, what it should be? */
static bool
product_is_right(int rows, int cols, int inner, EasqMatrix a, EasqMatrix b, float beta, const float *old, const float *c)
{
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < cols; j++)
		{
			const float *x = a.at + (size_t) i * a.row;
			const float *y = b.at + (size_t) j * b.col;
			float		sum = beta * *old++;

			for (int l = 0; l < inner; l++)
				sum += x[(size_t) l * a.col] * y[(size_t) l * b.row];
			if (!(sum == *c++))
				return false;
		}
	return true;
}

/* Floats of the largest operand and the largest result below. */
#define TEST_OPERAND 25600
#define TEST_RESULT 10500

bool
EasqBlasSelfTest(void)
{
	/* the second and third are past what OpenBLAS leaves to its kernels for small matrices */
	static const int shape[][3] = {{3, 5, 7}, {101, 103, 107}, {61, 63, 401}, {64, 48, 32}};
	float		operand[2][TEST_OPERAND];
	float		old[TEST_RESULT];
	float		result[TEST_RESULT];

	is_right = true;
	for (size_t s = 0; s < sizeof(shape) / sizeof(shape[0]) && is_right; s++)
	{
		size_t		rows = (size_t) shape[s][0];
		size_t		cols = (size_t) shape[s][1];
		size_t		inner = (size_t) shape[s][2];
		const EasqMatrix a = {operand[0], inner, 1};
		const EasqMatrix a_turned = {operand[0], 1, rows};
		const EasqMatrix b = {operand[1], cols, 1};
		const EasqMatrix b_turned = {operand[1], 1, inner};
		const EasqMatrix pair[][2] = {{a, b_turned}, {a, b}, {a_turned, b}};

		fill_test((int) (rows * inner), 1, operand[0]);
		fill_test((int) (cols * inner), 2, operand[1]);
		fill_test((int) (rows * cols), 3, old);
		for (size_t p = 0; p < sizeof(pair) / sizeof(pair[0]) && is_right; p++)
			for (int beta = 0; beta < 2 && is_right; beta++)
			{
				fill_test((int) (rows * cols), 3, result);
				EasqBlasProduct(shape[s][0], shape[s][1], shape[s][2], pair[p][0], pair[p][1], (float) beta, result);
				is_right = product_is_right(shape[s][0], shape[s][1], shape[s][2], pair[p][0], pair[p][1],
											(float) beta, old, result);
			}
	}
	return is_right;
}

bool
EasqBlasIsRight(void)
{
	return is_right;
}
