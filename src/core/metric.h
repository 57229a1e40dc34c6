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

#endif
