/*
 * The sample of behaviour pairs (easq.behaviour) that training leaves for
 * learning steps to rehearse: slots 0 .. n - 1, dense.  Slots 2 i and 2 i + 1
 * are a couple, of one group where it had two pairs.
 */
#ifndef EASQ_PAIR_REHEARSED_H
#define EASQ_PAIR_REHEARSED_H

#include "core/random.h"
#include "store/model.h"

typedef struct EasqPair
{
	char	   *chosen;			/* packed feature values */
	int			chosen_length;
	char	   *rejected;
	int			rejected_length;
} EasqPair;

typedef struct EasqRehearsed
{
	EasqPair	pair;
	float		kept_chosen;	/* logits of the main pathway as training left it */
	float		kept_rejected;
} EasqRehearsed;

/* Replaces the sample. */
extern void EasqWriteBehaviour(const EasqModel *model, const EasqRehearsed *pairs, int count);

/* The whole sample; palloc'd. */
extern int	EasqReadBehaviour(const EasqModel *model, EasqRehearsed **pairs);

/*
 * Draws up to count different pairs, couple by couple (an odd last one alone);
 * palloc'd.  Returns how many there were.
 */
extern int	EasqDrawBehaviour(const EasqModel *model, int count, EasqRandom *random, EasqRehearsed **pairs);

#endif
