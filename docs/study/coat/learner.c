#include "learner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernel.h"

#define REPLAYS_MAX 8
#define ANSWER_PAIRS_MAX ((1 + REPLAYS_MAX) * PAIRS_PER_ANSWER)
#define ROWS_MAX (2 * (ANSWER_PAIRS_MAX + BEHAVIOUR_PAIRS))

struct Learner
{
	const Method *method;
	const Model *model;
	const Setting *setting;
	EasqLayout	layout;
	EasqHyper	hyper;
	double		knob;
	float	   *weights;
	EasqAdam	adam;			/* of the adapter */
	float	   *gradient;
	float	   *other;			/* a second gradient */
	float	   *x;
	RowPair		answer[ANSWER_PAIRS_MAX];	/* of this step */
	int			answers;
	float	   *kept;			/* [2 BEHAVIOUR_PAIRS] */
	float	   *dx;
	float	   *work;
};

static float *
zeros(size_t count)
{
	return calloc(count > 0 ? count : 1, sizeof(float));
}

Learner *
LearnerCreate(const Method *method, const Model *model, const Setting *setting, double knob)
{
	Learner    *learner = calloc(1, sizeof(Learner));
	EasqShape	shape = ModelShape(method->rank, method->experts[EASQ_MAIN], method->experts[EASQ_SATISFACTION]);
	size_t		adapter;

	learner->method = method;
	learner->model = model;
	learner->setting = setting;
	learner->knob = knob;
	learner->hyper = (EasqHyper) {
		.alpha = ALPHA, .beta = method->beta, .lambda1 = 1.0,
		.lambda2 = method->learns == LEARNS_EASQ || method->learns == LEARNS_PROJECTED ? knob : 0.0,
		.anchor = method->anchor, .learning_rate = setting->learning_rate, .max_grad_norm = 1.0,
		.alignment = method->alignment, .pairwise = method->pairwise
	};
	EasqLayoutInit(&learner->layout, &shape);
	adapter = learner->layout.total - learner->layout.backbone;
	learner->weights = zeros(learner->layout.total);
	ModelCopyWeights(&model->layout, model->weights, &learner->layout, learner->weights);
	learner->adam = (EasqAdam) {zeros(adapter), zeros(adapter), 0};
	learner->gradient = zeros(learner->layout.total);
	learner->other = zeros(learner->layout.total);
	learner->x = zeros((size_t) ROWS_MAX * INPUTS);
	learner->kept = zeros(ROWS_MAX);
	learner->dx = zeros((size_t) ROWS_MAX * INPUTS);
	learner->work = zeros(EasqGradientWork(&shape, ROWS_MAX));
	return learner;
}

void
LearnerFree(Learner *learner)
{
	free(learner->weights);
	free(learner->adam.m);
	free(learner->adam.v);
	free(learner->gradient);
	free(learner->other);
	free(learner->x);
	free(learner->kept);
	free(learner->dx);
	free(learner->work);
	free(learner);
}

const EasqLayout *
LearnerLayout(const Learner *learner)
{
	return &learner->layout;
}

const float *
LearnerWeights(const Learner *learner)
{
	return learner->weights;
}

/* The chosen rows, then the rejected, from row number first of x on; returns the row number after them. */
static int
gather(Learner *learner, const RowPair *pairs, int count, int first)
{
	for (int i = 0; i < count; i++)
	{
		memcpy(learner->x + (size_t) (first + i) * INPUTS, learner->model->x + (size_t) pairs[i].chosen * INPUTS,
			   sizeof(float) * INPUTS);
		memcpy(learner->x + (size_t) (first + count + i) * INPUTS,
			   learner->model->x + (size_t) pairs[i].rejected * INPUTS, sizeof(float) * INPUTS);
	}
	return first + 2 * count;
}

static void
stop_if_not(bool finite)
{
	if (finite)
		return;
	fprintf(stderr, "a weight is not finite\n");
	exit(1);
}

/* The trained model's logits of rehearsed pairs. */
static const float *
keep(Learner *learner, const RowPair *pairs)
{
	for (int i = 0; i < BEHAVIOUR_PAIRS; i++)
	{
		learner->kept[i] = (float) learner->model->logit[pairs[i].chosen];
		learner->kept[BEHAVIOUR_PAIRS + i] = (float) learner->model->logit[pairs[i].rejected];
	}
	return learner->kept;
}

/* Gradient and loss of pairs as behaviour, for the main pathway. */
static void
pairs_gradient(Learner *learner, const RowPair *pairs, int count, bool through_input, bool kept, float *gradient)
{
	EasqBatch	batch = {.behaviour = count, .x = learner->x};
	EasqHyper	hyper = learner->hyper;
	EasqMetrics metrics;

	/* not distil: of the loss of these pairs alone */
	hyper.alignment = EASQ_DPO;
	gather(learner, pairs, count, 0);
	if (kept)
		batch.kept = keep(learner, pairs);
	EasqGradient(&learner->layout, learner->weights, &hyper, &batch, gradient,
				 through_input ? learner->dx : NULL, &metrics, learner->work);
}

/* One Adam step on [from, to) of the weights, clipped to its own norm. */
static void
update(Learner *learner, size_t from, size_t to)
{
	size_t		at = from - learner->layout.backbone;
	double		norm = sqrt(EasqSquares(to - from, learner->gradient + from));

	EasqAdamUpdate(to - from, learner->weights + from, learner->gradient + from, learner->adam.m + at,
				   learner->adam.v + at, learner->adam.step, learner->hyper.learning_rate,
				   EasqClip(norm, learner->hyper.max_grad_norm));
	stop_if_not(isfinite(norm));
}

/* LoRA is B A beside W0, so its gradient follows from that of W0: dB = s dW0 A^T, dA = s B^T dW0. */
static void
lora_gradient(Learner *learner)
{
	const EasqLayout *layout = &learner->layout;
	const EasqShape *shape = &layout->shape;
	float		scale = (float) (learner->hyper.alpha / shape->r);
	const float *A = learner->weights + layout->tensor[EASQ_LORA_A].offset;
	const float *B = learner->weights + layout->tensor[EASQ_LORA_B].offset;
	float	   *dA = learner->gradient + layout->tensor[EASQ_LORA_A].offset;
	float	   *dB = learner->gradient + layout->tensor[EASQ_LORA_B].offset;
	float	   *dW0 = learner->gradient + layout->tensor[EASQ_BACKBONE_WEIGHT].offset;

	for (size_t i = 0; i < layout->tensor[EASQ_BACKBONE_WEIGHT].count; i++)
		dW0[i] *= scale;
	EasqGemmNT(shape->d, shape->r, shape->k, dW0, A, 0.0f, dB);
	EasqGemmTN(shape->r, shape->k, shape->d, B, dW0, 0.0f, dA);
}

static void
mixed_step(Learner *learner, const StreamStep *step, bool with_lora)
{
	const EasqLayout *layout = &learner->layout;
	size_t		from = with_lora ? layout->backbone : layout->tensor[EASQ_MAIN_GATE_WEIGHT].offset;

	pairs_gradient(learner, learner->answer, learner->answers, with_lora, false, learner->other);
	pairs_gradient(learner, step->behaviour, BEHAVIOUR_PAIRS, with_lora, learner->setting->keeps, learner->gradient);
	for (size_t i = with_lora ? 0 : from; i < layout->total; i++)
		learner->gradient[i] += (float) learner->knob * learner->other[i];
	if (with_lora)
		lora_gradient(learner);
	learner->adam.step++;
	update(learner, from, layout->tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset);
}

static EasqBatch
gather_batch(Learner *learner, const StreamStep *step, bool answers)
{
	EasqBatch	batch = {.survey = answers ? learner->answers : 0, .behaviour = BEHAVIOUR_PAIRS, .x = learner->x};
	const RowPair *behaviour = learner->method->pairs == PAIRS_GROUPED ? step->grouped : step->behaviour;
	int			next = gather(learner, learner->answer, batch.survey, 0);

	gather(learner, behaviour, BEHAVIOUR_PAIRS, next);
	if (learner->setting->keeps)
		batch.kept = keep(learner, behaviour);
	return batch;
}

static void
easq_step(Learner *learner, const StreamStep *step, bool answers)
{
	EasqBatch	batch = gather_batch(learner, step, answers);
	EasqMetrics metrics;

	stop_if_not(EasqOnlineStep(&learner->layout, learner->weights, &learner->adam, &learner->hyper, &batch,
							   &metrics, learner->gradient, learner->work));
}

/* PCGrad (Yu et al., NeurIPS 2020), one way: the alignment gives way, rehearsal does not. */
static void
projected_step(Learner *learner, const StreamStep *step)
{
	const EasqLayout *layout = &learner->layout;
	size_t		main = layout->tensor[EASQ_MAIN_GATE_WEIGHT].offset;
	size_t		satisfaction = layout->tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset;
	EasqBatch	batch = gather_batch(learner, step, true);
	EasqHyper	rehearsal = learner->hyper;
	EasqMetrics metrics;
	double		dot = 0.0;
	double		squares = 0.0;
	double		share = 0.0;

	rehearsal.lambda2 = 0.0;
	EasqGradient(layout, learner->weights, &rehearsal, &batch, learner->other, NULL, &metrics, learner->work);
	EasqGradient(layout, learner->weights, &learner->hyper, &batch, learner->gradient, NULL, &metrics, learner->work);
	for (size_t i = main; i < satisfaction; i++)
	{
		double		g = learner->other[i];

		dot += g * (learner->gradient[i] - g);
		squares += g * g;
	}
	if (dot < 0.0)
		share = dot / squares;
	for (size_t i = main; i < satisfaction; i++)
		learner->gradient[i] -= (float) share * learner->other[i];
	learner->adam.step++;
	update(learner, main, satisfaction);
	if (layout->shape.r > 0)
		update(learner, layout->backbone, main);
	update(learner, satisfaction, layout->total);
}

/* The pairs of this step's answer and of as many earlier ones as the setting replays. */
static void
gather_answers(Learner *learner, const Stream *stream, int number)
{
	EasqRandom	random = {EasqMix((uint64_t) number, DRAW_REPLAY)};

	learner->answers = 0;
	for (int i = 0; i <= learner->setting->replays; i++)
	{
		const StreamStep *step = &stream->step[i == 0 ? number : (int) EasqBelow(&random, (uint64_t) number + 1)];

		memcpy(learner->answer + learner->answers, step->answer, sizeof(RowPair) * (size_t) step->pairs);
		learner->answers += step->pairs;
	}
}

void
LearnerStep(Learner *learner, const Stream *stream, int number)
{
	const StreamStep *step = &stream->step[number];

	if (step->pairs == 0)
		return;
	gather_answers(learner, stream, number);
	switch (learner->method->learns)
	{
		case LEARNS_NOTHING:
			break;
		case LEARNS_BEHAVIOUR:
			easq_step(learner, step, false);
			break;
		case LEARNS_MIXED:
			mixed_step(learner, step, false);
			break;
		case LEARNS_MIXED_LORA:
			mixed_step(learner, step, true);
			break;
		case LEARNS_EASQ:
		case LEARNS_PATHWAY:
			easq_step(learner, step, true);
			break;
		case LEARNS_PROJECTED:
			projected_step(learner, step);
			break;
	}
}
