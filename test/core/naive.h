/*
 * The model and its losses once more, in double and by plain loops, for finite
 * differences.  Stop-gradients are arguments: what is detached is given apart
 * and stays as it was while the rest is moved.
 */
#ifndef NAIVE_H
#define NAIVE_H

#include "core/step.h"

#define NAIVE_ROWS 64			/* most of a batch */

extern double naive_softplus(double x);

/*
 * Logit of one row.  w_h and x_h make h, w_l and x_l make h_lora, w the
 * pathway; all are whole flat blocks.
 */
extern double naive_logit(const EasqLayout *layout, EasqPathway pathway, double alpha, const double *w,
						  const double *w_h, const double *x_h, const double *w_l, const double *x_l);

/* What of the total loss depends on weights w and inputs x, when w0, x0 and s0 are detached. */
typedef struct NaiveLoss
{
	double		main;			/* L_main + lambda2 L_alignment */
	double		satisfaction;	/* lambda1 L_satisfaction */
} NaiveLoss;

extern NaiveLoss naive_loss(const EasqLayout *layout, const EasqHyper *hyper, const EasqBatch *batch,
							const double *w, const double *x, const double *w0, const double *x0, const double *s0);

#endif
