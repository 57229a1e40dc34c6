#include "core/kernel.h"

#include <string.h>

#include "core/blas.h"
#include "core/level.h"
#include "core/panel.h"
#include "core/tick.h"

/* Multiplications between two ticks: a few milliseconds, a fraction of a second on a slow processor. */
#define TICK_WORK ((size_t) 1 << 28)
#define TICK_ROWS 64			/* but so many rows at least, of which each product packs the other side */

void
EasqSoftplus(size_t n, const float *x, float *y)
{
	EasqLevelInUse()->softplus(n, x, y);
}

void
EasqSoftplusBackward(size_t n, const float *x, const float *dy, float *dx)
{
	EasqLevelInUse()->softplus_backward(n, x, dy, dx);
}

bool
EasqAllFinite(size_t n, const float *x)
{
	return EasqLevelInUse()->all_finite(n, x);
}

double
EasqSquares(size_t n, const float *x)
{
	return EasqLevelInUse()->squares(n, x);
}

void
EasqFillRows(int rows, int cols, const float *bias, float *y, size_t stride)
{
	for (int row = 0; row < rows; row++)
		memcpy(y + (size_t) row * stride, bias, (size_t) cols * sizeof(float));
}

/* Without inputs: C = beta C, or bias in each row. */
static void
multiply_nothing(int rows, int cols, float beta, const float *bias, float *c)
{
	size_t		n = (size_t) rows * (size_t) cols;

	if (bias != NULL)
		EasqFillRows(rows, cols, bias, c, (size_t) cols);
	for (size_t i = 0; i < n && bias == NULL; i++)
		c[i] = beta == 0.0f ? 0.0f : beta * c[i];
}

static void
multiply_rows(int rows, int cols, int inner, EasqMatrix a, EasqMatrix b, float beta, const float *bias, float *c)
{
	if ((size_t) rows * (size_t) cols * (size_t) inner <= EasqLevelInUse()->panels_most || !EasqBlasIsRight())
	{
		EasqPanelProduct(rows, cols, inner, a, b, beta, bias, c);
		return;
	}
	if (bias != NULL)
		EasqFillRows(rows, cols, bias, c, (size_t) cols);
	EasqBlasProduct(rows, cols, inner, a, b, bias != NULL ? 1.0f : beta, c);
}

/* The one product: C [rows, cols] = beta C, or bias in each row where there is one, + A B. */
static void
multiply(int rows, int cols, int inner, EasqMatrix a, EasqMatrix b, float beta, const float *bias, float *c)
{
	size_t		most;

	if (rows <= 0 || cols <= 0)
		return;
	if (inner <= 0)
	{
		multiply_nothing(rows, cols, beta, bias, c);
		return;
	}
	most = TICK_WORK / ((size_t) cols * (size_t) inner);
	if (most < TICK_ROWS)
		most = TICK_ROWS;
	while (rows > 0)
	{
		int			some = (size_t) rows < most ? rows : (int) most;

		EasqTick();
		multiply_rows(some, cols, inner, a, b, beta, bias, c);
		rows -= some;
		a.at += (size_t) some * a.row;
		c += (size_t) some * (size_t) cols;
	}
}

/* A matrix [..., cols] as it is read, and turned. */
static EasqMatrix
plain(const float *at, int cols)
{
	return (EasqMatrix) {at, (size_t) cols, 1};
}

static EasqMatrix
turned(const float *at, int cols)
{
	return (EasqMatrix) {at, 1, (size_t) cols};
}

void
EasqAffine(int rows, int cols, int inner, const float *a, const float *b, const float *bias, float *c)
{
	multiply(rows, cols, inner, plain(a, inner), turned(b, inner), 0.0f, bias, c);
}

void
EasqGemmNT(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	multiply(rows, cols, inner, plain(a, inner), turned(b, inner), beta, NULL, c);
}

void
EasqGemmNN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	multiply(rows, cols, inner, plain(a, inner), plain(b, cols), beta, NULL, c);
}

void
EasqGemmTN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	multiply(rows, cols, inner, turned(a, rows), plain(b, cols), beta, NULL, c);
}
