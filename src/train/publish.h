/*
 * The last write of a training, under the model's lock: weights, what steps
 * rehearse and are judged by, what is remembered; and the answers that came
 * meanwhile are learned again on the new backbone before anybody sees it.
 */
#ifndef EASQ_PUBLISH_H
#define EASQ_PUBLISH_H

#include "train/hold.h"
#include "train/sample.h"
#include "train/spool.h"
#include "train/trainer.h"

typedef struct EasqTrained
{
	EasqModel  *model;			/* as it was at the start, but for the means and deviations of this training */
	EasqSpool  *spool;
	EasqHold   *hold;
	EasqTrainer *trainer;
	EasqPairSample *sample;
	double		main_mean;		/* of main's logits, where the model has beliefs */
	double		main_deviation;
	EasqBeliefs *beliefs;		/* of this training's answers; NULL: those that there were stay */
	EasqSurprise surprise;		/* of these answers, where there are beliefs of theirs */
} EasqTrained;

/* Returns the model as it is stored.  ERROR 40001 where its backbone was replaced since the start. */
extern EasqModel *EasqPublish(const EasqTrained *trained);

#endif
