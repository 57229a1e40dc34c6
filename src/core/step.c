/*
 * The step works in blocks of rows, so that its scratch does not grow with
 * the batch: logits of every row first, then the losses, which want all of
 * them, then block by block backward.  A batch of one block keeps what
 * forward computed; a larger one computes it again.  Each block goes in tiles
 * of rows, so that what one product leaves is in the cache for the next.
 *
 * Stop-gradients, where each is taken:
 *   main pathway    dz never reaches LoRA, only the backbone and x
 *   satisfaction    dz never reaches the backbone, x or the main pathway
 *   alignment       its reference is a logit without a gradient
 */
#include "core/step.h"

#include <math.h>
#include <string.h>

#include "core/kernel.h"
#include "core/pathway.h"

#define BLOCK_ROWS 8192			/* most rows of a block */
#define BLOCK_ROWS_MIN 32
#define BLOCK_FLOATS ((size_t) 1 << 22) /* what a block of fewer rows is kept under */
#define TILE_ROWS 256			/* of a block */

typedef struct Block
{
	float	   *h;				/* [n, d] h + h_lora */
	float	   *z;				/* [n, d] */
	float	   *low;			/* [n, r] (alpha / r) x A^T */
	float	   *gate[EASQ_PATHWAYS];	/* [n, K] */
	float	   *expert[EASQ_PATHWAYS];	/* [n, K m] */

	/* of one tile */
	float	   *dz;				/* [TILE_ROWS, d], then dh */
	float	   *dlow;			/* [TILE_ROWS, r] */
} Block;

static size_t
row_floats(const EasqShape *shape)
{
	size_t		floats = 2 * (size_t) shape->d + (size_t) shape->r;

	for (int p = 0; p < EASQ_PATHWAYS; p++)
		floats += (size_t) shape->experts[p] * ((size_t) shape->m + 1);
	return floats;
}

static size_t
block_rows(const EasqShape *shape, size_t rows)
{
	size_t		most = BLOCK_FLOATS / row_floats(shape);

	if (most > BLOCK_ROWS)
		most = BLOCK_ROWS;
	if (most < BLOCK_ROWS_MIN)
		most = BLOCK_ROWS_MIN;
	return rows < most ? rows : most;
}

static size_t
tile_rows(size_t rows)
{
	return rows < TILE_ROWS ? rows : TILE_ROWS;
}

/* Logits and their gradients of every row, one block, and what a tile needs beside it. */
size_t
EasqGradientWork(const EasqShape *shape, size_t rows)
{
	return 2 * EASQ_PATHWAYS * rows + block_rows(shape, rows) * row_floats(shape) +
		tile_rows(rows) * ((size_t) shape->d + (size_t) shape->r);
}

static void
block_init(Block *block, const EasqShape *shape, size_t n, float *memory)
{
	block->h = memory;
	block->z = block->h + n * shape->d;
	block->low = block->z + n * shape->d;
	memory = block->low + n * shape->r;
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		block->gate[p] = memory;
		block->expert[p] = block->gate[p] + n * shape->experts[p];
		memory = block->expert[p] + n * shape->experts[p] * shape->m;
	}
	block->dz = memory;
	block->dlow = memory + tile_rows(n) * shape->d;
}

/* The same block from its row number row on. */
static Block
block_from(const Block *block, const EasqShape *shape, size_t row)
{
	Block		rest = *block;

	rest.h += row * shape->d;
	rest.z += row * shape->d;
	rest.low += row * shape->r;
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		rest.gate[p] += row * shape->experts[p];
		rest.expert[p] += row * shape->experts[p] * shape->m;
	}
	return rest;
}

static const float *
at(const EasqLayout *layout, const float *weights, EasqTensorId id)
{
	return weights + layout->tensor[id].offset;
}

static float *
at_gradient(const EasqLayout *layout, float *gradient, EasqTensorId id)
{
	return gradient + layout->tensor[id].offset;
}

/* x [n, k] -> h [n, d], z = softplus(h) [n, d], low [n, r] */
static void
projection_forward(const EasqLayout *layout, const float *weights, float scale,
				   int n, const float *x, float *h, float *z, float *low)
{
	const EasqShape *shape = &layout->shape;

	EasqAffine(n, shape->d, shape->k, x, at(layout, weights, EASQ_BACKBONE_WEIGHT),
			   at(layout, weights, EASQ_BACKBONE_BIAS), h);
	if (shape->r > 0)
	{
		EasqGemmNT(n, shape->r, shape->k, x, at(layout, weights, EASQ_LORA_A), 0.0f, low);
		for (size_t i = 0; i < (size_t) n * shape->r; i++)
			low[i] *= scale;
		EasqGemmNT(n, shape->d, shape->r, low, at(layout, weights, EASQ_LORA_B), 1.0f, h);
	}
	EasqSoftplus((size_t) n * shape->d, h, z);
}

/* dh [n, d] of the main pathway -> backbone, dx [n, k] */
static void
backbone_backward(const EasqLayout *layout, const float *weights, int n,
				  const float *x, const float *dh, float *gradient, float *dx)
{
	const EasqShape *shape = &layout->shape;

	EasqGemmTN(shape->d, shape->k, n, dh, x, 1.0f, at_gradient(layout, gradient, EASQ_BACKBONE_WEIGHT));
	EasqAddRows(n, shape->d, dh, at_gradient(layout, gradient, EASQ_BACKBONE_BIAS));
	EasqGemmNN(n, shape->k, shape->d, dh, at(layout, weights, EASQ_BACKBONE_WEIGHT), 0.0f, dx);
}

/* dh [n, d] of the satisfaction pathway -> lora_A, lora_B; x is detached */
static void
lora_backward(const EasqLayout *layout, const float *weights, float scale, int n,
			  const float *x, const float *low, const float *dh, float *dlow, float *gradient)
{
	const EasqShape *shape = &layout->shape;

	EasqGemmTN(shape->d, shape->r, n, dh, low, 1.0f, at_gradient(layout, gradient, EASQ_LORA_B));
	EasqGemmNN(n, shape->r, shape->d, dh, at(layout, weights, EASQ_LORA_B), 0.0f, dlow);
	for (size_t i = 0; i < (size_t) n * shape->r; i++)
		dlow[i] *= scale;
	EasqGemmTN(shape->r, shape->k, n, dlow, x, 1.0f, at_gradient(layout, gradient, EASQ_LORA_A));
}

/* z [n, d] -> gate [n, K], before the relu */
static void
gate_forward(const EasqLayout *layout, const float *weights, int pathway, int n, const float *z, float *gate)
{
	int			K = layout->shape.experts[pathway];

	EasqAffine(n, K, layout->shape.d, z, at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_GATE_WEIGHT)),
			   at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_GATE_BIAS)), gate);
}

/* z [n, d], gate [n, K] -> expert [n, K m] before the softplus, v [n] */
static void
pathway_forward(const EasqLayout *layout, const float *weights, int pathway, int n,
				const float *z, const float *gate, float *expert, float *v)
{
	int			K = layout->shape.experts[pathway];
	int			m = layout->shape.m;

	EasqAffine(n, K * m, layout->shape.d, z, at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_EXPERTS_WEIGHT)),
			   at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_EXPERTS_BIAS)), expert);
	EasqMixForward(n, K, m, gate, (size_t) K, expert, (size_t) K * m,
				   at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_OUT_WEIGHT)),
				   *at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_OUT_BIAS)), v);
}

/* dv [n] -> the pathway's tensors but out.bias and, unless NULL, dz [n, d]; gate and expert become their gradients */
static void
pathway_backward(const EasqLayout *layout, const float *weights, int pathway, int n,
				 const float *z, float *gate, float *expert, const float *dv,
				 float *gradient, float *dz)
{
	const EasqTensorId gate_weight = EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_GATE_WEIGHT);
	const EasqTensorId experts_weight = EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_EXPERTS_WEIGHT);
	const EasqTensorId out_weight = EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_OUT_WEIGHT);
	int			K = layout->shape.experts[pathway];
	int			m = layout->shape.m;
	int			d = layout->shape.d;

	EasqMixBackward(n, K, m, gate, (size_t) K, expert, (size_t) K * m,
					at(layout, weights, out_weight), dv, at_gradient(layout, gradient, out_weight));
	EasqGemmTN(K, d, n, gate, z, 1.0f, at_gradient(layout, gradient, gate_weight));
	EasqAddRows(n, K, gate,
				at_gradient(layout, gradient, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_GATE_BIAS)));
	EasqGemmTN(K * m, d, n, expert, z, 1.0f, at_gradient(layout, gradient, experts_weight));
	EasqAddRows(n, K * m, expert,
				at_gradient(layout, gradient, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_EXPERTS_BIAS)));
	if (dz == NULL)
		return;
	EasqGemmNN(n, d, K * m, expert, at(layout, weights, experts_weight), 0.0f, dz);
	EasqGemmNN(n, d, K, gate, at(layout, weights, gate_weight), 1.0f, dz);
}

static bool
any_open(size_t n, const float *gate)
{
	for (size_t i = 0; i < n; i++)
		if (!(gate[i] <= 0.0f))
			return true;
	return false;
}

static float
lora_scale(const EasqShape *shape, double alpha)
{
	return shape->r > 0 ? (float) (alpha / shape->r) : 0.0f;
}

/* Rows of a block of n, from start on, that lie before end. */
static int
rows_before(int end, int start, int n)
{
	int			rows = end - start;

	return rows < 0 ? 0 : rows < n ? rows : n;
}

/* What a pass over rows works on: the batch from one row on, and where its results go. */
typedef struct Rows
{
	const EasqLayout *layout;
	const float *weights;
	float		scale;			/* of LoRA */
	const float *x;
	float	   *y;				/* logits, or their gradients on the way back */
	float	   *s;
	float	   *gradient;
	float	   *dx;				/* or NULL, as for EasqGradient */
} Rows;

static Rows
rows_from(const Rows *rows, size_t row)
{
	Rows		rest = *rows;
	size_t		k = (size_t) rows->layout->shape.k;

	rest.x += row * k;
	rest.y += row;
	rest.s += row;
	if (rest.dx != NULL)
		rest.dx += row * k;
	return rest;
}

/* Both pathways' logits of n rows; the satisfaction pathway's for the first satisfied rows only. */
static void
tile_forward(const Rows *rows, int n, int satisfied, const Block *block)
{
	projection_forward(rows->layout, rows->weights, rows->scale, n, rows->x, block->h, block->z, block->low);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		int			some = p == EASQ_MAIN ? n : satisfied;

		gate_forward(rows->layout, rows->weights, p, some, block->z, block->gate[p]);
		pathway_forward(rows->layout, rows->weights, p, some,
						block->z, block->gate[p], block->expert[p], p == EASQ_MAIN ? rows->y : rows->s);
	}
}

/* Main over n rows, satisfaction over the first survey rows. */
static void
tile_backward(const Rows *rows, int n, int survey, const Block *block)
{
	const EasqLayout *layout = rows->layout;
	const EasqShape *shape = &layout->shape;
	float	   *dz = block->dz;

	pathway_backward(layout, rows->weights, EASQ_MAIN, n, block->z, block->gate[EASQ_MAIN],
					 block->expert[EASQ_MAIN], rows->y, rows->gradient, rows->dx != NULL ? dz : NULL);
	if (rows->dx != NULL)
	{
		EasqSoftplusBackward((size_t) n * shape->d, block->h, dz, dz);
		backbone_backward(layout, rows->weights, n, rows->x, dz, rows->gradient, rows->dx);
	}
	if (survey == 0)
		return;
	pathway_backward(layout, rows->weights, EASQ_SATISFACTION, survey, block->z, block->gate[EASQ_SATISFACTION],
					 block->expert[EASQ_SATISFACTION], rows->s, rows->gradient, shape->r > 0 ? dz : NULL);
	if (shape->r > 0)
	{
		EasqSoftplusBackward((size_t) survey * shape->d, block->h, dz, dz);
		lora_backward(layout, rows->weights, rows->scale, survey, rows->x, block->low, dz, block->dlow, rows->gradient);
	}
}

/* A whole block of n rows by one of the two; the first of them are special. */
static void
by_tiles(void (*tile) (const Rows *rows, int n, int special, const Block *block),
		 const Rows *rows, int n, int special, const Block *block)
{
	for (int start = 0; start < n; start += TILE_ROWS)
	{
		Rows		rest = rows_from(rows, (size_t) start);
		Block		part = block_from(block, &rows->layout->shape, (size_t) start);
		int			some = rows_before(n, start, TILE_ROWS);

		tile(&rest, some, rows_before(special, start, some), &part);
	}
}

static double
mean(int n, const float *x)
{
	double		sum = 0.0;

	for (int i = 0; i < n; i++)
		sum += x[i];
	return n > 0 ? sum / n : 0.0;
}

void
EasqGradient(const EasqLayout *layout, const float *weights, const EasqHyper *hyper,
			 const EasqBatch *batch, float *gradient, float *dx, EasqMetrics *metrics, float *work)
{
	const EasqShape *shape = &layout->shape;
	float		scale = lora_scale(shape, hyper->alpha);
	int			survey_rows = 2 * batch->survey;
	int			rows = survey_rows + 2 * batch->behaviour;
	int			satisfied_rows = EasqAlignsBehaviour(hyper->alignment) ? rows : survey_rows;
	int			step = (int) block_rows(shape, (size_t) rows);
	bool		open[EASQ_PATHWAYS] = {false, false};
	double		dbias[EASQ_PATHWAYS] = {0.0, 0.0};
	float	   *y = work;
	float	   *s = y + rows;
	float	   *dy = s + rows;
	float	   *ds = dy + rows;
	Rows		all = {layout, weights, scale, batch->x, y, s, gradient, dx};
	Rows		back = all;
	Block		block;

	block_init(&block, shape, (size_t) step, ds + rows);
	memset(metrics, 0, sizeof(*metrics));
	memset(dy, 0, 2 * (size_t) rows * sizeof(float));
	memset(gradient + layout->backbone, 0, (layout->adapter) * sizeof(float));
	if (dx != NULL)
		memset(gradient, 0, layout->backbone * sizeof(float));

	for (int start = 0; start < rows; start += step)
	{
		Rows		some = rows_from(&all, (size_t) start);
		int			n = rows_before(rows, start, step);
		int			satisfied = rows_before(satisfied_rows, start, n);

		by_tiles(tile_forward, &some, n, satisfied, &block);
		for (int i = start; batch->offset != NULL && i < start + n; i++)
			y[i] += batch->offset[i];
		for (int p = 0; p < EASQ_PATHWAYS; p++)
			open[p] = open[p] ||
				any_open((size_t) (p == EASQ_MAIN ? n : satisfied) * shape->experts[p], block.gate[p]);
	}
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		metrics->gates_dead[p] = (p == EASQ_MAIN ? rows : satisfied_rows) > 0 && !open[p];
	metrics->satisfaction_rows = satisfied_rows;
	metrics->satisfaction_level = mean(satisfied_rows, s);

	EasqLosses(hyper, batch, y, s, dy, ds, dbias, metrics);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		*at_gradient(layout, gradient, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_BIAS)) = (float) dbias[p];

	back.y = dy;
	back.s = ds;
	for (int start = 0; start < rows; start += step)
	{
		Rows		some = rows_from(&all, (size_t) start);
		Rows		some_back = rows_from(&back, (size_t) start);
		int			n = rows_before(rows, start, step);
		int			survey = rows_before(survey_rows, start, n);

		if (step < rows)
			by_tiles(tile_forward, &some, n, survey, &block);
		by_tiles(tile_backward, &some_back, n, survey, &block);
	}
}

bool
EasqOnlineStep(const EasqLayout *layout, float *weights, EasqAdam *adam,
			   const EasqHyper *hyper, const EasqBatch *batch,
			   EasqMetrics *metrics, float *gradient, float *work)
{
	size_t		backbone = layout->backbone;
	size_t		main = layout->tensor[EASQ_MAIN_GATE_WEIGHT].offset;
	size_t		satisfaction = layout->tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset;
	double		squares_main;
	double		squares_satisfaction;
	const struct
	{
		size_t		from;
		size_t		to;
		const double *norm;
	}			part[] = {
		{backbone, main, &metrics->grad_norm_satisfaction}, /* LoRA */
		{main, satisfaction, &metrics->grad_norm_main},
		{satisfaction, layout->total, &metrics->grad_norm_satisfaction},
	};

	EasqGradient(layout, weights, hyper, batch, gradient, NULL, metrics, work);
	squares_main = EasqSquares(satisfaction - main, gradient + main);
	squares_satisfaction = EasqSquares(main - backbone, gradient + backbone) +
		EasqSquares(layout->total - satisfaction, gradient + satisfaction);
	metrics->grad_norm_main = sqrt(squares_main);
	metrics->grad_norm_satisfaction = sqrt(squares_satisfaction);
	metrics->grad_norm = sqrt(squares_main + squares_satisfaction);

	adam->step++;
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		EasqAdamUpdate(part[i].to - part[i].from, weights + part[i].from, gradient + part[i].from,
					   adam->m + (part[i].from - backbone), adam->v + (part[i].from - backbone),
					   adam->step, hyper->learning_rate, EasqClip(*part[i].norm, hyper->max_grad_norm));

	return isfinite(metrics->loss) && isfinite(metrics->grad_norm) &&
		isfinite(metrics->reward_chosen) && isfinite(metrics->reward_rejected) &&
		EasqAllFinite(layout->total - backbone, weights + backbone) &&
		EasqAllFinite(layout->total - backbone, adam->m) && EasqAllFinite(layout->total - backbone, adam->v);
}

bool
EasqGatesAlive(const EasqLayout *layout, const float *weights, double alpha,
			   EasqPathway pathway, int rows, const float *x, float *work)
{
	const EasqShape *shape = &layout->shape;
	int			step = (int) tile_rows(block_rows(shape, (size_t) rows));
	Block		block;

	block_init(&block, shape, (size_t) step, work);
	for (int start = 0; start < rows; start += step)
	{
		int			n = rows_before(rows, start, step);

		projection_forward(layout, weights, lora_scale(shape, alpha), n, x + (size_t) start * shape->k,
						   block.h, block.z, block.low);
		gate_forward(layout, weights, pathway, n, block.z, block.gate[pathway]);
		if (any_open((size_t) n * shape->experts[pathway], block.gate[pathway]))
			return true;
	}
	return false;
}
