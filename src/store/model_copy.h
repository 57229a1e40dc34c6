/*
 * Named versions of a model (easq.checkpoint): copies of its rows of easq.adapter and easq.tensor, byte for byte, of
 * all adapters and all states of them.
 */
#ifndef EASQ_MODEL_COPY_H
#define EASQ_MODEL_COPY_H

#include "store/model.h"

/* Keeps the model as the active snapshot shows it, in place of an earlier version of that label.  Under the model's lock. */
extern void EasqCheckpointWrite(const EasqModel *model, const char *label);

/*
 * Brings it back under new ids and updates *model with it.  Under both locks
 * of the model.  ERROR 42704 where there is no such label.
 */
extern void EasqCheckpointRestore(EasqModel *model, const char *label);

#endif
