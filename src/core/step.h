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

#include "core/adam.h"
#include "core/loss.h"
#include "core/shape.h"

/* Floats of scratch that EasqGradient needs for a batch of up to rows rows; it leaves the main logits of the rows at its start. */
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
