/*
 * States of an adapter that are kept beside the current one, with their optimiser: as training left it, and as it was
 * at the last audit that it passed.  Rows of easq.adapter and easq.tensor like all others.
 */
#ifndef EASQ_WEIGHT_SAVED_H
#define EASQ_WEIGHT_SAVED_H

#include "store/adapter.h"
#include "store/belief.h"

/*
 * Replaces the state EASQ_TRAINED or EASQ_AUDITED.  weights is the whole block, adam covers the adapter.  It belongs
 * to the backbone that the model has: write that first.  beliefs: stored ones that are kept with it, or NULL.
 */
extern void EasqSavedWrite(const EasqModel *model, const char *state, const float *weights, const EasqAdam *adam,
						   const EasqBeliefs *beliefs);

/*
 * Fills the adapter's part of weights and *adam, and *alignment as it was then.
 * False where there is none; ERROR XX001 where it does not fit the model.
 */
extern bool EasqSavedRead(const EasqModel *model, const char *state, float *weights, EasqAdam *adam,
						  EasqAlignmentState *alignment);

/* What was believed then, in the current context; NULL where the model has no beliefs. */
extern EasqBeliefs *EasqSavedBeliefs(const EasqModel *model, const char *state);

extern void EasqSavedForget(const EasqModel *model, const char *state);

#endif
