/*
 * How the logits of a row, less those of a reference row, are shared among the features.
 *
 * A set of features gives a row of its own: their values from the row, the others' from the reference.  What counts is
 * the model's own logits of these rows, so that shares are Shapley values of the whole model, interactions and factors
 * included, and add up.  Up to EASQ_SHARED_EXACTLY features that differ from the reference all sets are scored; of
 * more, the sets along drawn orders and their reverses, and the error says how sure the mean over these is.
 */
#ifndef EASQ_SHARE_H
#define EASQ_SHARE_H

#include "sql/scoring.h"

#define EASQ_SHARED_EXACTLY 12

typedef enum EasqSharedLogit
{
	EASQ_SHARE_MAIN,
	EASQ_SHARE_SATISFACTION,	/* of the logit of easq_satisfaction */
	EASQ_SHARE_TRAINED,			/* of main as training left it */
	EASQ_SHARES
} EasqSharedLogit;

typedef struct EasqShare
{
	double		of[EASQ_SHARES];
	double		error;			/* standard error of main + knob satisfaction; 0: exact */
} EasqShare;

/*
 * Shares [features] of a row and a reference, both packed.  scoring: made for an opinion, with a block; trained: main as
 * training left it, NULL: its shares are 0.
 */
extern EasqShare *EasqShareLogits(EasqScoring *scoring, const EasqScorer *trained, double knob, const char *row,
								  const char *reference);

#endif
