#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernel.h"
#include "core/step.h"

#include "check.h"
#include "fixture.h"
#include "naive.h"
#include "tests.h"

/*
 * Gradients against central differences of the double model, whose detached
 * parts do not move: so this is the test of the gradients' routing, too.
 */
static void
compare_gradients(const EasqLayout *layout, const EasqHyper *hyper, int survey, int behaviour,
				  const float *weight, bool keeps, uint64_t seed)
{
	int			k = layout->shape.k;
	int			rows = 2 * (survey + behaviour);
	size_t		total = layout->total;
	float	   *w = test_weights(layout, seed);
	float	   *x = allocate((size_t) rows * k, sizeof(float));
	float	   *dx = allocate((size_t) rows * k, sizeof(float));
	float	   *gradient = allocate(total, sizeof(float));
	float	   *without_dx = allocate(total, sizeof(float));
	float	   *work = allocate(EasqGradientWork(&layout->shape, (size_t) rows), sizeof(float));
	double	   *wd = allocate(total, sizeof(double));
	double	   *w0 = allocate(total, sizeof(double));
	double	   *xd = allocate((size_t) rows * k, sizeof(double));
	double	   *x0 = allocate((size_t) rows * k, sizeof(double));
	double		s0[NAIVE_ROWS];
	float		kept[NAIVE_ROWS];
	float		offset[NAIVE_ROWS];
	EasqBatch	batch = {.survey = survey, .behaviour = behaviour, .x = x, .kept = keeps ? kept : NULL, .weight = weight,
	.offset = seed % 3 == 0 ? offset : NULL};
	EasqMetrics metrics;
	NaiveLoss	loss;
	const double step = 1e-5;

	fill_normal_floats(seed + 1, (size_t) rows * k, x);
	fill_normal_floats(seed + 2, (size_t) 2 * behaviour, kept);
	fill_normal_floats(seed + 3, (size_t) rows, offset);
	for (size_t i = 0; i < total; i++)
		wd[i] = w0[i] = w[i];
	for (int i = 0; i < rows * k; i++)
		xd[i] = x0[i] = x[i];
	for (int i = 0; i < rows; i++)
		s0[i] = naive_logit(layout, EASQ_SATISFACTION, hyper->alpha, w0, w0, x0 + i * k, w0, x0 + i * k);

	/* what is in the arrays before must not show */
	for (size_t i = 0; i < total; i++)
		gradient[i] = without_dx[i] = NAN;
	for (int i = 0; i < rows * k; i++)
		dx[i] = NAN;
	EasqGradient(layout, w, hyper, &batch, without_dx, NULL, &metrics, work);
	EasqGradient(layout, w, hyper, &batch, gradient, dx, &metrics, work);

	loss = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
	check_near(metrics.loss, loss.main + loss.satisfaction, 1e-5 * fabs(metrics.loss) + 1e-6, "loss");
	for (size_t i = 0; i < total; i++)
		check(i < layout->backbone ? isnan(without_dx[i]) : without_dx[i] == gradient[i],
			  "without dx: the same, and the backbone's part left alone");

	for (int t = 0; t < EASQ_TENSORS; t++)
	{
		const EasqTensor *tensor = &layout->tensor[t];
		double		size = 0.0;

		for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
			size = fmax(size, fabs(gradient[i]));
		for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
		{
			NaiveLoss	up;
			NaiveLoss	down;

			wd[i] = w0[i] + step;
			up = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
			wd[i] = w0[i] - step;
			down = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
			wd[i] = w0[i];
			check_near(gradient[i], (up.main - down.main + up.satisfaction - down.satisfaction) / (2.0 * step),
					   1e-4 * size + 1e-7, tensor->name);
		}
	}
	for (int i = 0; i < rows * k; i++)
	{
		NaiveLoss	up;
		NaiveLoss	down;

		xd[i] = x0[i] + step;
		up = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
		xd[i] = x0[i] - step;
		down = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
		xd[i] = x0[i];
		check_near(dx[i], (up.main - down.main) / (2.0 * step), 1e-4 * fabs(dx[i]) + 1e-5, "dx");
	}
	free(w);
	free(x);
	free(dx);
	free(gradient);
	free(without_dx);
	free(work);
	free(wd);
	free(w0);
	free(xd);
	free(x0);
}

static void
test_finite_differences(void)
{
	EasqLayout	layout;
	const int	pairs[][2] = {{3, 4}, {2, 5}, {0, 3}, {3, 0}, {1, 1}};
	const float weight[] = {0.25f, 3.0f, 0.7f};
	uint64_t	seed = 100;

	for (int r = 0; r < 2; r++)
	{
		init_layout(&layout, 3, 6, 5, r ? 2 : 0, 3, 2);
		for (int alignment = 0; alignment < 2; alignment++)
			for (int pairwise = 0; pairwise < 2; pairwise++)
				for (size_t p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++)
				{
					EasqHyper	hyper = {4.0, 0.7, 0.6, 1.7, pairwise ? 0.8 : 0.0, 1e-3, 1.0, alignment, pairwise};

					for (int keeps = 0; keeps < 2; keeps++)
					{
						compare_gradients(&layout, &hyper, pairs[p][0], pairs[p][1], NULL, keeps, seed++);
						compare_gradients(&layout, &hyper, pairs[p][0], pairs[p][1], weight, keeps, seed++);
					}
				}
	}
	end_group("gradients, finite differences");
}

/* Weights of pairs of answers: equal ones change no bit, others are what repeating a pair does. */
static void
test_weights_of_pairs(void)
{
	const int	survey = 4;
	const int	behaviour = 3;
	const float equal[] = {0.3f, 0.3f, 0.3f, 0.3f};
	const float thrice[] = {0.5f, 0.5f, 1.5f, 0.5f};
	EasqLayout	layout;
	EasqMetrics metrics;
	EasqMetrics other_metrics;
	float		x[2 * (4 + 3) * 4];
	float		repeated[2 * (6 + 3) * 4];
	float	   *w;
	float	   *gradient;
	float	   *other;
	float	   *work;

	init_layout(&layout, 4, 7, 6, 2, 3, 2);
	w = test_weights(&layout, 57);
	gradient = allocate(layout.total, sizeof(float));
	other = allocate(layout.total, sizeof(float));
	work = allocate(EasqGradientWork(&layout.shape, 2 * (6 + 3)), sizeof(float));
	fill_normal_floats(58, sizeof(x) / sizeof(x[0]), x);
	/* the third pair three times: rows 0 1 2 2 2 3 of either half */
	for (int half = 0; half < 2; half++)
		for (int i = 0; i < 6; i++)
			memcpy(repeated + (half * 6 + i) * 4, x + (half * survey + (i < 2 ? i : i < 5 ? 2 : 3)) * 4, 4 * sizeof(float));
	memcpy(repeated + 2 * 6 * 4, x + 2 * survey * 4, 2 * (size_t) behaviour * 4 * sizeof(float));
	for (int alignment = 0; alignment < 2; alignment++)
	{
		EasqHyper	hyper = {8.0, 0.7, 0.7, 1.3, 0.4, 1e-3, 1.0, alignment, EASQ_ON_SCORE};
		EasqBatch	batch = {.survey = survey, .behaviour = behaviour, .x = x};
		EasqBatch	long_batch = {.survey = 6, .behaviour = behaviour, .x = repeated};

		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		batch.weight = equal;
		EasqGradient(&layout, w, &hyper, &batch, other, NULL, &other_metrics, work);
		check(memcmp(gradient + layout.backbone, other + layout.backbone,
					 (layout.total - layout.backbone) * sizeof(float)) == 0, "equal weights: the same gradient");
		check(metrics.loss == other_metrics.loss, "equal weights: the same loss");
		batch.weight = thrice;
		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		EasqGradient(&layout, w, &hyper, &long_batch, other, NULL, &other_metrics, work);
		check_near(metrics.loss_satisfaction, other_metrics.loss_satisfaction, 1e-6, "a weight of three: satisfaction");
		check_near(metrics.loss_alignment, other_metrics.loss_alignment, 1e-6, "a weight of three: alignment");
		for (size_t i = layout.backbone; i < layout.total; i++)
			check_near(gradient[i], other[i], 1e-5 * fabs(other[i]) + 1e-6, "a weight of three: gradient");
	}
	free(w);
	free(gradient);
	free(other);
	free(work);
	end_group("weights of pairs");
}

/* Routing once more, and exactly: what may not be reached is 0 to the last bit. */
static void
test_routing(void)
{
	EasqLayout	layout;
	EasqMetrics metrics;
	float		x[16 * 4];
	float		dx[16 * 4];
	float	   *w;
	float	   *gradient;
	float	   *other;
	float	   *work;
	EasqBatch	batch = {.survey = 3, .behaviour = 5, .x = x};
	size_t		main;
	size_t		satisfaction;

	init_layout(&layout, 4, 7, 6, 2, 3, 2);
	main = layout.tensor[EASQ_MAIN_GATE_WEIGHT].offset;
	satisfaction = layout.tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset;
	w = test_weights(&layout, 55);
	gradient = allocate(layout.total, sizeof(float));
	other = allocate(layout.total, sizeof(float));
	work = allocate(EasqGradientWork(&layout.shape, 16), sizeof(float));
	fill_normal_floats(56, 16 * 4, x);
	for (int alignment = 0; alignment < 2; alignment++)
	{
		EasqHyper	hyper = {8.0, 1.0, 0.0, 1.0, 1.0, 1e-3, 1.0, alignment, EASQ_ON_SCORE};
		bool		quiet = true;

		/* without the satisfaction loss, nothing of it or of LoRA moves */
		EasqGradient(&layout, w, &hyper, &batch, gradient, dx, &metrics, work);
		for (size_t i = layout.backbone; i < layout.total; i++)
			if (i < main || i >= satisfaction)
				quiet = quiet && gradient[i] == 0.0f;
		check(quiet, "the main loss and the alignment reach neither LoRA nor satisfaction.*");
		check(EasqSquares(satisfaction - main, gradient + main) > 0.0, "they reach main.*");
		check(EasqSquares(layout.backbone, gradient) > 0.0, "they reach the backbone");
		check(EasqSquares(16 * 4, dx) > 0.0, "they reach x");

		/* the satisfaction loss changes nothing of main.*, backbone and x */
		memcpy(other, gradient, layout.total * sizeof(float));
		hyper.lambda1 = 3.0;
		EasqGradient(&layout, w, &hyper, &batch, gradient, dx, &metrics, work);
		check(memcmp(gradient, other, layout.backbone * sizeof(float)) == 0 &&
			  memcmp(gradient + main, other + main, (satisfaction - main) * sizeof(float)) == 0,
			  "the satisfaction loss reaches neither main.* nor the backbone");
		check(EasqSquares(main - layout.backbone, gradient + layout.backbone) > 0.0 &&
			  EasqSquares(layout.total - satisfaction, gradient + satisfaction) > 0.0,
			  "it reaches LoRA and satisfaction.*");
	}
	/* on logits the losses do not know where 0 is: exactly no gradient for the last bias */
	for (int alignment = 0; alignment < 2; alignment++)
	{
		EasqHyper	hyper = {8.0, 1.0, 0.7, 1.3, 0.0, 1e-3, 1.0, alignment, EASQ_ON_LOGIT};

		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		check(gradient[layout.tensor[EASQ_SATISFACTION_OUT_BIAS].offset] == 0.0f, "satisfaction.out.bias, on logits");
		check((gradient[layout.tensor[EASQ_MAIN_OUT_BIAS].offset] == 0.0f) == (alignment == EASQ_DISTIL),
			  "main.out.bias, on logits");
	}
	free(w);
	free(gradient);
	free(other);
	free(work);
	end_group("routing of gradients");
}

/* A batch of several blocks: the mean of its parts, which fit in one. */
static void
test_large_batch(void)
{
	EasqLayout	layout;
	const int	survey = 3000;
	const int	behaviour = 6000;
	const int	part = 1000;
	const int	k = 3;
	const int	rows = 2 * (survey + behaviour);
	float	   *w;
	float	   *gradient;
	float	   *piece;
	float	   *x = allocate((size_t) rows * k, sizeof(float));
	float	   *px = allocate((size_t) 2 * part * k, sizeof(float));
	float	   *dx = allocate((size_t) rows * k, sizeof(float));
	float	   *pdx = allocate((size_t) 2 * part * k, sizeof(float));
	float	   *work;
	double	   *sum;

	init_layout(&layout, k, 6, 4, 2, 2, 2);
	w = test_weights(&layout, 71);
	gradient = allocate(layout.total, sizeof(float));
	piece = allocate(layout.total, sizeof(float));
	sum = allocate(layout.total, sizeof(double));
	work = allocate(EasqGradientWork(&layout.shape, (size_t) rows), sizeof(float));
	fill_normal_floats(72, (size_t) rows * k, x);
	for (int alignment = 0; alignment < 2; alignment++)
	{
		EasqHyper	hyper = {8.0, 1.0, 0.5, 1.5, 0.5, 1e-3, 1.0, alignment, EASQ_ON_LOGIT};
		EasqBatch	batch = {.survey = survey, .behaviour = behaviour, .x = x};
		EasqMetrics metrics;
		EasqMetrics of_piece;
		double		loss = 0.0;
		double		size = 0.0;

		memset(sum, 0, layout.total * sizeof(double));
		EasqGradient(&layout, w, &hyper, &batch, gradient, dx, &metrics, work);
		for (int kind = 0; kind < 2; kind++)
		{
			int			n = kind ? behaviour : survey;
			const float *from = x + (kind ? (size_t) 2 * survey * k : 0);
			const float *dfrom = dx + (kind ? (size_t) 2 * survey * k : 0);

			for (int start = 0; start < n; start += part)
			{
				EasqBatch	small = {.survey = kind ? 0 : part, .behaviour = kind ? part : 0, .x = px};
				double		share = (double) part / n;
				size_t		half = (size_t) part * k;

				memcpy(px, from + (size_t) start * k, half * sizeof(float));
				memcpy(px + half, from + (size_t) (n + start) * k, half * sizeof(float));
				EasqGradient(&layout, w, &hyper, &small, piece, pdx, &of_piece, work);
				loss += share * of_piece.loss;
				for (size_t i = 0; i < layout.total; i++)
					sum[i] += share * piece[i];
				for (size_t i = 0; i < half; i += 97)
				{
					check_near(dfrom[(size_t) start * k + i], share * pdx[i], 2e-8, "dx of a large batch");
					check_near(dfrom[(size_t) (n + start) * k + i], share * pdx[half + i], 2e-8, "dx of a large batch");
				}
			}
		}
		check_near(metrics.loss, loss, 1e-5, "loss of a large batch");
		for (size_t i = 0; i < layout.total; i++)
			size = fmax(size, fabs(sum[i]));
		for (size_t i = 0; i < layout.total; i++)
			check_near(gradient[i], sum[i], 1e-5 * size + 1e-7, "gradient of a large batch");
	}
	/* main gates that only the first row of the first block opens */
	{
		EasqHyper	hyper = {8.0, 1.0, 0.5, 1.5, 0.5, 1e-3, 1.0, EASQ_DPO, EASQ_ON_LOGIT};
		EasqBatch	batch = {.survey = survey, .behaviour = behaviour, .x = x};
		EasqMetrics metrics;

		for (int i = 0; i < 2; i++)
			w[layout.tensor[EASQ_MAIN_GATE_BIAS].offset + i] = -100.0f;
		for (int i = 0; i < 2 * 6; i++)
			w[layout.tensor[EASQ_MAIN_GATE_WEIGHT].offset + i] = 1.0f;
		for (int i = 0; i < 6; i++)
			w[layout.tensor[EASQ_BACKBONE_WEIGHT].offset + i * k] = 1.0f;
		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		check(metrics.gates_dead[EASQ_MAIN], "gates that no row opens");
		x[0] = 1000.0f;
		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		check(!metrics.gates_dead[EASQ_MAIN], "gates that one row of many opens");
	}
	free(w);
	free(gradient);
	free(piece);
	free(sum);
	free(x);
	free(px);
	free(dx);
	free(pdx);
	free(work);
	end_group("a batch of several blocks");
}

void
test_gradients(void)
{
	test_finite_differences();
	test_weights_of_pairs();
	test_routing();
	test_large_batch();
}
