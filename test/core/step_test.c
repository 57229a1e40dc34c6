#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernel.h"
#include "core/step.h"

#include "check.h"
#include "fixture.h"
#include "golden.h"
#include "tests.h"

static void
metric_values(const EasqMetrics *metrics, double *value)
{
	value[0] = metrics->loss;
	value[1] = metrics->loss_main;
	value[2] = metrics->loss_satisfaction;
	value[3] = metrics->loss_alignment;
	value[4] = metrics->reward_chosen;
	value[5] = metrics->reward_rejected;
	value[6] = metrics->reward_margin;
	value[7] = metrics->reward_accuracy;
	value[8] = metrics->grad_norm;
	value[9] = metrics->grad_norm_main;
	value[10] = metrics->grad_norm_satisfaction;
}

static void
test_golden_steps(void)
{
	for (int c = 0; c < GOLDEN_CASES; c++)
	{
		const char *name = golden_names[c];
		Golden		golden;
		size_t		total;
		size_t		adapter;
		float	   *w;
		float	   *gradient;
		float	   *work;
		EasqAdam	adam = {0};
		EasqBatch	batch = {.survey = GOLDEN_SURVEY, .behaviour = GOLDEN_BEHAVIOUR};

		golden_read(&golden, golden_folder, name);
		total = golden.layout.total;
		adapter = total - golden.layout.backbone;
		w = allocate(total, sizeof(float));
		gradient = allocate(total, sizeof(float));
		work = allocate(EasqGradientWork(&golden.shape, 2 * (GOLDEN_SURVEY + GOLDEN_BEHAVIOUR)), sizeof(float));
		adam.m = allocate(adapter, sizeof(float));
		adam.v = allocate(adapter, sizeof(float));
		batch.x = golden.batch;
		memcpy(w, golden.before, total * sizeof(float));
		for (int s = 0; s < GOLDEN_STEPS; s++)
		{
			EasqMetrics metrics;
			double		value[GOLDEN_METRICS];

			check(EasqOnlineStep(&golden.layout, w, &adam, &golden.hyper, &batch, &metrics, gradient, work),
				  label("%s: the step is finite%s", name, ""));
			metric_values(&metrics, value);
			for (int i = 0; i < GOLDEN_METRICS; i++)
				check_near(value[i], golden.step[s][i], 1e-4 * fabs(golden.step[s][i]) + 1e-5,
						   label("%s: %s", name, step_names[i]));
			check(!metrics.gates_dead[EASQ_MAIN] || golden.step[s][9] < 1.0, label("%s: gates%s", name, ""));
		}
		check(adam.step == GOLDEN_STEPS, "steps are counted");
		check(memcmp(w, golden.before, golden.layout.backbone * sizeof(float)) == 0, "the backbone stays");
		for (int t = EASQ_LORA_A; t < EASQ_TENSORS; t++)
		{
			const EasqTensor *tensor = &golden.layout.tensor[t];

			for (size_t i = 0; i < tensor->count; i++)
				check_near(w[tensor->offset + i], golden.after[tensor->offset + i],
						   1e-4 * fabs(golden.after[tensor->offset + i]) + 0.05 * golden.hyper.learning_rate,
						   label("%s: %s after three steps", name, tensor->name));
		}
		free(w);
		free(gradient);
		free(work);
		free(adam.m);
		free(adam.v);
		golden_free(&golden);
	}
	end_group("golden steps");
}

/* Shut gates are reported, and a jump out of range is refused. */
static void
test_death(void)
{
	EasqLayout	layout;
	EasqHyper	hyper = {8.0, 1.0, 1.0, 1.0, 0.0, 1e-3, 1.0, EASQ_DPO, EASQ_ON_SCORE};
	EasqMetrics metrics;
	EasqAdam	adam;
	float		x[16 * 4];
	EasqBatch	batch = {.survey = 3, .behaviour = 5, .x = x};
	EasqBatch	nothing = {.x = x};
	float	   *w;
	float	   *gradient;
	float	   *work;
	bool		finite = true;

	init_layout(&layout, 4, 7, 6, 2, 3, 2);
	gradient = allocate(layout.total, sizeof(float));
	work = allocate(EasqGradientWork(&layout.shape, 16), sizeof(float));
	adam.m = allocate(layout.total, sizeof(float));
	adam.v = allocate(layout.total, sizeof(float));
	fill_normal_floats(91, 16 * 4, x);

	for (int dead = 0; dead < EASQ_PATHWAYS; dead++)
	{
		const EasqTensor *bias = &layout.tensor[EASQ_PATHWAY_TENSOR(dead, EASQ_MAIN_GATE_BIAS)];
		const EasqTensor *weight = &layout.tensor[EASQ_PATHWAY_TENSOR(dead, EASQ_MAIN_GATE_WEIGHT)];

		w = test_weights(&layout, 90);
		for (size_t i = 0; i < bias->count; i++)
			w[bias->offset + i] = -50.0f;
		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		check(metrics.gates_dead[dead] && !metrics.gates_dead[!dead], "shut gates show in the metrics");
		check(!EasqGatesAlive(&layout, w, 8.0, dead, 16, x, work), "shut gates are not alive");
		check(EasqGatesAlive(&layout, w, 8.0, !dead, 16, x, work), "the other pathway's are");
		check(EasqSquares(weight->count, gradient + weight->offset) == 0.0, "shut gates have no gradient");
		free(w);
	}
	/* one gate, and only the last row opens it */
	w = test_weights(&layout, 90);
	for (int i = 0; i < 3; i++)
		w[layout.tensor[EASQ_MAIN_GATE_BIAS].offset + i] = -50.0f;
	for (int i = 0; i < 7; i++)
		w[layout.tensor[EASQ_MAIN_GATE_WEIGHT].offset + i] = 1.0f;
	x[15 * 4] = 1000.0f;
	for (int i = 0; i < 7; i++)
		w[layout.tensor[EASQ_BACKBONE_WEIGHT].offset + i * 4] = 1.0f;
	EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
	check(!metrics.gates_dead[EASQ_MAIN], "one row is enough");
	check(EasqGatesAlive(&layout, w, 8.0, EASQ_MAIN, 16, x, work), "one row is enough");
	check(!EasqGatesAlive(&layout, w, 8.0, EASQ_MAIN, 15, x, work), "without it they are shut");
	check(!EasqGatesAlive(&layout, w, 8.0, EASQ_MAIN, 0, x, work), "no row opens none");
	free(w);
	fill_normal_floats(91, 16 * 4, x);

	/* nothing to learn from */
	w = test_weights(&layout, 90);
	EasqGradient(&layout, w, &hyper, &nothing, gradient, NULL, &metrics, work);
	check(metrics.loss == 0.0 && !metrics.gates_dead[0] && !metrics.gates_dead[1] &&
		  EasqSquares(layout.total - layout.backbone, gradient + layout.backbone) == 0.0, "an empty batch");
	free(w);

	/* steps far too long: sooner or later not finite, and said so at once */
	for (int kind = 0; kind < 2; kind++)
	{
		w = test_weights(&layout, 90);
		adam.step = 0;
		memset(adam.m, 0, layout.total * sizeof(float));
		memset(adam.v, 0, layout.total * sizeof(float));
		hyper.learning_rate = kind ? 1e39 : 1e25;
		finite = true;
		for (int s = 0; s < 5 && finite; s++)
			finite = EasqOnlineStep(&layout, w, &adam, &hyper, &batch, &metrics, gradient, work);
		check(!finite, "a jump out of range is refused");
		free(w);
	}
	hyper.learning_rate = 1e-3;
	for (int kind = 0; kind < 3; kind++)
	{
		w = test_weights(&layout, 90);
		adam.step = 0;
		memset(adam.m, 0, layout.total * sizeof(float));
		memset(adam.v, 0, layout.total * sizeof(float));
		if (kind == 0)
			w[layout.tensor[EASQ_MAIN_OUT_BIAS].offset] = NAN;
		else if (kind == 1)
			w[layout.tensor[EASQ_SATISFACTION_OUT_WEIGHT].offset + 2] = INFINITY;
		else
			x[5] = NAN;
		check(!EasqOnlineStep(&layout, w, &adam, &hyper, &batch, &metrics, gradient, work),
			  "a weight or input that is not finite is refused");
		free(w);
	}
	free(gradient);
	free(work);
	free(adam.m);
	free(adam.v);

	check_near(EasqClip(0.0, 1.0), 1.0, 1e-12, "clip");
	check_near(EasqClip(10.0, 1.0), 0.1, 1e-6, "clip");
	end_group("dead gates and jumps");
}

/* A step of a batch without answers, or without behaviour, moves what it should. */
static void
test_halves(void)
{
	EasqLayout	layout;
	EasqHyper	hyper = {8.0, 1.0, 1.0, 1.0, 0.0, 1e-3, 1.0, EASQ_DPO, EASQ_ON_SCORE};
	EasqMetrics metrics;
	float		x[16 * 4];
	float	   *w;
	float	   *before;
	float	   *gradient;
	float	   *work;
	size_t		satisfaction;

	init_layout(&layout, 4, 7, 6, 2, 3, 2);
	satisfaction = layout.tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset;
	before = test_weights(&layout, 17);
	w = allocate(layout.total, sizeof(float));
	gradient = allocate(layout.total, sizeof(float));
	work = allocate(EasqGradientWork(&layout.shape, 16), sizeof(float));
	fill_normal_floats(18, 16 * 4, x);
	for (int answers = 0; answers < 2; answers++)
	{
		EasqBatch	batch = {.survey = answers ? 4 : 0, .behaviour = answers ? 0 : 4, .x = x};
		EasqAdam	adam = {allocate(layout.total, sizeof(float)), allocate(layout.total, sizeof(float)), 0};

		memcpy(w, before, layout.total * sizeof(float));
		check(EasqOnlineStep(&layout, w, &adam, &hyper, &batch, &metrics, gradient, work), "finite");
		check((memcmp(w + satisfaction, before + satisfaction,
					  (layout.total - satisfaction) * sizeof(float)) != 0) == (answers == 1),
			  "the satisfaction pathway moves with answers only");
		check(memcmp(w + layout.tensor[EASQ_MAIN_OUT_WEIGHT].offset, before + layout.tensor[EASQ_MAIN_OUT_WEIGHT].offset,
					 6 * sizeof(float)) != 0, "the main pathway moves with either");
		check(answers ? metrics.loss_main == 0.0 : metrics.loss_satisfaction == 0.0 && metrics.loss_alignment == 0.0,
			  "a loss over nothing is 0");
		free(adam.m);
		free(adam.v);
	}
	free(before);
	free(w);
	free(gradient);
	free(work);
	end_group("answers or behaviour alone");
}

/* Rows of a table, updated where they lie, come out as the same rows in one block, and no other row changes. */
static void
test_adam_rows(void)
{
	static const int64_t row[] = {9, 0, 3, 17, 4, 18, 11};
	const size_t count = sizeof(row) / sizeof(row[0]);

	for (size_t dim = 1; dim < 40; dim += 6)
	{
		float	   *table[3];
		float	   *before[3];
		float	   *block[3];
		float	   *gradient = allocate(count * dim, sizeof(float));

		fill_normal_floats(dim, count * dim, gradient);
		for (int t = 0; t < 3; t++)
		{
			table[t] = allocate(19 * dim, sizeof(float));
			before[t] = allocate(19 * dim, sizeof(float));
			block[t] = allocate(count * dim, sizeof(float));
			fill_normal_floats(dim + 100 * (size_t) (t + 1), 19 * dim, table[t]);
			for (size_t i = 0; i < 19 * dim; i++)
				before[t][i] = table[t][i] = t == 2 ? fabsf(table[t][i]) : table[t][i];
			for (size_t i = 0; i < count * dim; i++)
				block[t][i] = table[t][(size_t) row[i / dim] * dim + i % dim];
		}
		EasqAdamUpdate(count * dim, block[0], gradient, block[1], block[2], 3, 1e-2, 0.5);
		EasqAdamUpdateRows(count, dim, row, table[0], gradient, table[1], table[2], 3, 1e-2, 0.5);
		for (int t = 0; t < 3; t++)
		{
			for (size_t i = 0; i < count * dim; i++)
			{
				size_t		place = (size_t) row[i / dim] * dim + i % dim;

				check_near(table[t][place], block[t][i], 1e-6, "Adam on rows of a table");
				before[t][place] = table[t][place];
			}
			check(memcmp(before[t], table[t], 19 * dim * sizeof(float)) == 0, "Adam leaves other rows alone");
			free(table[t]);
			free(before[t]);
			free(block[t]);
		}
		free(gradient);
	}
	end_group("Adam on rows");
}

void
test_steps(void)
{
	test_golden_steps();
	test_death();
	test_halves();
	test_adam_rows();
}
