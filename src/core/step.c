/*
 * The step works in blocks of rows, so that its scratch does not grow with
 * the batch: logits of every row first, then the losses, which want all of
 * them, then block by block backward.  A batch of one block keeps what
 * forward computed; a larger one computes it again.
 *
 * Stop-gradients, where each is taken:
 *   main pathway    dz never reaches LoRA, only the backbone and x
 *   satisfaction    dz never reaches the backbone, x or the main pathway
 *   alignment       its reference is a logit without a gradient
 */
#include "core/step.h"

#include <math.h>
#include <string.h>

#include "core/budget.h"
#include "core/kernel.h"
#include "core/loss.h"
#include "core/pathway.h"
#include "core/simd.h"

#define BETA1 0.9
#define BETA2 0.999
#define EPSILON 1e-8
#define AHEAD 4					/* rows of a table that are fetched before their turn */

#define BLOCK_ROWS 8192			/* most rows of a block */
#define BLOCK_ROWS_MIN 32
#define BLOCK_FLOATS ((size_t) 1 << 22) /* what a block of fewer rows is kept under */

typedef struct Block
{
	float	   *h;				/* [n, d] h + h_lora */
	float	   *z;				/* [n, d] */
	float	   *dz;				/* [n, d], then dh */
	float	   *low;			/* [n, r] (alpha / r) x A^T */
	float	   *dlow;			/* [n, r] */
	float	   *gate[EASQ_PATHWAYS];	/* [n, K] */
	float	   *expert[EASQ_PATHWAYS];	/* [n, K m] */
	float	   *mix;			/* [m] */
} Block;

static size_t
row_floats(const EasqShape *shape)
{
	size_t		floats = 3 * (size_t) shape->d + 2 * (size_t) shape->r;

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

/* Logits and their gradients of every row, and one block. */
size_t
EasqGradientWork(const EasqShape *shape, size_t rows)
{
	return 2 * EASQ_PATHWAYS * rows + block_rows(shape, rows) * row_floats(shape) + (size_t) shape->m;
}

static void
block_init(Block *block, const EasqShape *shape, size_t n, float *memory)
{
	block->h = memory;
	block->z = block->h + n * shape->d;
	block->dz = block->z + n * shape->d;
	block->low = block->dz + n * shape->d;
	block->dlow = block->low + n * shape->r;
	memory = block->dlow + n * shape->r;
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		block->gate[p] = memory;
		block->expert[p] = block->gate[p] + n * shape->experts[p];
		memory = block->expert[p] + n * shape->experts[p] * shape->m;
	}
	block->mix = memory;
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
				const float *z, const float *gate, float *expert, float *v, float *mix)
{
	int			K = layout->shape.experts[pathway];
	int			m = layout->shape.m;

	EasqAffine(n, K * m, layout->shape.d, z, at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_EXPERTS_WEIGHT)),
			   at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_EXPERTS_BIAS)), expert);
	EasqMixForward(n, K, m, gate, (size_t) K, expert, (size_t) K * m,
				   at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_OUT_WEIGHT)),
				   *at(layout, weights, EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_OUT_BIAS)), v, mix);
}

/* dv [n] -> the pathway's tensors but out.bias and, unless NULL, dz [n, d]; gate and expert become their gradients */
static void
pathway_backward(const EasqLayout *layout, const float *weights, int pathway, int n,
				 const float *z, float *gate, float *expert, const float *dv,
				 float *gradient, float *dz, float *mix)
{
	const EasqTensorId gate_weight = EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_GATE_WEIGHT);
	const EasqTensorId experts_weight = EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_EXPERTS_WEIGHT);
	const EasqTensorId out_weight = EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_OUT_WEIGHT);
	int			K = layout->shape.experts[pathway];
	int			m = layout->shape.m;
	int			d = layout->shape.d;

	EasqMixBackward(n, K, m, gate, (size_t) K, expert, (size_t) K * m,
					at(layout, weights, out_weight), dv, at_gradient(layout, gradient, out_weight), mix);
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

/* Both pathways' logits; the satisfaction pathway's for the first satisfied rows only. */
static void
block_forward(const EasqLayout *layout, const float *weights, float scale, int n, int satisfied,
			  const float *x, Block *block, float *y, float *s)
{
	projection_forward(layout, weights, scale, n, x, block->h, block->z, block->low);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		int			rows = p == EASQ_MAIN ? n : satisfied;

		gate_forward(layout, weights, p, rows, block->z, block->gate[p]);
		pathway_forward(layout, weights, p, rows,
						block->z, block->gate[p], block->expert[p], p == EASQ_MAIN ? y : s, block->mix);
	}
}

/* Main over all rows, satisfaction over the first survey rows; dx as for EasqGradient. */
static void
block_backward(const EasqLayout *layout, const float *weights, float scale, int n, int survey,
			   const float *x, Block *block, const float *dy, const float *ds, float *gradient, float *dx)
{
	const EasqShape *shape = &layout->shape;
	float	   *dz = block->dz;

	pathway_backward(layout, weights, EASQ_MAIN, n, block->z, block->gate[EASQ_MAIN],
					 block->expert[EASQ_MAIN], dy, gradient, dx != NULL ? dz : NULL, block->mix);
	if (dx != NULL)
	{
		EasqSoftplusBackward((size_t) n * shape->d, block->h, dz, dz);
		backbone_backward(layout, weights, n, x, dz, gradient, dx);
	}
	if (survey == 0)
		return;
	pathway_backward(layout, weights, EASQ_SATISFACTION, survey, block->z, block->gate[EASQ_SATISFACTION],
					 block->expert[EASQ_SATISFACTION], ds, gradient, shape->r > 0 ? dz : NULL, block->mix);
	if (shape->r > 0)
	{
		EasqSoftplusBackward((size_t) survey * shape->d, block->h, dz, dz);
		lora_backward(layout, weights, scale, survey, x, block->low, dz, block->dlow, gradient);
	}
}

/* Share of pairs whose first row has the higher logit, equal ones half. */
static double
pair_accuracy(int n, const float *hi, const float *lo)
{
	double		right = 0.0;

	for (int i = 0; i < n; i++)
		right += EasqPairRight(hi[i], lo[i]);
	return n > 0 ? right / n : 0.0;
}

/* A batch's weights, NULL where they are all equal: the same bits as without. */
static const float *
uneven(const EasqBatch *batch)
{
	if (batch->weight != NULL)
		for (int i = 1; i < batch->survey; i++)
			if (batch->weight[i] != batch->weight[0])
				return batch->weight;
	return NULL;
}

/* Losses of all rows, the gradients of their logits and of the pathways' last biases. */
static void
losses(const EasqHyper *hyper, const EasqBatch *batch, const float *y, const float *s,
	   float *dy, float *ds, double *dbias, EasqMetrics *metrics)
{
	int			survey = batch->survey;
	int			behaviour = batch->behaviour;
	int			tested = batch->tested > 0 ? batch->tested : survey;
	const float *share = uneven(batch);
	const float *yb = y + 2 * survey;
	const float *sb = s + 2 * survey;
	float	   *dyb = dy + 2 * survey;
	bool		by_distil = hyper->alignment == EASQ_DISTIL;

	metrics->accuracy[EASQ_MAIN] = pair_accuracy(tested, y, y + survey);
	metrics->accuracy[EASQ_SATISFACTION] = pair_accuracy(tested, s, s + survey);
	if (batch->kept != NULL)
		metrics->loss_main = EasqKeepLoss(behaviour, yb, batch->kept, 1.0, dyb);
	else
		metrics->loss_main = EasqPairwiseLoss(behaviour, yb, yb + behaviour, NULL, hyper->pairwise,
											  1.0, dyb, dyb + behaviour, &dbias[EASQ_MAIN]);
	if (batch->pull != NULL)
		memcpy(batch->pull, dyb, 2 * (size_t) behaviour * sizeof(float));
	metrics->loss_satisfaction = EasqPairwiseLoss(survey, s, s + survey, share, hyper->pairwise,
												  hyper->lambda1, ds, ds + survey, &dbias[EASQ_SATISFACTION]);
	/* the rewards are reported whatever aligns */
	metrics->loss_alignment = EasqDpoLoss(survey, y, y + survey, s, s + survey, share, hyper->beta, hyper->anchor,
										  by_distil ? 0.0 : hyper->lambda2, dy, dy + survey, &dbias[EASQ_MAIN], metrics);
	if (by_distil)
		metrics->loss_alignment = EasqDistilLoss(behaviour, yb, sb, hyper->lambda2, dyb);
	metrics->loss = metrics->loss_main + hyper->lambda1 * metrics->loss_satisfaction +
		hyper->lambda2 * metrics->loss_alignment;
}

void
EasqGradient(const EasqLayout *layout, const float *weights, const EasqHyper *hyper,
			 const EasqBatch *batch, float *gradient, float *dx, EasqMetrics *metrics, float *work)
{
	const EasqShape *shape = &layout->shape;
	float		scale = lora_scale(shape, hyper->alpha);
	int			survey_rows = 2 * batch->survey;
	int			rows = survey_rows + 2 * batch->behaviour;
	int			satisfied_rows = hyper->alignment == EASQ_DISTIL ? rows : survey_rows;
	int			step = (int) block_rows(shape, (size_t) rows);
	bool		open[EASQ_PATHWAYS] = {false, false};
	double		dbias[EASQ_PATHWAYS] = {0.0, 0.0};
	float	   *y = work;
	float	   *s = y + rows;
	float	   *dy = s + rows;
	float	   *ds = dy + rows;
	Block		block;

	block_init(&block, shape, (size_t) step, ds + rows);
	memset(metrics, 0, sizeof(*metrics));
	memset(dy, 0, 2 * (size_t) rows * sizeof(float));
	memset(gradient + layout->backbone, 0, (layout->adapter) * sizeof(float));
	if (dx != NULL)
		memset(gradient, 0, layout->backbone * sizeof(float));

	for (int start = 0; start < rows; start += step)
	{
		int			n = rows_before(rows, start, step);
		int			satisfied = rows_before(satisfied_rows, start, n);

		block_forward(layout, weights, scale, n, satisfied,
					  batch->x + (size_t) start * shape->k, &block, y + start, s + start);
		for (int i = 0; batch->offset != NULL && i < n; i++)
			y[start + i] += batch->offset[start + i];
		for (int p = 0; p < EASQ_PATHWAYS; p++)
			open[p] = open[p] ||
				any_open((size_t) (p == EASQ_MAIN ? n : satisfied) * shape->experts[p], block.gate[p]);
	}
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		metrics->gates_dead[p] = (p == EASQ_MAIN ? rows : satisfied_rows) > 0 && !open[p];

	losses(hyper, batch, y, s, dy, ds, dbias, metrics);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		*at_gradient(layout, gradient, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_BIAS)) = (float) dbias[p];

	for (int start = 0; start < rows; start += step)
	{
		int			n = rows_before(rows, start, step);
		int			survey = rows_before(survey_rows, start, n);
		const float *x = batch->x + (size_t) start * shape->k;

		if (step < rows)
			block_forward(layout, weights, scale, n, survey, x, &block, y + start, s + start);
		block_backward(layout, weights, scale, n, survey, x, &block, dy + start, ds + start,
					   gradient, dx != NULL ? dx + (size_t) start * shape->k : NULL);
	}
}

typedef struct Adam
{
	float		clip;
	float		rate;
	float		first;			/* bias corrections */
	float		second;
} Adam;

static Adam
adam_at(int64_t step, double learning_rate, double clip)
{
	return (Adam) {(float) clip, (float) learning_rate,
		(float) (1.0 / (1.0 - pow(BETA1, (double) step))), (float) (1.0 / (1.0 - pow(BETA2, (double) step)))};
}

EASQ_INLINE void
adam(Adam at, size_t n, float *restrict w, const float *restrict g, float *restrict m, float *restrict v)
{
	for (size_t i = 0; i < n; i++)
	{
		float		gi = g[i] * at.clip;

		m[i] = (float) BETA1 * m[i] + (float) (1.0 - BETA1) * gi;
		v[i] = (float) BETA2 * v[i] + (float) (1.0 - BETA2) * gi * gi;
		w[i] -= at.rate * (m[i] * at.first) / (sqrtf(v[i] * at.second) + (float) EPSILON);
	}
}

EASQ_CLONES static void
adam_block(Adam at, size_t n, float *w, const float *g, float *m, float *v)
{
	adam(at, n, w, g, m, v);
}

EASQ_CLONES static void
adam_rows(Adam at, size_t count, size_t dim, const int64_t *row, float *w, const float *g, float *m, float *v)
{
	for (size_t i = 0; i < count; i++, g += dim)
	{
		size_t		place = (size_t) row[i] * dim;

		/* rows lie anywhere in the table */
		if (i + AHEAD < count)
		{
			size_t		next = (size_t) row[i + AHEAD] * dim;

			EASQ_PREFETCH(w + next);
			EASQ_PREFETCH(m + next);
			EASQ_PREFETCH(v + next);
		}
		adam(at, dim, w + place, g, m + place, v + place);
	}
}

void
EasqAdamUpdate(size_t n, float *w, const float *g, float *m, float *v,
			   int64_t step, double learning_rate, double clip)
{
	adam_block(adam_at(step, learning_rate, clip), n, w, g, m, v);
}

void
EasqAdamUpdateRows(size_t count, size_t dim, const int64_t *row, float *w, const float *gradient,
				   float *m, float *v, int64_t step, double learning_rate, double clip)
{
	adam_rows(adam_at(step, learning_rate, clip), count, dim, row, w, gradient, m, v);
}

double
EasqClip(double norm, double max_norm)
{
	double		factor = max_norm / (norm + 1e-6);

	return factor < 1.0 ? factor : 1.0;
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
	int			step = (int) block_rows(shape, (size_t) rows);
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
