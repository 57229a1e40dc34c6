/*
 * What the answers of a training say, counted in one pass under the weights that it has left.
 */
#ifndef EASQ_TRAIN_BELIEVE_H
#define EASQ_TRAIN_BELIEVE_H

#include "feature/belief.h"
#include "train/hold.h"
#include "train/sample.h"
#include "train/spool.h"
#include "train/trainer.h"

/* Mean and deviation of main's logits: on the rows of the gate's sample, or, without one, on those of the other. */
extern void EasqMeasureMain(EasqTrainer *trainer, const EasqModel *model, const EasqHold *hold, const EasqPairSample *sample,
							double *mean, double *deviation);

/*
 * Beliefs that stand on the spool's answers alone, in its order: values, bias and main's logit.  The satisfaction
 * pathway is left out, as its weights have seen these answers.  How they surprised goes to *surprise.  In the current context.
 */
extern EasqBeliefs *EasqTrainBeliefs(EasqTrainer *trainer, const EasqModel *model, EasqSpool *spool,
									 double mean, double deviation, EasqSurprise *surprise);

#endif
