/*
 * The online phase of one method: one pass over the answers, a step each, with
 * the backbone frozen.
 */
#ifndef STUDY_LEARNER_H
#define STUDY_LEARNER_H

#include "method.h"
#include "model.h"

typedef struct Learner Learner;

/* A copy of the model's weights in the method's shape. */
extern Learner *LearnerCreate(const Method *method, const Model *model, const Setting *setting, double knob);
/* Step number of the stream; earlier ones are what can be replayed. */
extern void LearnerStep(Learner *learner, const Stream *stream, int number);
extern const EasqLayout *LearnerLayout(const Learner *learner);
extern const float *LearnerWeights(const Learner *learner);
extern void LearnerFree(Learner *learner);

#endif
