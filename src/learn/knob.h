/*
 * What the ranking takes of what answers say: main's logit + knob z, with z of the beliefs, and the knob the largest
 * at which the behaviour budget still holds on the held pairs.
 */
#ifndef EASQ_KNOB_H
#define EASQ_KNOB_H

#include "learn/learner.h"

/*
 * Sets knob and ranking_cost of the learner's model, under its weights and beliefs of now: 0 where warming_up, or
 * without held pairs; what gives main and z the same spread where there is no budget.
 */
extern void EasqKnobTurn(EasqLearner *learner, bool warming_up);

/*
 * Is it time, after a step that judged the guard's samples or did not?  What answers say changes by shares: it is turned
 * when an eighth of all answers is new.
 */
extern bool EasqKnobIsDue(const EasqLearner *learner, bool judged);

#endif
