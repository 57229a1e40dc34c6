/*
 * Early stopping: a training ends where held pairs have not been ordered better
 * for some epochs, with the weights, and the optimiser, of the epoch that ordered
 * them best (the last of those that did).  Those wait in a temporary file.  Each epoch that is no better halves the rates.
 */
#ifndef EASQ_STOPPING_H
#define EASQ_STOPPING_H

#include "train/trainer.h"

typedef struct EasqStopping EasqStopping;

/* In the current context. */
extern EasqStopping *EasqStoppingCreate(EasqTrainer *trainer, int patience);

/* After an epoch, which ordered so many held pairs rightly: was it as good as the best until now?  It is kept. */
extern bool EasqStoppingKeep(EasqStopping *stopping, double accuracy);
/* Have there been as many in a row as patience says since the best? */
extern bool EasqStoppingIsDue(const EasqStopping *stopping);
/* The trainer becomes what it was after the best epoch. */
extern void EasqStoppingEnd(EasqStopping *stopping);

#endif
