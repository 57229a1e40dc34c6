/*
 * Learning from new answers: they are remembered, paired with remembered
 * ones, and taken in steps that rehearse behaviour as well.
 */
#ifndef EASQ_ANSWERS_H
#define EASQ_ANSWERS_H

#include "learn/learner.h"
#include "store/answer.h"

/*
 * Learns in an order that depends on the answers alone (not on that of the
 * array, but for asked_at); those without an ordinal are remembered on the way.  A row of easq.step
 * for each step, and one for each reason why answers were not learned.
 * strict: an answer that cannot be used is an ERROR (one without an opposite is not).
 */
extern void EasqLearnAnswers(EasqLearner *learner, EasqAnswer *answers, int count,
							 const char *source, bool strict);

/* Remembers them without learning, in the same order. */
extern void EasqRememberAnswers(EasqLearner *learner, EasqAnswer *answers, int count);

/* Why neither a step nor the knob may align yet; NULL: they may. */
extern const char *EasqWarmingUp(const EasqModel *model);

#endif
