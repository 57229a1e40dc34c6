/*
 * Pairs of answers: each new one with remembered ones whose value differs,
 * and how much a pair counts.
 */
#ifndef EASQ_PARTNERS_H
#define EASQ_PARTNERS_H

#include "store/answer.h"

typedef struct EasqAnswerPair
{
	const EasqAnswer *chosen;	/* the better one */
	const EasqAnswer *rejected;
	float		weight;			/* above 0 */
} EasqAnswerPair;

/*
 * Pairs of a mini-batch whose answers are remembered already, each pair once,
 * at most count * pairs_per_answer; returns how many.  Answers that are held
 * back get none; those that found no partner are counted in *alone.
 */
extern int	EasqFindPairs(const EasqModel *model, const EasqAnswer *answers, int count,
						  EasqAnswerPair *pairs, int *alone);

/*
 * Pairs of remembered answers that are learned again: so many are drawn and
 * paired as new ones are; returns how many pairs, at most count * pairs_per_answer.
 */
extern int	EasqReplayPairs(const EasqModel *model, int count, EasqAnswerPair *pairs);

/* Halves with each half-life that the answer is older than the latest one. */
extern double EasqFreshness(const EasqModel *model, const EasqAnswer *answer);

#endif
