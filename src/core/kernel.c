#include "core/kernel.h"

#include <cblas.h>

#include "core/panel.h"
#include "core/simd.h"

/* Set by the self-test. */
static EasqProducts products = EASQ_BY_OPENBLAS;

void
EasqSoftplus(size_t n, const float *x, float *y)
{
	EasqBestLevel()->softplus(n, x, y);
}

void
EasqSoftplusBackward(size_t n, const float *x, const float *dy, float *dx)
{
	EasqBestLevel()->softplus_backward(n, x, dy, dx);
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

/* A slice of B [depth, width] as a panel. */
static void
pack(int depth, int width, const float *b, size_t b_row, size_t b_col, float *restrict packed)
{
	if (b_col == 1 && width == EASQ_PANEL)
		for (int l = 0; l < depth; l++)
			memcpy(packed + l * EASQ_PANEL, b + (size_t) l * b_row, EASQ_PANEL * sizeof(float));
	else if (b_col == 1)
		for (int l = 0; l < depth; l++)
			memcpy(packed + l * EASQ_PANEL, b + (size_t) l * b_row, (size_t) width * sizeof(float));
	else
		for (int j = 0; j < width; j++)
			for (int l = 0; l < depth; l++)
				packed[l * EASQ_PANEL + j] = b[(size_t) l * b_row + (size_t) j * b_col];
}

/* Inputs and rows that are multiplied in one go: the slice of a panel stays in the first-level cache. */
#define SLICE 192
#define EDGE_ROWS 64

/*
 * C[rows, cols] = beta C + A B by panels, or where there is a bias, that in each row instead of beta C.  Element
 * (i, l) of A lies at i * a_row + l * a_col, element (l, j) of B at l * b_row + j * b_col.
 */
static void
by_panels(int rows, int cols, int inner, const float *a, size_t a_row, size_t a_col,
		  const float *b, size_t b_row, size_t b_col, float beta, const float *bias, float *c)
{
	static const float zeros[EASQ_PANEL];
	const EasqLevel *level = EasqBestLevel();
	float		packed[SLICE * EASQ_PANEL];
	float		edge[EDGE_ROWS * EASQ_PANEL];

	if (!bias && beta != 0.0f && beta != 1.0f)
		scale(rows, cols, beta, c);
	for (int from = 0; from < inner; from += SLICE, a += SLICE * a_col, b += SLICE * b_row)
	{
		int			depth = inner - from < SLICE ? inner - from : SLICE;
		bool		fresh = from == 0 && (bias || beta == 0.0f);

		for (int col = 0; col < cols; col += EASQ_PANEL)
		{
			int			width = cols - col < EASQ_PANEL ? cols - col : EASQ_PANEL;
			const float *start = bias ? bias + col : zeros;

			if (width < EASQ_PANEL)
				memset(packed, 0, sizeof(packed));
			pack(depth, width, b + (size_t) col * b_col, b_row, b_col, packed);
			if (width == EASQ_PANEL)
			{
				level->panel(rows, false, depth, a, a_row, a_col, packed, fresh ? start : c + col,
							 fresh ? 0 : (size_t) cols, c + col, (size_t) cols);
				continue;
			}
			/* the last columns, by way of a copy that is as wide as a panel */
			for (int row = 0; row < rows; row += EDGE_ROWS)
			{
				int			some = rows - row < EDGE_ROWS ? rows - row : EDGE_ROWS;
				float	   *to = c + (size_t) row * (size_t) cols + col;

				level->panel(some, width <= EASQ_PANEL / 2, depth, a + (size_t) row * a_row, a_row, a_col, packed,
							 zeros, 0, edge, EASQ_PANEL);
				for (int i = 0; i < some; i++)
					for (int j = 0; j < width; j++)
						to[(size_t) i * (size_t) cols + j] = edge[i * EASQ_PANEL + j] +
							(fresh ? start[j] : to[(size_t) i * (size_t) cols + j]);
			}
		}
	}
}

/* Is it OpenBLAS' turn, or that of panels?  OpenBLAS prints and exits on sizes that it does not like: 0 reaches neither. */
static bool
by(EasqProducts way, int inner)
{
	return products == way && inner > 0;
}

void
EasqGemmNT(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	if (rows <= 0 || cols <= 0)
		return;
	if (by(EASQ_BY_PANELS, inner))
		by_panels(rows, cols, inner, a, (size_t) inner, 1, b, 1, (size_t) inner, beta, NULL, c);
	else if (by(EASQ_BY_OPENBLAS, inner))
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, cols, inner,
					1.0f, a, inner, b, inner, beta, c, cols);
	else
	{
		scale(rows, cols, beta, c);
		plain_dots(rows, cols, inner, a, b, c);
	}
}

void
EasqFillRows(int rows, int cols, const float *bias, float *y, size_t stride)
{
	for (int row = 0; row < rows; row++)
		memcpy(y + (size_t) row * stride, bias, (size_t) cols * sizeof(float));
}

void
EasqAffine(int rows, int cols, int inner, const float *a, const float *b, const float *bias, float *c)
{
	if (rows > 0 && cols > 0 && by(EASQ_BY_PANELS, inner))
		by_panels(rows, cols, inner, a, (size_t) inner, 1, b, 1, (size_t) inner, 0.0f, bias, c);
	else
	{
		EasqFillRows(rows, cols, bias, c, (size_t) cols);
		EasqGemmNT(rows, cols, inner, a, b, 1.0f, c);
	}
}

void
EasqGemmNN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	if (rows <= 0 || cols <= 0)
		return;
	if (by(EASQ_BY_PANELS, inner))
		by_panels(rows, cols, inner, a, (size_t) inner, 1, b, (size_t) cols, 1, beta, NULL, c);
	else if (by(EASQ_BY_OPENBLAS, inner))
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, cols, inner,
					1.0f, a, inner, b, cols, beta, c, cols);
	else
	{
		scale(rows, cols, beta, c);
		plain_sums(rows, cols, inner, a, (size_t) inner, 1, b, c);
	}
}

void
EasqGemmTN(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	if (rows <= 0 || cols <= 0)
		return;
	if (by(EASQ_BY_PANELS, inner))
		by_panels(rows, cols, inner, a, 1, (size_t) rows, b, (size_t) cols, 1, beta, NULL, c);
	else if (by(EASQ_BY_OPENBLAS, inner))
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, cols, inner,
					1.0f, a, rows, b, cols, beta, c, cols);
	else
	{
		scale(rows, cols, beta, c);
		plain_sums(rows, cols, inner, a, 1, (size_t) rows, b, c);
	}
}

EasqProducts
EasqKernelBest(void)
{
	return EasqBestLevel()->wide ? EASQ_BY_PANELS : EASQ_BY_OPENBLAS;
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
EasqKernelSelfTest(EasqProducts way)
{
	/* the second and third are past what OpenBLAS leaves to its kernels for small matrices */
	static const int shape[][3] = {{3, 5, 7}, {101, 103, 107}, {61, 63, 401}, {64, 48, 32}};
	static const Product product[] = {EasqGemmNT, EasqGemmNN, EasqGemmTN};
	float		a[TEST_OPERAND];
	float		b[TEST_OPERAND];
	float		c[2][TEST_RESULT];

	for (size_t s = 0; s < sizeof(shape) / sizeof(shape[0]); s++)
	{
		int			rows = shape[s][0];
		int			cols = shape[s][1];
		int			inner = shape[s][2];

		fill_test(rows * inner, 1, a);
		fill_test(cols * inner, 2, b);
		for (size_t p = 0; p < sizeof(product) / sizeof(product[0]); p++)
			for (int beta = 0; beta < 2; beta++)
			{
				for (int side = 0; side < 2; side++)
				{
					fill_test(rows * cols, 3, c[side]);
					products = side == 0 ? way : EASQ_BY_LOOPS;
					product[p] (rows, cols, inner, a, b, (float) beta, c[side]);
				}
				if (!equal(rows * cols, c[0], c[1]))
					return false;
			}
	}
	products = way;
	return true;
}
