/*
 * What weights, or any other way to order rows, are worth on pairs that
 * training holds back: the share that is in the right order, a mean over groups
 * of both kinds (store/pair_held.h).
 */
#ifndef EASQ_VALIDATION_H
#define EASQ_VALIDATION_H

#include "learn/judge.h"
#include "train/hold.h"

typedef struct EasqValidation
{
	EasqHeld	sample[EASQ_HELD_SAMPLES];
	float	   *right[EASQ_HELD_SAMPLES];	/* EasqPairRight of the pairs, to be filled */
	float	   *margin[EASQ_HELD_SAMPLES];	/* scratch */
} EasqValidation;

/*
 * The share itself, for people; and without its step, by which epochs are compared.  Few pairs change their order from
 * one epoch to the next, and which of them is chance: the share went up and down by .003 where that of unseen rows
 * rose steadily, and this with it.  Margins count by their spread, so that it is not their growth that counts.
 */
typedef struct EasqValidated
{
	double		accuracy;
	double		soft_accuracy;
} EasqValidated;

/* Some thousand of the held pairs, in the current context; NULL where nothing is held back. */
extern EasqValidation *EasqValidationCreate(const EasqHold *hold);

/* Of the pairs as right says. */
extern double EasqValidationAccuracy(const EasqValidation *validation);

/* Of the judge's weights of now. */
extern EasqValidated EasqValidate(EasqValidation *validation, EasqJudge *judge);

#endif
