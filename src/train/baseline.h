/*
 * What a GROUP BY would do: how well rows are ordered by one feature alone, by
 * each value's share of chosen rows in the pairs of a training, or by a number
 * as it is, up or down.  What no model is worth having without being above.
 *
 * The category that orders held pairs best is what popularity is counted of: of
 * two features that know the same it is the item, and no feature that tells who asks orders anything.
 */
#ifndef EASQ_BASELINE_H
#define EASQ_BASELINE_H

#include "feature/example.h"
#include "train/pairs.h"
#include "train/validation.h"

typedef struct EasqBaseline EasqBaseline;

/* In the current context; encoding must outlive it. */
extern EasqBaseline *EasqBaselineCreate(const EasqSpec *spec, const EasqEncoding *encoding);
/* Pairs of behaviour that a training has learned from. */
extern void EasqBaselineCount(EasqBaseline *baseline, const EasqPairList *list, const EasqTrainRow *rows);

/* A feature, and the share of held pairs that it orders rightly; NULL, NaN: there is none. */
typedef struct EasqSingleFeature
{
	const char *feature;
	double		accuracy;
} EasqSingleFeature;

/* Popularity by the best category, and the best of the other features. */
extern void EasqBaselineJudge(EasqBaseline *baseline, EasqValidation *validation,
							  EasqSingleFeature *popularity, EasqSingleFeature *other);

#endif
