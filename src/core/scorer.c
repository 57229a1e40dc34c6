#include "core/scorer.h"

#include <stdint.h>
#include <string.h>

/* Most rows of one pass through both products: what is between them stays in the cache. */
#define PASS_ROWS 96
#define PASS_ROWS_MIN 8
#define PASS_FLOATS ((size_t) 1 << 22)	/* what a pass of fewer rows is kept under */
/* Inputs that a panel's slice has in one go, so that it stays in the first-level cache. */
#define SLICE 256

#define CACHE_LINE 64
#define LINE_FLOATS (CACHE_LINE / sizeof(float))

static float *
align(float *memory)
{
	return (float *) (((uintptr_t) memory + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
}

/* Floats of a row after the second product, without what fills up the panels. */
static int
stacked_rows(const EasqShape *shape, int pathway)
{
	return shape->experts[pathway] * (shape->m + 1);
}

/* The same of out, so that what follows is aligned. */
static size_t
out_floats(const EasqShape *shape)
{
	return (size_t) EasqPanelColumns(shape->m);
}

size_t
EasqScorerFloats(const EasqLayout *layout)
{
	const EasqShape *shape = &layout->shape;
	size_t		floats = LINE_FLOATS + EasqPanelFloats(shape->d, shape->k + 1);

	for (int p = 0; p < EASQ_PATHWAYS; p++)
		floats += EasqPanelFloats(stacked_rows(shape, p), shape->d + 1) + out_floats(shape);
	/* the folded projection before it is packed */
	return floats + (size_t) shape->d * (size_t) shape->k;
}

/* F = W0 + (alpha / r) B A, row-major [d, k] */
static void
fold(const EasqLayout *layout, const float *weights, float alpha, float *folded)
{
	const EasqShape *shape = &layout->shape;
	const float *A = weights + layout->tensor[EASQ_LORA_A].offset;
	const float *B = weights + layout->tensor[EASQ_LORA_B].offset;
	float		scale = shape->r > 0 ? alpha / (float) shape->r : 0.0f;

	memcpy(folded, weights + layout->tensor[EASQ_BACKBONE_WEIGHT].offset,
		   layout->tensor[EASQ_BACKBONE_WEIGHT].count * sizeof(float));
	for (int i = 0; i < shape->d; i++, folded += shape->k)
		for (int l = 0; l < shape->r; l++)
		{
			float		factor = scale * B[(size_t) i * shape->r + l];
			const float *from = A + (size_t) l * shape->k;

			for (int j = 0; j < shape->k; j++)
				folded[j] += factor * from[j];
		}
}

static void
copy(float *to, const EasqLayout *layout, const float *weights, EasqTensorId id)
{
	memcpy(to, weights + layout->tensor[id].offset, layout->tensor[id].count * sizeof(float));
}

void
EasqScorerPack(EasqScorer *scorer, const EasqLayout *layout, const float *weights,
			   float alpha, float *memory)
{
	const EasqShape *shape = &layout->shape;
	int			d = shape->d;
	float	   *end = align(memory);

	memset(memory, 0, EasqScorerFloats(layout) * sizeof(float));
	scorer->shape = *shape;
	scorer->level = EasqBestLevel();

	scorer->projection = end;
	end += EasqPanelFloats(d, shape->k);
	scorer->projection_bias = end;
	copy(end, layout, weights, EASQ_BACKBONE_BIAS);
	end += EasqPanelColumns(d);

	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		int			units = shape->experts[p] * shape->m;
		EasqTensorId gate = EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_WEIGHT);
		EasqTensorId experts = EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_EXPERTS_WEIGHT);

		scorer->stacked[p] = end;
		EasqPanelPack(units, d, weights + layout->tensor[experts].offset, 0, end);
		EasqPanelPack(shape->experts[p], d, weights + layout->tensor[gate].offset, units, end);
		end += EasqPanelFloats(stacked_rows(shape, p), d);
		scorer->stacked_bias[p] = end;
		copy(end, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_EXPERTS_BIAS));
		copy(end + units, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_BIAS));
		end += EasqPanelColumns(stacked_rows(shape, p));
		scorer->out[p] = end;
		copy(end, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_WEIGHT));
		end += out_floats(shape);
		scorer->out_bias[p] = weights[layout->tensor[EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_BIAS)].offset];
	}
	fold(layout, weights, alpha, end);
	EasqPanelPack(d, shape->k, end, 0, (float *) scorer->projection);
}

/* Floats of a row between the products, in the wider pathway. */
static size_t
row_floats(const EasqShape *shape)
{
	int			main = EasqPanelColumns(stacked_rows(shape, EASQ_MAIN));
	int			satisfaction = EasqPanelColumns(stacked_rows(shape, EASQ_SATISFACTION));

	return (size_t) EasqPanelColumns(shape->d) + (size_t) (main > satisfaction ? main : satisfaction);
}

static int
pass_rows(const EasqShape *shape, int rows)
{
	size_t		most = PASS_FLOATS / row_floats(shape);

	if (most > PASS_ROWS)
		most = PASS_ROWS;
	if (most < PASS_ROWS_MIN)
		most = PASS_ROWS_MIN;
	return rows < (int) most ? rows : (int) most;
}

size_t
EasqScoreWork(const EasqShape *shape, int rows)
{
	return LINE_FLOATS + (size_t) pass_rows(shape, rows) * row_floats(shape) + (size_t) shape->m;
}

/* y [rows, cols] = x [rows, inner] weight [cols, inner]^T + bias, with the columns that fill up the panels */
static void
linear(const EasqLevel *level, int rows, int cols, int inner, const float *x, size_t x_stride,
	   const float *weight, const float *bias, float *y)
{
	int			columns = EasqPanelColumns(cols);
	size_t		panel = (size_t) inner * EASQ_PANEL;
	const float *start = bias;
	size_t		start_stride = 0;

	for (int from = 0; from < inner; from += SLICE)
	{
		level->product(rows, columns / EASQ_PANEL, inner - from < SLICE ? inner - from : SLICE,
					   x + from, x_stride, weight + (size_t) from * EASQ_PANEL, panel,
					   start, start_stride, y, (size_t) columns);
		start = y;
		start_stride = (size_t) columns;
	}
}

void
EasqScoreRows(const EasqScorer *scorer, EasqPathway pathway, int rows,
			  const float *x, float *score, float *work)
{
	const EasqShape *shape = &scorer->shape;
	const EasqLevel *level = scorer->level;
	int			K = shape->experts[pathway];
	int			wide = stacked_rows(shape, pathway);
	size_t		hidden = (size_t) EasqPanelColumns(shape->d);
	size_t		stride = (size_t) EasqPanelColumns(wide);
	int			pass;

	for (int start = 0; start < rows; start += pass)
	{
		float	   *z = align(work);
		float	   *stacked;

		pass = pass_rows(shape, rows - start);
		stacked = z + (size_t) pass * hidden;
		linear(level, pass, shape->d, shape->k, x + (size_t) start * shape->k, (size_t) shape->k,
			   scorer->projection, scorer->projection_bias, z);
		level->softplus((size_t) pass * hidden, z);
		linear(level, pass, wide, shape->d, z, hidden, scorer->stacked[pathway], scorer->stacked_bias[pathway], stacked);
		level->mix(pass, K, shape->m, stacked, stride, scorer->out[pathway], scorer->out_bias[pathway],
				   score + start, stacked + (size_t) pass * stride);
	}
	level->softplus((size_t) rows, score);
}
