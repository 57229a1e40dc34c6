/*
 * Shapley values: how f(all) - f(none) of a function of sets is shared among n
 * members.  Each gets the mean of what it adds to those before it, over all
 * orders in which they may come; so shares add up, whatever f is.
 */
#ifndef EASQ_SHAPLEY_H
#define EASQ_SHAPLEY_H

#include "core/random.h"

/* value [2^n]: of each set, a bit for each member -> share [n]. */
extern void EasqShapley(int n, const double *value, double *share);

/* One order of many: value [n + 1] of nobody, of the first, of the first two ...; adds to share [n]. */
extern void EasqShapleyOfOrder(int n, const int *order, const double *value, double *share);

/* order [n]: 0 to n - 1, each order as likely as any other. */
extern void EasqDrawOrder(EasqRandom *random, int n, int *order);

#endif
