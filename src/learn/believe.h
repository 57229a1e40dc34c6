/*
 * New answers as counts: what each says of the values it is about, and how the satisfaction pathway's logits have to
 * be read as probabilities.  Each answer once, before the pathways learn from it; replayed and held-back ones not.
 */
#ifndef EASQ_BELIEVE_H
#define EASQ_BELIEVE_H

#include "learn/learner.h"
#include "store/answer.h"

/* Beliefs and pathway_scale of the learner's model learn; returns the calibration after these answers. */
extern EasqCalibration EasqCountAnswers(EasqLearner *learner, const EasqAnswer *answers, int count);

#endif
