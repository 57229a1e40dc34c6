/*
 * Learning from new answers: they are remembered, paired with remembered
 * ones, and taken in steps that rehearse behaviour as well.
 */
#ifndef EASQ_ANSWERS_H
#define EASQ_ANSWERS_H

#include "learn/changes.h"
#include "learn/learner.h"

/*
 * Consumes changes: forgets and learns, in an order that depends on the answers and committed state alone, and
 * remembers those without an ordinal on the way.  A row of easq.step for each step, and one for each reason why answers
 * were not learned.  strict: an answer that cannot be used is an ERROR (one without an opposite is not).
 */
extern void EasqLearnChanges(EasqLearner *learner, EasqChanges *changes, const char *source, bool strict);

/* The same for answers that are there as an array. */
extern void EasqLearnAnswers(EasqLearner *learner, const EasqAnswer *answers, int count,
							 const char *source, bool strict);

/* One step on answers that are in order, at most EASQ_ANSWERS_A_STEP; they are given ordinals.  Returns how many were learned. */
extern int	EasqLearnPortion(EasqLearner *learner, EasqAnswer *answers, int count,
							 const char *source, EasqSkipped *skipped, bool strict);

/* Consumes changes: remembers them without learning, in the same order. */
extern void EasqRememberChanges(EasqLearner *learner, EasqChanges *changes);

/* Why neither a step nor the knob may align yet; NULL: they may. */
extern const char *EasqWarmingUp(const EasqModel *model);

#endif
