/*
 * The three losses on logits, each with its gradient.  Scalar work, in double
 * and in forms that neither overflow nor lose log(softplus(v)) far below 0.
 */
#ifndef EASQ_LOSS_H
#define EASQ_LOSS_H

#include "core/step.h"

/* log(softplus(v)), which goes to v as v goes to -infinity. */
extern double EasqLogSoftplus(double v);

/*
 * Each returns the mean loss, 0 where there are no pairs, and adds
 * weight * its gradient to the arrays named d..., and the sum of what it added
 * to *dbias: the gradient of a bias on the logits.  That is not left to be
 * summed from the arrays, because on logits a pair's two gradients are
 * opposite, and Adam would make a whole step of whatever rounding leaves.
 */

/* Mean of -log sigmoid(a+ - a-), a = softplus(v) or v; hi, lo [n]. */
extern double EasqPairwiseLoss(int n, const float *hi, const float *lo, EasqPairwise on,
							   double weight, float *dhi, float *dlo, double *dbias);

/*
 * The margins of y [2 q] follow those of kept [2 q], the q chosen rows first:
 * mean cross-entropy of sigmoid(y_i - y_(q + i)) against sigmoid(kept_i -
 * kept_(q + i)).  It rests at kept, where the labels of pairs that are learned
 * again and again would pull without end.
 */
extern double EasqKeepLoss(int q, const float *y, const float *kept, double weight, float *dy);

/*
 * Online DPO and the anchor: policy y against a fixed reference s; [n] each.
 * Fills the rewards in metrics.
 */
extern double EasqDpoLoss(int n, const float *y_hi, const float *y_lo,
						  const float *s_hi, const float *s_lo, double beta, double anchor,
						  double weight, float *dy_hi, float *dy_lo, double *dbias,
						  EasqMetrics *metrics);

/*
 * The order of y's rows follows that of the fixed s.  y, s [2 q], the q chosen
 * first; rows 2i and 2i + 1 of the chosen are a pair, and so of the rejected.
 * A bias on the logits has no part in it.
 */
extern double EasqDistilLoss(int q, const float *y, const float *s, double weight, float *dy);

#endif
