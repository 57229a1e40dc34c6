/*
 * Ranking metrics of one group of rows with labels 0 / 1, as the reference's
 * ranking_metrics: equal scores count half in auc, elsewhere the worse order
 * counts (0 before 1), so that a constant score earns nothing.
 */
#ifndef EASQ_METRIC_H
#define EASQ_METRIC_H

#include <stdbool.h>
#include <stddef.h>

typedef struct EasqRanked
{
	double		score;
	bool		label;
} EasqRanked;

/* Sorts rows into ranking order: score descending, label 0 before 1 among equals. */
extern void EasqSortRanked(size_t n, EasqRanked *rows);
/* The following want sorted rows that hold both labels. */
extern double EasqHitRate(size_t n, const EasqRanked *rows, int k);
extern double EasqNdcg(size_t n, const EasqRanked *rows, int k);
extern double EasqReciprocalRank(size_t n, const EasqRanked *rows);
extern double EasqAuc(size_t n, const EasqRanked *rows);

/* The same over rows that come one by one, by falling score; starts as zeros. */
typedef struct EasqAucSum
{
	double		score;			/* of the rows that came last */
	double		same[2];		/* how many of them have label 0 and 1 */
	double		above;			/* rows of label 1 with a higher score */
	double		below;			/* rows of label 0 with a higher score */
	double		right;			/* pairs in the right order, equal ones half */
} EasqAucSum;
extern void EasqAucAdd(EasqAucSum *sum, double score, bool label);
/* Ends the sum. */
extern double EasqAucOf(EasqAucSum *sum);

#endif
