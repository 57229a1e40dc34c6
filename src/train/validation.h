/*
 * What weights, or any other way to order rows, are worth on pairs that
 * training holds back: the share that is in the right order, a mean over groups,
 * then over the kinds of pairs (store/pair_held.h), which count alike.
 *
 * Neither kind would do alone.  Whole groups do not see what a training learns
 * about people; rows of trained groups rise as long as that is learned, however
 * badly strangers are ranked by then.
 */
#ifndef EASQ_VALIDATION_H
#define EASQ_VALIDATION_H

#include "learn/judge.h"
#include "train/hold.h"

typedef struct EasqValidation
{
	EasqHeld	sample[EASQ_HELD_SAMPLES];
	float	   *right[EASQ_HELD_SAMPLES];	/* EasqPairRight of the pairs, to be filled */
} EasqValidation;

/* Some thousand of the held pairs, in the current context; NULL where nothing is held back. */
extern EasqValidation *EasqValidationCreate(const EasqHold *hold);

/* Of the pairs as right says. */
extern double EasqValidationAccuracy(const EasqValidation *validation);

/* Of the judge's weights of now. */
extern double EasqValidate(EasqValidation *validation, EasqJudge *judge);

#endif
