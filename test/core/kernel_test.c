#include <math.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/kernel.h"
#include "core/level.h"
#include "core/random.h"
#include "core/tick.h"

#include "blas.h"
#include "check.h"
#include "fixture.h"
#include "naive.h"
#include "tests.h"

#define ULP 1.1920929e-7		/* of a float near 1 */

static void
test_softplus(void)
{
	static float x[1000];
	static float y[1000];
	static float dx[1000];
	const float special[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e30f, -1e30f, -80.0f, -100.0f};
	const int	special_count = sizeof(special) / sizeof(special[0]);

	for (double from = -104.0; from < 120.0; from += 2.0)
	{
		for (int i = 0; i < 1000; i++)
			x[i] = (float) (from + 0.002 * i);
		EasqSoftplus(1000, x, y);
		for (int i = 0; i < 1000; i++)
			dx[i] = 1.0f;
		EasqSoftplusBackward(1000, x, dx, dx);
		for (int i = 0; i < 1000; i++)
		{
			double		want = naive_softplus(x[i]);
			double		slope = 1.0 / (1.0 + exp(-(double) x[i]));

			/* subnormals have an absolute precision of 1.4e-45 */
			check_near(y[i], want, 3.0 * ULP * want + 3e-45, "softplus");
			check_near(dx[i], slope, 3.0 * ULP * slope + 3e-45, "softplus backward");
		}
	}
	/* each value at each place of a vector, so that every tail is met */
	for (int n = 1; n < 40; n++)
		for (int v = 0; v < special_count; v++)
		{
			float		at = special[v];

			for (int i = 0; i < n; i++)
				x[i] = 0.5f;
			x[n - 1] = at;
			x[n] = -7.0f;
			y[n] = 123.0f;
			EasqSoftplus((size_t) n, x, y);
			if (isnan(at))
				check(isnan(y[n - 1]), "softplus(NaN)");
			else if (isinf(at))
				check(y[n - 1] == (at > 0.0f ? INFINITY : 0.0f), "softplus(infinity)");
			else
				check_near(y[n - 1], naive_softplus(at), 3.0 * ULP * naive_softplus(at) + 3e-45, "softplus");
			check(y[n] == 123.0f, "softplus stays in its array");
			EasqSoftplus((size_t) n, x, x);
			check(memcmp(x, y, (size_t) n * sizeof(float)) == 0 || isnan(at), "softplus in place");
			x[n - 1] = at;
			dx[n - 1] = 1.0f;
			EasqSoftplusBackward((size_t) n, x, dx, dx);
			check(isnan(at) ? isnan(dx[n - 1]) : dx[n - 1] >= 0.0f && dx[n - 1] <= 1.0f, "sigmoid of a special value");
		}
	EasqSoftplus(0, x, y);
	end_group("softplus and its derivative");
}

static void
product_by_hand(int rows, int cols, int inner, const float *a, int ta, const float *b, int tb, float beta, double *c)
{
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < cols; j++)
		{
			double		sum = beta == 0.0f ? 0.0 : beta * c[i * cols + j];

			for (int l = 0; l < inner; l++)
				sum += (double) (ta ? a[l * rows + i] : a[i * inner + l]) *
					(tb ? b[j * inner + l] : b[l * cols + j]);
			c[i * cols + j] = sum;
		}
}

/* Random shapes, each kind of product, and 0 of everything; beta 0 forgets NaN. */
static void
test_products(const char *name)
{
	EasqRandom	random = {5};
	const int	most = 60;
	float	   *a = allocate(3600, sizeof(float));
	float	   *b = allocate(3600, sizeof(float));
	float	   *c = allocate(3601, sizeof(float));
	double	   *want = allocate(3600, sizeof(double));

	for (int round = 0; round < 120; round++)
	{
		int			rows = (int) EasqBelow(&random, (uint64_t) most + 1);
		int			cols = (int) EasqBelow(&random, (uint64_t) most + 1);
		int			inner = (int) EasqBelow(&random, (uint64_t) most + 1);
		int			kind = round % 3;
		float		beta = (float) (round / 3 % 3) / 2.0f;

		/* longer than what is multiplied in one go */
		if (round % 7 == 5)
		{
			rows %= 8;
			cols %= 8;
			inner += 380;
		}
		else if (round % 7 == 6)
		{
			rows += 70;
			cols %= 27;
			inner %= 27;
		}
		fill_normal_floats((uint64_t) round + 100, 3600, a);
		fill_normal_floats((uint64_t) round + 500, 3600, b);
		for (int i = 0; i < 3601; i++)
		{
			c[i] = beta == 0.0f ? NAN : (float) i / 1000.0f;
			if (i < 3600)
				want[i] = c[i];
		}
		product_by_hand(rows, cols, inner, a, kind == 2, b, kind == 0, beta, want);
		if (kind == 0)
			EasqGemmNT(rows, cols, inner, a, b, beta, c);
		else if (kind == 1)
			EasqGemmNN(rows, cols, inner, a, b, beta, c);
		else
			EasqGemmTN(rows, cols, inner, a, b, beta, c);
		for (int i = 0; i < rows * cols; i++)
			check_near(c[i], want[i], 1e-4, "product");
		check(beta == 0.0f ? isnan(c[rows * cols]) : c[rows * cols] == (float) (rows * cols) / 1000.0f,
			  "product stays in its array");
		if (kind == 0)
		{
			const float *bias = a + 1800;

			for (int i = 0; i < rows * cols; i++)
				want[i] = bias[i % cols];
			product_by_hand(rows, cols, inner, a, false, b, true, 1.0f, want);
			c[rows * cols] = NAN;
			EasqAffine(rows, cols, inner, a, b, bias, c);
			for (int i = 0; i < rows * cols; i++)
				check_near(c[i], want[i], 1e-4, "product and bias");
			check(isnan(c[rows * cols]), "product and bias stay in their array");
		}
	}
	free(a);
	free(b);
	free(c);
	free(want);
	end_group(name);
}

/* The same by one way alone, whichever the level would choose. */
static void
test_products_by(bool blas, const char *name)
{
	const EasqLevel *chosen = EasqLevelInUse();
	EasqLevel	forced = *chosen;
	int			calls = blas_calls;

	forced.panels_most = blas ? 0 : SIZE_MAX;
	EasqUseLevel(&forced);
	test_products(name);
	EasqUseLevel(chosen);
	check((blas_calls > calls) == (blas && EasqBlasIsRight()), "products go the way that they should");
}

/* Past the sizes of test_products: blocks of rows, and a product between two ticks. */
static void
test_large_products(void)
{
	static const int shape[][3] = {{601, 70, 250}, {3000, 300, 400}};

	for (size_t s = 0; s < sizeof(shape) / sizeof(shape[0]); s++)
	{
		int			rows = shape[s][0];
		int			cols = shape[s][1];
		int			inner = shape[s][2];
		float	   *a = allocate((size_t) rows * inner, sizeof(float));
		float	   *b = allocate((size_t) cols * inner, sizeof(float));
		float	   *bias = allocate((size_t) cols, sizeof(float));
		float	   *c = allocate((size_t) rows * cols, sizeof(float));

		fill_normal_floats(s + 1, (size_t) rows * inner, a);
		fill_normal_floats(s + 2, (size_t) cols * inner, b);
		fill_normal_floats(s + 3, (size_t) cols, bias);
		EasqAffine(rows, cols, inner, a, b, bias, c);
		for (int i = 0; i < rows; i += 37)
			for (int j = 0; j < cols; j += 7)
			{
				double		sum = bias[j];

				for (int l = 0; l < inner; l++)
					sum += (double) a[(size_t) i * inner + l] * b[(size_t) j * inner + l];
				check_near(c[(size_t) i * cols + j], sum, 3e-4, "a large product");
			}
		free(a);
		free(b);
		free(bias);
		free(c);
	}
	end_group("large products");
}

static int	ticks;
static jmp_buf left;

static void
leave_at_the_third(void)
{
	if (++ticks == 3)
		longjmp(left, 1);
}

/* Long products tick on the way, and a caller that leaves from there finds all as before. */
static void
test_ticks(void)
{
	const int	rows = 2048;
	const int	size = 1024;
	float	   *a = allocate((size_t) rows * size, sizeof(float));
	float	   *c = allocate((size_t) rows * size, sizeof(float));

	ticks = 0;
	EasqOnTick(leave_at_the_third);
	if (setjmp(left) == 0)
	{
		EasqGemmNT(rows, size, size, a, a, 0.0f, c);
		check(false, "a long product ticks more than twice");
	}
	EasqOnTick(NULL);
	check(ticks == 3, "nothing ticks after that");
	test_products("products after a way out of one");
	free(a);
	free(c);
}

/* A BLAS that errs is found out, and panels give what a right one gives. */
static void
test_selftest(void)
{
	check(EasqBlasSelfTest() && EasqBlasIsRight(), "OpenBLAS is right on this processor");
	blas_errs = BLAS_WRONG_GEMM;
	check(!EasqBlasSelfTest(), "a wrong gemm is found");
	blas_errs = BLAS_WRONG_LARGE_GEMM;
	check(!EasqBlasSelfTest() && !EasqBlasIsRight(), "a wrong gemm of a large product is found");
	test_products_by(true, "products where OpenBLAS errs");
	blas_errs = BLAS_RIGHT;
	check(EasqBlasSelfTest(), "the self-test can be repeated");
	end_group("self-test and fallback");
}

static void
test_sums(void)
{
	float		x[37];
	double		sum = 0.0;

	fill_normal_floats(4, 37, x);
	for (int n = 0; n < 37; n++)
	{
		check_near(EasqSquares((size_t) n, x), sum, 1e-12, "sum of squares");
		check(EasqAllFinite((size_t) n, x), "finite");
		sum += (double) x[n] * x[n];
	}
	for (int i = 0; i < 37; i++)
	{
		const float bad[3] = {NAN, INFINITY, -INFINITY};
		float		saved = x[i];

		x[i] = bad[i % 3];
		check(!EasqAllFinite(37, x), "not finite");
		x[i] = saved;
	}
	end_group("sums and finiteness");
}

void
test_kernel(void)
{
	test_softplus();
	test_products_by(true, "products by OpenBLAS");
	test_products_by(false, "products by panels");
	test_selftest();
	test_large_products();
	test_ticks();
	test_sums();
}
