/*
 * Levels of main's logits.  Pairs are of one group each, so that nothing in training holds what the logits of a group
 * have in common: it is chance, and as large as what orders the rows (Book-Crossing: deviation 3.7 between people, 3.3
 * within).  Whoever compares logits of different people, as the belief in them does, learns from it what is not there:
 * the same answers in another order gave GAUC from .526 to .561 there, and .550 to .570 without it.
 */
#ifndef EASQ_LEVEL_OF_GROUPS_H
#define EASQ_LEVEL_OF_GROUPS_H

#include "train/spool.h"
#include "train/trainer.h"

/*
 * Takes from the first-order factor of every value of a category, which is the same in all rows of a group, the mean
 * of main's logits over some of the rows that have it; from that of NULL, the mean where it is hidden.  The order
 * within groups stays.  feature -1, or a model without factors: nothing.
 */
extern void EasqLevelGroups(EasqTrainer *trainer, const EasqModel *model, EasqSpool *spool, int feature);

#endif
