/*
 * What is measured of a ranking, a shopper at a time: NaN where a shopper has
 * nothing to tell.  Validation reads A_val and B_val alone, the test B_test
 * and the ratings of the drawn coats alone.
 */
#ifndef STUDY_MEASURE_H
#define STUDY_MEASURE_H

#include "coat.h"

typedef enum Metric
{
	METRIC_ACCURACY,			/* pairs of different ratings in the right order; ties 1/2 */
	METRIC_GAUC,				/* 4, 5 against 1, 2; 3 is left out */
	METRIC_NDCG,				/* at 5 */
	METRIC_HIT,					/* at 1 */
	METRIC_RECIPROCAL,
	METRIC_BEHAVIOUR,			/* pairs of a chosen and an unchosen coat in the right order */
	METRICS
} Metric;

typedef float Measures[METRICS][SHOPPERS];

/* Marks with 1 the rows that Measure reads. */
extern void MeasuredRows(const CoatData *data, const CoatSplit *split, bool test, unsigned char *mask);
extern void Measure(const CoatData *data, const CoatSplit *split, bool test, const double *score, Measures measures);
/* Mean over shoppers of METRIC_BEHAVIOUR for one part. */
extern double BehaviourAccuracy(const CoatData *data, const CoatSplit *split, CoatPart part, const double *score);

#endif
