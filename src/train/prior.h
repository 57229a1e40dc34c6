/*
 * How far the values of each feature may be believed to move satisfaction before any answer: by what the rows of
 * a training say the feature is.
 *
 * Of the features that hardly vary within a group the one with most values is who is asked, and people differ much;
 * of the others the one with most values is what is asked about.
 */
#ifndef EASQ_PRIOR_H
#define EASQ_PRIOR_H

#include "core/belief.h"
#include "feature/spec.h"

typedef struct EasqPriorCounts EasqPriorCounts;

/* In the current context. */
extern EasqPriorCounts *EasqPriorCountsCreate(const EasqSpec *spec);
/* Rows in the order of facts.h. */
extern void EasqPriorCountsStartGroup(EasqPriorCounts *counts, bool in_group);
extern void EasqPriorCountsAdd(EasqPriorCounts *counts, const char *example);
/* The feature that says who is asked, -1: none does. */
extern int	EasqPriorsAsked(const EasqPriorCounts *counts);
/* Both arrays of priors are there already. */
extern void EasqPriorsChoose(const EasqPriorCounts *counts, EasqPriors *priors);

#endif
