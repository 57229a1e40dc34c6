/*
 * Curves over the knob, accuracy at equal loss of behaviour, and how sure a
 * difference is.
 *
 * The bootstrap draws seeds, and shoppers once for all of them: the same
 * people and ratings are in each seed, so drawing them anew within each would
 * make the intervals too narrow.
 */
#ifndef STUDY_STATISTICS_H
#define STUDY_STATISTICS_H

#include "runs.h"

#define TARGETS 4
extern const double target_loss[TARGETS];	/* of behaviour: G */
#define SEEDS_MAX 64
#define REPLICATES 4000

/* Which setting each method has with each share of the answers. */
typedef int Choices[METHODS > ALIGNMENTS ? METHODS : ALIGNMENTS][SHARES];

/* How often each seed and each shopper counts. */
typedef struct Weights
{
	int			seed[SEEDS_MAX];
	int			shopper[SHOPPERS];
} Weights;

extern void WeightsOnce(Weights *weights, int seeds);

/* Mean over seeds of the mean over shoppers. */
extern double MeanMeasure(const Runs *runs, const Weights *weights, int method, int setting, int share, int knob,
						  Metric metric);
/* G of a point: (A0 - A) / (A0 - 1/2), A0 of the behaviour-only model. */
extern double BehaviourLoss(const Runs *runs, const Weights *weights, int method, int setting, int share, int knob);
/*
 * metric at a loss of target, between the knobs on either side of it.  The curve starts at the behaviour-only model,
 * with loss 0; *reached (or NULL) tells whether it gets as far as target; else the value is that of its last point.
 */
extern double AtLoss(const Runs *runs, const Weights *weights, int method, int setting, int share, double target,
					 Metric metric, bool *reached);

typedef struct Difference
{
	double		value;			/* ours minus the other */
	double		low;			/* interval at Holm's level for its place */
	double		high;
	int			verdict;		/* 1 better, -1 worse, 0 not separated */
} Difference;

/* ours against others [count], one family for Holm, at one target and share. */
extern void Compare(const Runs *runs, const Choices chosen, int share, double target,
					int count, const int *others, uint64_t seed, Difference *difference);

#endif
