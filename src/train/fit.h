/*
 * The epochs of a training: chunks in a new order each time, pairs drawn
 * anew, shuffled over the mini-batches of their chunk.
 *
 * What an epoch draws depends on the model's seed and on the Adam steps taken
 * before it, so that two calls of n epochs are one call of 2 n.
 */
#ifndef EASQ_FIT_H
#define EASQ_FIT_H

#include "postgres.h"

#include "train/hold.h"
#include "train/sample.h"
#include "train/spool.h"
#include "train/trainer.h"

typedef struct EasqFitPlan
{
	const char *model;			/* name, for messages */
	uint64		seed;
	int			epochs;
	int			batch_pairs;
	int			pairs_per_row;
	int			pairs_per_answer;	/* 0: without answers */
	const EasqHold *hold;		/* groups that make no behaviour pairs */
	EasqAlignment alignment;	/* which pairs its loss is a mean over */
	double		lambda1;
	double		lambda2;
} EasqFitPlan;

/* Of the last epoch; NaN: there were no such pairs. */
typedef struct EasqFitResult
{
	int64		pairs;
	double		loss;
	double		loss_main;
	double		loss_satisfaction;
	double		loss_alignment;
} EasqFitResult;

/* A NOTICE for each epoch.  sample gets the behaviour pairs of the last one. */
extern void EasqFit(const EasqFitPlan *plan, EasqSpool *spool, EasqTrainer *trainer,
					EasqPairSample *sample, EasqFitResult *result);

#endif
