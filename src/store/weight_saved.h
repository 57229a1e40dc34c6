/*
 * Snapshots of the adapter with its optimiser (easq.snapshot): one as training
 * left it, one at the last audit that it passed.  Checkpoints keep their own of both.
 */
#ifndef EASQ_WEIGHT_SAVED_H
#define EASQ_WEIGHT_SAVED_H

#include "store/model.h"

#define EASQ_CURRENT ""			/* the model as it is, in place of a checkpoint's label */
#define EASQ_TRAINED "trained"
#define EASQ_AUDITED "audited"

/* Replaces the current snapshot of this kind.  weights is the whole block, adam covers the adapter. */
extern void EasqSavedWrite(const EasqModel *model, const char *kind, const float *weights, const EasqAdam *adam);

/*
 * Fills the adapter's part of weights and *adam, and *alignment as it was then.
 * False where there is none; ERROR XX001 where it does not fit the model.
 */
extern bool EasqSavedRead(const EasqModel *model, const char *kind, float *weights, EasqAdam *adam,
							 EasqAlignmentState *alignment);

/* Both kinds, from one checkpoint to another. */
extern void EasqSavedCopy(const char *model, const char *from, const char *to);
extern void EasqSavedDelete(const char *model, const char *checkpoint);
/* One kind of the current ones. */
extern void EasqSavedForget(const char *model, const char *kind);

#endif
