/*
 * A satisfaction pathway that gives all rows the same score has no gradient and would stay so for ever: its experts
 * begin again as a new model's do.
 */
#ifndef EASQ_REVIVAL_H
#define EASQ_REVIVAL_H

#include "learn/learner.h"

/*
 * After a step on this batch, refused or not.  True where the experts were restarted, with fresh moments, and a row of
 * easq.step says so.  Looks from time to time, and whenever refused by their death.
 */
extern bool EasqReviveSatisfaction(EasqLearner *learner, const EasqBatch *batch, bool refused);

#endif
