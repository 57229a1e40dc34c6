#include "core/panel.h"

#include <stdbool.h>
#include <string.h>

#include "core/level.h"


int
EasqPanelColumns(int cols)
{
	return (cols + EASQ_PANEL - 1) / EASQ_PANEL * EASQ_PANEL;
}

size_t
EasqPanelFloats(int cols, int inner)
{
	return (size_t) EasqPanelColumns(cols) * (size_t) inner;
}

void
EasqPanelPack(int cols, int inner, const float *weight, int first, float *packed)
{
	for (int col = 0; col < cols; col++, weight += inner)
	{
		float	   *to = packed + (size_t) ((first + col) / EASQ_PANEL) * EASQ_PANEL * (size_t) inner +
			(first + col) % EASQ_PANEL;

		for (int l = 0; l < inner; l++)
			to[(size_t) l * EASQ_PANEL] = weight[l];
	}
}

/* What is multiplied in one go: a panel's slice of SLICE inputs stays in the first-level cache, its rows of A in the second. */
#define SLICE 192
#define BLOCK_ROWS 256
#define EDGE_ROWS 64

/* A slice of B [depth, width] as a panel. */
static void
pack(int depth, int width, const float *b, size_t row, size_t col, float *restrict packed)
{
	if (col == 1 && width == EASQ_PANEL)
		for (int l = 0; l < depth; l++)
			memcpy(packed + l * EASQ_PANEL, b + (size_t) l * row, EASQ_PANEL * sizeof(float));
	else if (col == 1)
		for (int l = 0; l < depth; l++)
			memcpy(packed + l * EASQ_PANEL, b + (size_t) l * row, (size_t) width * sizeof(float));
	else
		for (int j = 0; j < width; j++)
			for (int l = 0; l < depth; l++)
				packed[l * EASQ_PANEL + j] = b[(size_t) l * row + (size_t) j * col];
}

/* The last columns, by way of a copy that is as wide as a panel; they start from bias, or where that is NULL from what is there. */
static void
multiply_edge(const EasqLevel *level, int rows, int width, int depth, EasqMatrix a, const float *packed,
			  const float *bias, float *c, size_t stride)
{
	static const float zeros[EASQ_PANEL];
	float		edge[EDGE_ROWS * EASQ_PANEL];

	for (int row = 0; row < rows; row += EDGE_ROWS, a.at += EDGE_ROWS * a.row)
	{
		int			some = rows - row < EDGE_ROWS ? rows - row : EDGE_ROWS;

		level->panel(some, width <= EASQ_PANEL / 2, depth, a.at, a.row, a.col, packed, zeros, 0, edge, EASQ_PANEL);
		for (int i = 0; i < some; i++, c += stride)
			for (int j = 0; j < width; j++)
				c[j] = edge[i * EASQ_PANEL + j] + (bias != NULL ? bias[j] : c[j]);
	}
}

/* A block of rows and a slice of the inputs; C starts from bias, or where that is NULL from what is there. */
static void
multiply_slice(const EasqLevel *level, int rows, int cols, int depth, EasqMatrix a, EasqMatrix b,
			   const float *bias, size_t bias_step, float *c)
{
	float		packed[SLICE * EASQ_PANEL];

	for (int col = 0; col < cols; col += EASQ_PANEL, b.at += EASQ_PANEL * b.col)
	{
		int			width = cols - col < EASQ_PANEL ? cols - col : EASQ_PANEL;
		const float *start = bias != NULL ? bias + (size_t) col * bias_step : NULL;

		if (width < EASQ_PANEL)
			memset(packed, 0, sizeof(packed));
		pack(depth, width, b.at, b.row, b.col, packed);
		if (width < EASQ_PANEL)
			multiply_edge(level, rows, width, depth, a, packed, start, c + col, (size_t) cols);
		else
			level->panel(rows, false, depth, a.at, a.row, a.col, packed, start != NULL ? start : c + col,
						 start != NULL ? 0 : (size_t) cols, c + col, (size_t) cols);
	}
}

/* C = beta C */
static void
scale(size_t n, float beta, float *c)
{
	for (size_t i = 0; i < n; i++)
		c[i] *= beta;
}

void
EasqPanelProduct(int rows, int cols, int inner, EasqMatrix a, EasqMatrix b, float beta, const float *bias, float *c)
{
	static const float zeros[EASQ_PANEL];
	const EasqLevel *level = EasqLevelInUse();
	size_t		bias_step = 1;

	/* beta 0 overwrites what is there, NaN included */
	if (bias == NULL && beta == 0.0f)
	{
		bias = zeros;
		bias_step = 0;
	}
	else if (bias == NULL && beta != 1.0f)
		scale((size_t) rows * (size_t) cols, beta, c);
	for (int row = 0; row < rows; row += BLOCK_ROWS)
	{
		int			some = rows - row < BLOCK_ROWS ? rows - row : BLOCK_ROWS;

		for (int from = 0; from < inner; from += SLICE)
		{
			EasqMatrix	x = {a.at + (size_t) row * a.row + (size_t) from * a.col, a.row, a.col};
			EasqMatrix	w = {b.at + (size_t) from * b.row, b.row, b.col};

			multiply_slice(level, some, cols, inner - from < SLICE ? inner - from : SLICE, x, w,
						   from == 0 ? bias : NULL, bias_step, c + (size_t) row * (size_t) cols);
		}
	}
}
