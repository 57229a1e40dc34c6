/*
 * The sample of behaviour pairs (easq.behaviour) that training leaves for
 * learning steps to rehearse: slots 0 .. n - 1, dense.
 */
#ifndef EASQ_BEHAVIOUR_H
#define EASQ_BEHAVIOUR_H

#include "core/random.h"
#include "store/model.h"

typedef struct EasqPair
{
	char	   *chosen;			/* packed feature values */
	int			chosen_length;
	char	   *rejected;
	int			rejected_length;
} EasqPair;

/* Replaces the sample. */
extern void EasqWriteBehaviour(const EasqModel *model, const EasqPair *pairs, int count);

/* Draws up to count different pairs; palloc'd.  Returns how many there were. */
extern int	EasqDrawBehaviour(const EasqModel *model, int count, EasqRandom *random, EasqPair **pairs);

#endif
