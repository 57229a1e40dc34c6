/*
 * The losses on logits, each with its gradient, and what a step is told and tells.
 * Scalar work, in double and in forms that neither overflow nor lose log(softplus(v)) far below 0.
 *
 * A new loss is one entry in a list below and one function in loss.c.
 */
#ifndef EASQ_LOSS_H
#define EASQ_LOSS_H

#include <stdbool.h>

#include "core/shape.h"

/* Whose pairs a loss reads. */
typedef enum EasqPairsOf
{
	EASQ_OF_ANSWERS,
	EASQ_OF_BEHAVIOUR
} EasqPairsOf;

/* What pulls the main logit to the satisfaction pathway's: name, option, whose pairs, how many at least, function. */
#define EASQ_ALIGNMENT_LOSSES(LOSS) \
	LOSS(EASQ_DPO, "dpo", EASQ_OF_ANSWERS, 1, align_by_dpo) \
	LOSS(EASQ_DISTIL, "distil", EASQ_OF_BEHAVIOUR, 2, align_by_distil)

/* What a pair's margin is the difference of: name, option. */
#define EASQ_PAIRWISE_LOSSES(LOSS) \
	LOSS(EASQ_ON_SCORE, "score") \
	LOSS(EASQ_ON_LOGIT, "logit")

/* What L_main holds rehearsed behaviour to: the margins that training left, or the labels, as the paper. */
#define EASQ_REHEARSALS(LOSS) \
	LOSS(EASQ_KEEP_MARGINS, "margins") \
	LOSS(EASQ_LEARN_LABELS, "labels")

#define EASQ_LOSS_ID(id, ...) id,
typedef enum EasqAlignment
{
	EASQ_ALIGNMENT_LOSSES(EASQ_LOSS_ID)
	EASQ_ALIGNMENTS
} EasqAlignment;

typedef enum EasqPairwise
{
	EASQ_PAIRWISE_LOSSES(EASQ_LOSS_ID)
	EASQ_PAIRWISES
} EasqPairwise;

typedef enum EasqRehearsal
{
	EASQ_REHEARSALS(EASQ_LOSS_ID)
	EASQ_REHEARSAL_KINDS
} EasqRehearsal;
#undef EASQ_LOSS_ID

/* Their options' values, in the order of the enums; NULL at the end. */
extern const char *const EasqAlignmentNames[];
extern const char *const EasqPairwiseNames[];
extern const char *const EasqRehearsalNames[];

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
	double		satisfaction_level;	/* mean logit of the satisfaction pathway before the step, over ... */
	int			satisfaction_rows;	/* so many of the batch's first rows: those that it scores anyway */
	bool		gates_dead[EASQ_PATHWAYS];	/* no row of the batch that this pathway scores opens a gate of it */
} EasqMetrics;

/* Of so many pairs of each kind, those that the alignment loss is a mean of; 0: there are too few. */
extern int	EasqAlignedPairs(EasqAlignment alignment, int survey, int behaviour);

/*
 * The alignment loss itself, or where the batch has too few of its pairs, the one that is content with answers: a
 * model without rehearsed behaviour has none that it could cost.
 */
extern EasqAlignment EasqAlignmentFor(EasqAlignment wanted, int survey, int behaviour);

/* Does the alignment loss read the satisfaction pathway's logits of behaviour, too? */
extern bool EasqAlignsBehaviour(EasqAlignment alignment);

/*
 * All losses of a batch: y and s [2 survey + 2 behaviour] are both pathways'
 * logits of its rows (s of the answers' alone where alignment reads no more).
 * Adds to dy and ds the losses' gradients, weighted as in L, and to dbias those of the
 * pathways' last biases.  Fills losses, rewards and accuracies of metrics.
 */
extern void EasqLosses(const EasqHyper *hyper, const EasqBatch *batch, const float *y, const float *s,
					   float *dy, float *ds, double *dbias, EasqMetrics *metrics);

/* log(softplus(v)), which goes to v as v goes to -infinity. */
extern double EasqLogSoftplus(double v);

/*
 * Each returns the mean loss, 0 where there are no pairs, and adds
 * weight * its gradient to the arrays named d..., and the sum of what it added
 * to *dbias: the gradient of a bias on the logits.  That is not left to be
 * summed from the arrays, because on logits a pair's two gradients are
 * opposite, and Adam would make a whole step of whatever rounding leaves.
 *
 * share [n], above 0, or NULL: the mean is sum(share loss) / sum(share).
 */

/* Mean of -log sigmoid(a+ - a-), a = softplus(v) or v; hi, lo [n]. */
extern double EasqPairwiseLoss(int n, const float *hi, const float *lo, const float *share, EasqPairwise on,
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
 * Fills the rewards in metrics, which are plain means (rewards are reported whatever aligns).
 */
extern double EasqDpoLoss(int n, const float *y_hi, const float *y_lo,
						  const float *s_hi, const float *s_lo, const float *share,
						  double beta, double anchor, double weight, float *dy_hi, float *dy_lo, double *dbias,
						  EasqMetrics *metrics);

/*
 * The order of y's rows follows that of the fixed s.  y, s [2 q], the q chosen
 * first; rows 2i and 2i + 1 of the chosen are a pair, and so of the rejected.
 * A bias on the logits has no part in it.
 */
extern double EasqDistilLoss(int q, const float *y, const float *s, double weight, float *dy);

#endif
