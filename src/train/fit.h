/*
 * The epochs of a training: chunks in a new order each time, pairs drawn
 * anew, shuffled over the mini-batches of their chunk; and which of them it ends with.
 *
 * What an epoch draws depends on the model's seed and on the Adam steps taken
 * before it, so that two calls of n epochs are one call of 2 n where all are trained.
 */
#ifndef EASQ_FIT_H
#define EASQ_FIT_H

#include "postgres.h"

#include "train/baseline.h"
#include "train/sample.h"
#include "train/spool.h"
#include "train/trainer.h"
#include "train/validation.h"

typedef struct EasqFitPlan
{
	const char *model;			/* name, for messages */
	uint64		seed;
	int			epochs;			/* at most, where held pairs choose one of them */
	int			patience;		/* epochs without a better one after which it is enough; 0: no early stopping */
	int			batch_pairs;
	int			pairs_per_row;
	int			pairs_per_answer;	/* 0: without answers */
	EasqAlignment alignment;	/* which pairs its loss is a mean over */
	double		lambda1;
	double		lambda2;
} EasqFitPlan;

/* Of the epoch that the trainer ends with; NaN: there were no such pairs. */
typedef struct EasqFitResult
{
	int			epoch;
	int			epochs_run;
	uint64		seed;			/* of its draws */
	EasqValidated held;			/* NaN: there are no held pairs */
	int64		pairs;
	double		loss;
	double		loss_main;
	double		loss_satisfaction;
	double		loss_alignment;
} EasqFitResult;

/*
 * A NOTICE for each epoch, which judge and validation (NULL: nothing is held back) compare.  sample and baseline (NULL:
 * none) get the behaviour pairs of the epoch that the trainer ends with.
 */
extern void EasqFit(const EasqFitPlan *plan, EasqSpool *spool, EasqTrainer *trainer,
					EasqJudge *judge, EasqValidation *validation, EasqPairSample *sample, EasqBaseline *baseline,
					EasqFitResult *result);

#endif
