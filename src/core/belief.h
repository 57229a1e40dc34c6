/*
 * What answers say, counted: a Gaussian belief (mean, variance) about each
 * value's effect on the log-odds of a satisfied answer, learned in one pass and without a rate.
 *
 *   z = sum_j m_j x_j                        log-odds of a row
 *   V = sum_j s_j x_j^2                      how unsure they are
 *
 * An answer y in {0, 1} of weight w, by the Laplace approximation of a diagonal Bayesian logistic regression
 * (Chapelle and Li, 2011; the extended Kalman filter's scalar form):
 *
 *   s_j = min(c prior_j, s_j + haste prior_j / memory_j)         a random walk, fast where answers surprise; c = 2.5 then, else 1
 *   q = sigmoid(z), h = w max(q (1 - q), 1e-4), gain = 1 / (1 + V h)
 *   m_j += s_j x_j w (y - q) gain
 *   s_j /= 1 + s_j x_j^2 h
 *
 * haste is 1 while answers surprise as they usually do, (y - q)^2 / (q (1 - q)), and more, up to thousands, while the
 * last few dozen surprise twice as much: a taste has turned, and what was certain is not.
 *
 * A coordinate that an answer names twice is two terms.  Computed in double, kept in float.
 */
#ifndef EASQ_BELIEF_H
#define EASQ_BELIEF_H

#include <math.h>
#include <stdbool.h>

#define EASQ_BELIEF_MEMORY 5000.0	/* answers in which a value's certainty may be lost */
#define EASQ_BELIEF_COMMON_MEMORY 50000.0	/* the same of what every answer touches */

/* Prior variances. */
#define EASQ_PRIOR_COMMON 1.0	/* of bias and main logit */
#define EASQ_PRIOR_PATHWAY 0.05	/* of the pathway's logit */
#define EASQ_PRIOR_PATHWAY_MEAN 0.3	/* so that without answers the order is the pathway's */
#define EASQ_PRIOR_NUMBER 0.02	/* of a standardised number, and of values that are neither of the next two */
#define EASQ_PRIOR_OTHER_MOST 1.0	/* of values that are few, or members of arrays; see train/prior.c */
#define EASQ_PRIOR_ASKED 1.0	/* of who is asked: harsh and mild people */
#define EASQ_PRIOR_ABOUT 0.4	/* of what is asked about */
#define EASQ_PRIOR_UNKNOWN 0.3	/* of a category while no training has told which is which */

#define EASQ_BELIEF_NUMBER_MOST 5.0	/* deviations that a standardised number counts at most */

typedef struct EasqBelief
{
	float		mean;
	float		variance;
} EasqBelief;

/* What a first training finds of the values of each feature [features]. */
typedef struct EasqPriors
{
	double	   *variance;		/* of beliefs about them; 0: none yet */
	double	   *varies;			/* share of the groups of several rows in which they vary; 1: nobody knows */
} EasqPriors;

#define EASQ_PRIOR_VARIES 0.05	/* what varies in no more groups tells groups apart, and not the rows of one */

/* What beliefs say of a row. */
typedef struct EasqOpinion
{
	double		logit;			/* z */
	double		variance;		/* V */
	double		own;			/* part of V: of the values by which a row differs from others of its group */
} EasqOpinion;

/* A belief that an answer touches. */
typedef struct EasqBeliefTerm
{
	EasqBelief *belief;
	double		x;
	double		prior;			/* its variance before any answer */
	double		memory;			/* EASQ_BELIEF_MEMORY or EASQ_BELIEF_COMMON_MEMORY */
} EasqBeliefTerm;

static inline void
EasqOpinionAdd(EasqOpinion *opinion, const EasqBelief *belief, double x)
{
	opinion->logit += (double) belief->mean * x;
	opinion->variance += (double) belief->variance * (x * x);
}

/* How much answers surprise, now and usually: running means; and how sure beliefs should have been of them. */
typedef struct EasqSurprise
{
	double		now;
	double		usual;
	double		sharpness;		/* log-odds count so many times: each coordinate for itself is less sure than all together */
	double		curvature;		/* of its fit, which forgets */
} EasqSurprise;

extern void EasqSurpriseInit(EasqSurprise *surprise);

/* What an answer does to the beliefs that an opinion is of: m_j += s_j x_j step, s_j /= 1 + s_j x_j^2 curvature. */
typedef struct EasqBeliefUpdate
{
	double		q;
	double		curvature;
	double		step;
	double		damping;		/* how much less step is for each unit that z was more */
} EasqBeliefUpdate;

extern EasqBeliefUpdate EasqBeliefUpdateOf(const EasqOpinion *opinion, bool satisfied, double weight);

/* One answer about a row of n terms; a number that is not finite leaves all as it was. */
extern void EasqBelieve(int n, const EasqBeliefTerm *term, bool satisfied, double weight, EasqSurprise *surprise);

/* P(satisfied): the mean of sigmoid under the belief, by MacKay's approximation, as sharp as answers have been so far. */
extern double EasqOpinionProbability(const EasqOpinion *opinion, double sharpness);

/* The main pathway's logit as a term's x: standardised, at most 4 deviations. */
extern double EasqMainTerm(double logit, double mean, double deviation);
/* The satisfaction pathway's: in units of what it usually is, at most 3 of them. */
extern double EasqPathwayTerm(double logit, double scale);
/* The running root mean square that is its scale, after another answer's logit. */
extern double EasqPathwayScale(double scale, double logit);

#endif
