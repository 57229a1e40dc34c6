/*
 * The behaviour budget: what alignment has cost the ranking of behaviour, and
 * how much of it the next step may still spend.
 *
 *   G = (A0 - A) / (A0 - 1/2)
 *
 * A is the share of held pairs that the main score orders rightly (equal
 * scores half), averaged over their groups; A0 is that of the model that
 * behaviour alone trained.  G = 1: behaviour is forgotten.
 */
#ifndef EASQ_BUDGET_H
#define EASQ_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/* Below this a model has learned too little of behaviour for a share of it to mean anything. */
#define EASQ_LEARNED_ACCURACY 0.52

/* Signs of life of a pathway over some rows: a pathway that dies loses both, though its gates stay open. */
typedef struct EasqVital
{
	double		activity;		/* mean of sigmoid(v): what gradients of losses on scores are multiplied by */
	double		spread;			/* between the quartiles of v: a few outliers say nothing about a pathway */
} EasqVital;

#define EASQ_VITAL_ROWS 256

/* The logit v of a score softplus(v). */
extern double EasqLogitOfScore(double score);
/* Of the first EASQ_VITAL_ROWS logits; what is not finite is left out, and none at all is death. */
extern EasqVital EasqTakeVital(size_t n, const float *v);
/* Has a sign fallen far below its value after training?  activity counts only where losses are on_scores. */
extern bool EasqIsDying(const EasqVital *now, const EasqVital *trained, bool on_scores);

/* 1 where the chosen row has the higher logit, 1/2 where equal, else 0; NaN counts as wrong. */
extern float EasqPairRight(float chosen, float rejected);

/*
 * The same without its step: sigmoid(margin / scale) of two logits.  Of two
 * weights that are close to each other few pairs tell which is better by their
 * order, and all of them by this.
 */
extern float EasqPairSoftlyRight(float chosen, float rejected, double scale);

typedef struct EasqCost
{
	double		accuracy;		/* A now */
	double		trained;		/* A after training */
	double		cost;			/* G */
	double		error;			/* standard error of G, clustered by group */
	int			groups;
} EasqCost;

/*
 * n pairs, those of a group next to each other; trained and now [n] from
 * EasqPairRight under the weights after training and under those of now.
 * carried: G at the time of that training, below 1, so that A0 is taken from where behaviour once was.
 */
extern void EasqBehaviourCost(int n, const int *group, const float *trained, const float *now,
							  double carried, EasqCost *cost);

/* A0 of an accuracy after training, given what had been spent before. */
extern double EasqUnspentAccuracy(double trained, double carried);

/* Of both samples together: their groups count alike. */
extern EasqCost EasqPoolCosts(const EasqCost *one, const EasqCost *other);

/*
 * Upper end of a one-sided 95 % interval of G.  Alignment is not believed to
 * serve behaviour: where a sample says that it did (G < 0), G counts as 0, or
 * few groups that happen to gain would hide how unsure G is.
 */
extern double EasqCostBound(const EasqCost *cost);

/*
 * Of two kinds of pairs that both must keep a budget: the bound of the one that has more groups, or the estimate of the
 * other where that is higher.  With the bound of both, the width of a few groups' interval left little to spend
 * (Book-Crossing, 146 whole groups beside 2,600: G .007 of .05, instead of .023).
 */
extern double EasqWorseBound(const EasqCost *one, const EasqCost *other);

/*
 * What one step did to the accuracy on n pairs drawn at random: mean of
 * weight (before - after) over the sum of weights, and its standard error.
 */
extern void EasqStepLoss(int n, const float *weight, const float *before, const float *after,
						 double *loss, double *error);

/*
 * The share of its strength that audits leave alignment: halved by one that
 * failed, more again after each that passed, and sooner where its bound lay far below the budget.
 */
extern double EasqPace(double pace, double bound, double budget);

/*
 * Strength of alignment: pace below half of the budget, then falling to 0 at
 * the budget; and as much less as main's logits, whose spread is this share of
 * that after training, become equal.
 */
extern double EasqAlignmentStrength(double cost, double budget, double pace, double spread);

#endif
