/*
 * One learning step: forward, losses, backward with the paper's
 * stop-gradients, clipping of each pathway apart, Adam.
 *
 *   L = L_main(behaviour) + lambda1 L_satisfaction(survey) + lambda2 L_alignment
 *
 * L_main and L_alignment reach main.*, and the backbone and x where asked;
 * L_satisfaction reaches satisfaction.* and LoRA; nothing else crosses.
 * Source: arXiv 2601.20215, and the reference implementation.
 */
#ifndef EASQ_STEP_H
#define EASQ_STEP_H

#include <stdbool.h>

#include "core/shape.h"

typedef enum EasqAlignment
{
	EASQ_DPO,
	EASQ_DISTIL
} EasqAlignment;

typedef enum EasqPairwise
{
	EASQ_ON_SCORE,
	EASQ_ON_LOGIT
} EasqPairwise;

/* What L_main holds rehearsed behaviour to. */
typedef enum EasqRehearsal
{
	EASQ_KEEP_MARGINS,			/* the margins that training left */
	EASQ_LEARN_LABELS			/* chosen before rejected, as the paper */
} EasqRehearsal;

typedef struct EasqHyper
{
	double		alpha;
	double		beta;
	double		lambda1;
	double		lambda2;
	double		anchor;
	double		learning_rate;
	double		max_grad_norm;
	EasqAlignment alignment;
	EasqPairwise pairwise;
} EasqHyper;

/* Rows of x [2 survey + 2 behaviour, k]: survey chosen, survey rejected, behaviour chosen, behaviour rejected. */
typedef struct EasqBatch
{
	int			survey;			/* pairs of answers, may be 0: no satisfaction loss, no DPO */
	int			behaviour;		/* pairs of behaviour, may be 0 */
	const float *x;
	const float *kept;			/* NULL, or [2 behaviour]: logits that L_main keeps the margins of, instead of the labels */
	int			tested;			/* the first so many survey pairs are new: accuracy is theirs; 0: all are */
	const float *weight;		/* [survey], above 0: of each pair of answers; NULL: all equal */
	const float *offset;		/* NULL, or [2 survey + 2 behaviour]: added to the main pathway's logits */
	float	   *pull;			/* NULL, or room for [2 behaviour]: gradients of behaviour's logits by L_main alone */
} EasqBatch;

/* Means over the batch's pairs (the losses of answers weighted); 0 where there are none. */
typedef struct EasqMetrics
{
	double		loss;
	double		loss_main;
	double		loss_satisfaction;
	double		loss_alignment;
	double		reward_chosen;
	double		reward_rejected;
	double		reward_margin;
	double		reward_accuracy;
	double		grad_norm;		/* before clipping */
	double		grad_norm_main;
	double		grad_norm_satisfaction;
	double		accuracy[EASQ_PATHWAYS];	/* tested pairs that a pathway ordered rightly before the step, ties half */
	bool		gates_dead[EASQ_PATHWAYS];	/* no row of the batch that this pathway scores opens a gate of it */
} EasqMetrics;

/* Floats of scratch that EasqGradient needs for a batch of up to rows rows. */
extern size_t EasqGradientWork(const EasqShape *shape, size_t rows);

/*
 * Losses and gradients at weights (whole flat block).  gradient [layout->total]
 * is overwritten; the backbone's part only where dx is not NULL (else left alone).
 * dx [rows, k] or NULL: gradient of the inputs through the main pathway.
 * Fills metrics except the norms.
 */
extern void EasqGradient(const EasqLayout *layout, const float *weights, const EasqHyper *hyper,
						 const EasqBatch *batch, float *gradient, float *dx,
						 EasqMetrics *metrics, float *work);

/* What one tier's Adam remembers; m and v as long as the part they belong to. */
typedef struct EasqAdam
{
	float	   *m;
	float	   *v;
	int64_t		step;			/* steps taken so far */
} EasqAdam;

/* w -= lr * mhat / (sqrt(vhat) + 1e-8) over n floats with gradient g * clip; step counts from 1. */
extern void EasqAdamUpdate(size_t n, float *w, const float *g, float *m, float *v,
						   int64_t step, double learning_rate, double clip);

/* The same for count rows of dim floats of w, m and v, with their gradients one after another. */
extern void EasqAdamUpdateRows(size_t count, size_t dim, const int64_t *row, float *w, const float *gradient,
							   float *m, float *v, int64_t step, double learning_rate, double clip);

/* Factor that brings a norm down to max_norm: min(1, max_norm / (norm + 1e-6)). */
extern double EasqClip(double norm, double max_norm);

/*
 * One online step: gradient, norms, clipping in two groups (main.*, and
 * satisfaction.* with LoRA), Adam on the adapter.  weights is the whole block
 * and changed in place from layout->backbone on; adam covers the adapter only
 * [total - backbone].  Returns false where a result is not finite: weights and
 * adam are then spoilt and the caller must drop them.
 * gradient [total] and work (EasqGradientWork) are scratch.
 */
extern bool EasqOnlineStep(const EasqLayout *layout, float *weights, EasqAdam *adam,
						   const EasqHyper *hyper, const EasqBatch *batch,
						   EasqMetrics *metrics, float *gradient, float *work);

/*
 * Does any row of x [rows, k] open a gate of the pathway under these weights?
 * work as for EasqGradient.
 */
extern bool EasqGatesAlive(const EasqLayout *layout, const float *weights, double alpha,
						   EasqPathway pathway, int rows, const float *x, float *work);

#endif
