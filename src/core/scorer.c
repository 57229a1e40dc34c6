#include "core/scorer.h"

#include <stdint.h>
#include <string.h>

#include "core/kernel.h"
#include "core/panel.h"
#include "core/tick.h"

/* Most rows of one pass through both products: what is between them stays in the cache. */
#define PASS_ROWS 96
#define PASS_ROWS_MIN 8
#define PASS_FLOATS ((size_t) 1 << 22)	/* what a pass of fewer rows is kept under */
/* Inputs that a panel's slice has in one go, so that it stays in the first-level cache. */
#define SLICE 256

/* Fewest rows, and fewest inputs side by side, for which a product of what they share is worth its call. */
#define SHARED_ROWS 8
#define SHARED_RUN 8

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
	return floats;
}

/* F = W0 + (alpha / r) B A [d, k], packed: each panel of F, transposed, is A^T times a panel of B. */
static void
pack_projection(const EasqLayout *layout, const float *weights, float alpha, float *packed)
{
	const EasqShape *shape = &layout->shape;
	int			r = shape->r;
	const float *A = weights + layout->tensor[EASQ_LORA_A].offset;
	const float *B = weights + layout->tensor[EASQ_LORA_B].offset;
	float		scale = r > 0 ? alpha / (float) r : 0.0f;
	float		panel[EASQ_MAX_RANK * EASQ_PANEL];

	EasqPanelPack(shape->d, shape->k, weights + layout->tensor[EASQ_BACKBONE_WEIGHT].offset, 0, packed);
	for (int first = 0; first < shape->d && r > 0; first += EASQ_PANEL, B += r * EASQ_PANEL)
	{
		int			cols = shape->d - first < EASQ_PANEL ? shape->d - first : EASQ_PANEL;

		memset(panel, 0, (size_t) r * EASQ_PANEL * sizeof(float));
		EasqPanelPack(cols, r, B, 0, panel);
		for (int i = 0; i < r * EASQ_PANEL; i++)
			panel[i] *= scale;
		EasqLevelInUse()->panel(shape->k, false, r, A, 1, (size_t) shape->k, panel, packed, EASQ_PANEL, packed, EASQ_PANEL);
		packed += (size_t) shape->k * EASQ_PANEL;
	}
}

static void
copy(float *to, const EasqLayout *layout, const float *weights, EasqTensorId id)
{
	memcpy(to, weights + layout->tensor[id].offset, layout->tensor[id].count * sizeof(float));
}

void
EasqScorerOpen(EasqScorer *scorer, const EasqLayout *layout, const float *weights, const float *memory)
{
	const EasqShape *shape = &layout->shape;
	const float *end = align((float *) memory);

	scorer->shape = *shape;
	scorer->level = EasqLevelInUse();
	scorer->projection = end;
	end += EasqPanelFloats(shape->d, shape->k);
	scorer->projection_bias = end;
	end += EasqPanelColumns(shape->d);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		scorer->stacked[p] = end;
		end += EasqPanelFloats(stacked_rows(shape, p), shape->d);
		scorer->stacked_bias[p] = end;
		end += EasqPanelColumns(stacked_rows(shape, p));
		scorer->out[p] = end;
		end += out_floats(shape);
		scorer->out_bias[p] = weights[layout->tensor[EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_BIAS)].offset];
	}
}

void
EasqScorerPack(EasqScorer *scorer, const EasqLayout *layout, const float *weights,
			   float alpha, float *memory)
{
	const EasqShape *shape = &layout->shape;

	EasqScorerOpen(scorer, layout, weights, memory);
	memset(memory, 0, EasqScorerFloats(layout) * sizeof(float));
	pack_projection(layout, weights, alpha, (float *) scorer->projection);
	copy((float *) scorer->projection_bias, layout, weights, EASQ_BACKBONE_BIAS);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		int			units = shape->experts[p] * shape->m;
		float	   *stacked = (float *) scorer->stacked[p];
		float	   *bias = (float *) scorer->stacked_bias[p];
		EasqTensorId gate = EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_WEIGHT);
		EasqTensorId experts = EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_EXPERTS_WEIGHT);

		EasqPanelPack(units, shape->d, weights + layout->tensor[experts].offset, 0, stacked);
		EasqPanelPack(shape->experts[p], shape->d, weights + layout->tensor[gate].offset, units, stacked);
		copy(bias, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_EXPERTS_BIAS));
		copy(bias + units, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_BIAS));
		copy((float *) scorer->out[p], layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_WEIGHT));
	}
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
	return LINE_FLOATS + (size_t) EasqPanelColumns(shape->d) + (size_t) pass_rows(shape, rows) * row_floats(shape) +
		(size_t) shape->k;
}

/* y [rows, cols] = start + x [rows] weight^T over inputs from to to; start as in EasqLevel. */
static void
multiply(const EasqLevel *level, int rows, int cols, int inner, int from, int to,
		 const float *x, size_t x_stride, const float *weight,
		 const float *start, size_t start_stride, float *y)
{
	size_t		columns = (size_t) EasqPanelColumns(cols);

	for (; from < to; from += SLICE)
	{
		level->product(rows, cols, to - from < SLICE ? to - from : SLICE,
					   x + from, x_stride, weight + (size_t) from * EASQ_PANEL, (size_t) inner * EASQ_PANEL,
					   start, start_stride, y, columns);
		start = y;
		start_stride = columns;
	}
}

/* varies |= the bits in which two rows differ */
static void
mark(int k, const float *x, const float *other, uint32_t *restrict varies)
{
	for (int j = 0; j < k; j++)
	{
		uint32_t	a;
		uint32_t	b;

		memcpy(&a, &x[j], sizeof(a));
		memcpy(&b, &other[j], sizeof(b));
		varies[j] |= a ^ b;
	}
}

/*
 * From bits that differ to all bits or none; true: some are shared.  Only inputs at the start are shared: so each sum is taken in the
 * order of the inputs, and a row gets the same score whatever its neighbours are.  A few are not worth a product of
 * their own.
 */
static bool
settle(int k, uint32_t *varies)
{
	int			shared = 0;

	while (shared < k && varies[shared] == 0)
		shared++;
	if (shared < SHARED_RUN)
		shared = 0;
	memset(varies + shared, ~0, (size_t) (k - shared) * sizeof(uint32_t));
	return shared > 0;
}

/* y [rows, d] = start + the part of the projection whose inputs vary (varying), or do not. */
static void
project(const EasqScorer *scorer, int rows, const float *x, const uint32_t *varies, bool varying,
		const float *start, float *y)
{
	int			k = scorer->shape.k;
	size_t		hidden = (size_t) EasqPanelColumns(scorer->shape.d);
	size_t		start_stride = 0;

	for (int from = 0, to; from < k; from = to)
	{
		for (to = from + 1; to < k && varies[to] == varies[from]; to++)
			;
		if ((varies[from] != 0) != varying)
			continue;
		multiply(scorer->level, rows, scorer->shape.d, k, from, to, x, (size_t) k, scorer->projection, start, start_stride, y);
		start = y;
		start_stride = hidden;
	}
	if (start != y)
		EasqFillRows(rows, (int) hidden, start, y, hidden);
}

/* What follows softplus of the projection, z [rows, d] -> logits v [rows]; rest is scratch. */
static void
finish(const EasqScorer *scorer, EasqPathway pathway, int rows, const float *z, float *v, float *rest)
{
	const EasqShape *shape = &scorer->shape;
	const EasqLevel *level = scorer->level;
	size_t		hidden = (size_t) EasqPanelColumns(shape->d);
	size_t		stride = (size_t) EasqPanelColumns(stacked_rows(shape, pathway));

	multiply(level, rows, stacked_rows(shape, pathway), shape->d, 0, shape->d, z, hidden,
			 scorer->stacked[pathway], scorer->stacked_bias[pathway], 0, rest);
	level->mix(rows, shape->experts[pathway], shape->m, rest + (size_t) shape->experts[pathway] * shape->m, stride,
			   rest, stride, scorer->out[pathway], scorer->out_bias[pathway], v);
}

/* Logits of the pathways that logit has room for; offset is added to those of the first of them. */
static void
logit_rows(const EasqScorer *scorer, int rows, const float *x, const float *offset, float *const *logit, float *work)
{
	const EasqShape *shape = &scorer->shape;
	int			k = shape->k;
	size_t		hidden = (size_t) EasqPanelColumns(shape->d);
	float	   *base = align(work);
	float	   *z = base + hidden;
	float	   *first = logit[EASQ_MAIN] ? logit[EASQ_MAIN] : logit[EASQ_SATISFACTION];
	uint32_t   *varies = (uint32_t *) (z + (size_t) pass_rows(shape, rows) * row_floats(shape));
	int			pass;

	for (int start = 0; start < rows; start += pass, x += (size_t) pass * k)
	{
		const float *from = scorer->projection_bias;

		EasqTick();
		pass = pass_rows(shape, rows - start);
		memset(varies, pass < SHARED_ROWS ? ~0 : 0, (size_t) k * sizeof(uint32_t));
		for (int row = 1; row < pass; row++)
			mark(k, x, x + (size_t) row * k, varies);
		if (settle(k, varies))
		{
			project(scorer, 1, x, varies, false, from, base);
			from = base;
		}
		project(scorer, pass, x, varies, true, from, z);
		scorer->level->softplus((size_t) pass * hidden, z, z);
		for (int p = 0; p < EASQ_PATHWAYS; p++)
			if (logit[p])
				finish(scorer, (EasqPathway) p, pass, z, logit[p] + start, z + (size_t) pass * hidden);
		for (int row = start; offset != NULL && row < start + pass; row++)
			first[row] += offset[row];
	}
}

void
EasqLogitRows(const EasqScorer *scorer, EasqPathway pathway, int rows,
			  const float *x, const float *offset, float *logit, float *work)
{
	float	   *logits[EASQ_PATHWAYS] = {NULL};

	logits[pathway] = logit;
	logit_rows(scorer, rows, x, offset, logits, work);
}

void
EasqLogitRowsBoth(const EasqScorer *scorer, int rows, const float *x, const float *offset,
				  float *main, float *satisfaction, float *work)
{
	float	   *logits[EASQ_PATHWAYS] = {[EASQ_MAIN] = main, [EASQ_SATISFACTION] = satisfaction};

	logit_rows(scorer, rows, x, offset, logits, work);
}

void
EasqScoresOfLogits(const EasqScorer *scorer, int rows, float *v)
{
	scorer->level->softplus((size_t) rows, v, v);
	for (int i = 0; i < rows; i++)
		v[i] = v[i] < EASQ_SCORE_MIN ? EASQ_SCORE_MIN : v[i];
}

void
EasqScoreRows(const EasqScorer *scorer, EasqPathway pathway, int rows,
			  const float *x, const float *offset, float *score, float *work)
{
	EasqLogitRows(scorer, pathway, rows, x, offset, score, work);
	EasqScoresOfLogits(scorer, rows, score);
}

size_t
EasqSharedFloats(const EasqShape *shape)
{
	return LINE_FLOATS + (size_t) EasqPanelColumns(shape->d) + 2 * (size_t) shape->k;
}

void
EasqSharedInit(EasqShared *shared, const EasqShape *shape, float *memory)
{
	shared->base = align(memory);
	shared->x = shared->base + EasqPanelColumns(shape->d);
	shared->varies = (uint32_t *) (shared->x + shape->k);
	shared->has_row = false;
	shared->has_base = false;
}

/* Is the row the same as the last one in all that base stands for? */
static bool
fits(const EasqShared *shared, int k, const float *x)
{
	uint32_t	differs = 0;

	for (int j = 0; j < k; j++)
	{
		uint32_t	a;
		uint32_t	b;

		memcpy(&a, &x[j], sizeof(a));
		memcpy(&b, &shared->x[j], sizeof(b));
		differs |= (a ^ b) & ~shared->varies[j];
	}
	return differs == 0;
}

/* softplus of a row's projection, aligned, at the start of work; scratch follows. */
static float *
project_next(const EasqScorer *scorer, EasqShared *shared, const float *x, float *work)
{
	int			k = scorer->shape.k;
	float	   *z = align(work);

	if (!shared->has_base || !fits(shared, k, x))
	{
		memset(shared->varies, shared->has_row ? 0 : ~0, (size_t) k * sizeof(uint32_t));
		if (shared->has_row)
			mark(k, x, shared->x, shared->varies);
		shared->has_base = settle(k, shared->varies);
		if (shared->has_base)
			project(scorer, 1, x, shared->varies, false, scorer->projection_bias, shared->base);
	}
	memcpy(shared->x, x, (size_t) k * sizeof(float));
	shared->has_row = true;
	project(scorer, 1, x, shared->varies, true, shared->has_base ? shared->base : scorer->projection_bias, z);
	scorer->level->softplus((size_t) EasqPanelColumns(scorer->shape.d), z, z);
	return z;
}

void
EasqLogitNextBoth(const EasqScorer *scorer, EasqShared *shared, const float *x, float offset,
				  float *main, float *satisfaction, float *work)
{
	size_t		hidden = (size_t) EasqPanelColumns(scorer->shape.d);
	float	   *z = project_next(scorer, shared, x, work);

	finish(scorer, EASQ_MAIN, 1, z, main, z + hidden);
	finish(scorer, EASQ_SATISFACTION, 1, z, satisfaction, z + hidden);
	*main += offset;
}

float
EasqScoreNext(const EasqScorer *scorer, EasqPathway pathway, EasqShared *shared, const float *x, float offset,
			  float *work)
{
	float	   *z = project_next(scorer, shared, x, work);
	float		score;

	finish(scorer, pathway, 1, z, &score, z + EasqPanelColumns(scorer->shape.d));
	score += offset;
	EasqScoresOfLogits(scorer, 1, &score);
	return score;
}
