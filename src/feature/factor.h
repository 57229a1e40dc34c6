/*
 * Factorisation: what the values of a row say beside the main pathway, as
 * weights of their own and products of their vectors (core/factor.h).
 *
 * A category has a row (weight, vector) in the factors of its feature, a set of
 * them the mean of their rows; a numeric feature has one row, times its
 * standardised value.  Vector features have none.  The result is an offset of
 * the main pathway's logit.
 */
#ifndef EASQ_FEATURE_FACTOR_H
#define EASQ_FEATURE_FACTOR_H

#include "postgres.h"

#include "feature/example.h"

/* Scratch for one row at a time. */
typedef struct EasqFactors EasqFactors;

/* In the current context; NULL where no feature of spec has factors. */
extern EasqFactors *EasqFactorsCreate(const EasqSpec *spec);

/*
 * The offset of an example that EasqEncode has made x of, under the same
 * encoding; 0 where factors is NULL.
 */
extern float EasqFactorOffset(EasqFactors *factors, const EasqEncoding *encoding, const char *example, const float *x);

/* Where the gradient of a row of a table is added: times share.  Valid during the call. */
typedef void (*EasqVisitFactor) (int table, int64 row, float share, const float *gradient, void *arg);

/* From the gradient of an offset to those of the rows that it was made of. */
extern void EasqFactorVisit(EasqFactors *factors, const EasqEncoding *encoding, const char *example, const float *x,
							float gradient, EasqVisitFactor visit, void *arg);

#endif
