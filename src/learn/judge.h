/*
 * How weights order held pairs, and whether their pathways are alive.
 */
#ifndef EASQ_JUDGE_H
#define EASQ_JUDGE_H

#include "store/pair_held.h"
#include "store/model.h"

typedef struct EasqJudge EasqJudge;

/* In the current context; model and encoding must outlive it. */
extern EasqJudge *EasqJudgeCreate(const EasqModel *model, const EasqEncoding *encoding);

/*
 * What the following judge: the whole block.  It is known by its address and packed once, until
 * other weights take its place in the judge or the caller says that it has changed.
 */
extern void EasqJudgeWeights(EasqJudge *judge, const float *weights);
/* The block is another now, or gone. */
extern void EasqJudgeForget(EasqJudge *judge, const float *weights);
/* The block at to has become what that at from is, which is no longer needed. */
extern void EasqJudgeCopied(EasqJudge *judge, const float *from, const float *to);

/*
 * right [held->count] gets EasqPairRight of every pair.  A pair that does not
 * fit the model any more stays as training left it.
 */
extern void EasqJudgeSample(EasqJudge *judge, const EasqHeld *held, float *right);

/* margin [held->count] gets main's logit of the chosen row less that of the rejected one; 0 for a pair that does not fit the model. */
extern void EasqJudgeMargins(EasqJudge *judge, const EasqHeld *held, float *margin);

/*
 * Logits of both rows of pairs [start, start + pairs) of a sample under both pathways, chosen and rejected in turn:
 * main and satisfaction [2 pairs]; fits [pairs]: false where a pair does not fit the model any more.
 */
#define EASQ_JUDGE_BLOCK 128
extern void EasqJudgeBoth(EasqJudge *judge, const EasqHeld *held, int start, int pairs,
						  float *main, float *satisfaction, bool *fits);

/* The first of these pairs of a sample, encoded once to be judged under several weights; returns how many there is room for. */
#define EASQ_JUDGE_DRAWN 512
extern int	EasqJudgeDraw(EasqJudge *judge, const EasqHeld *held, const int *slot, int n);
/* right [n] gets EasqPairSoftlyRight of the pairs drawn last, under the judge's weights of now. */
extern void EasqJudgeDrawn(EasqJudge *judge, double scale, float *right);
/* A pathway's signs of life on some of the pairs drawn last. */
extern EasqVital EasqJudgeVital(EasqJudge *judge, EasqPathway pathway);

/* The logit that one pathway gives one example; false where it does not fit the model. */
extern bool EasqJudgeLogit(EasqJudge *judge, EasqPathway pathway, const char *example, int length, float *logit);

/* Those of both. */
extern bool EasqJudgeLogits(EasqJudge *judge, const char *example, int length, float *main, float *satisfaction);

/* Mean logit of a pathway alone, without what factors add, over rows of x [rows, inputs]. */
extern double EasqJudgeLevel(EasqJudge *judge, EasqPathway pathway, size_t rows, const float *x);

/* Those of both pathways, on pairs that are spread over a sample, always the same ones. */
extern void EasqJudgeVitalOf(EasqJudge *judge, const EasqHeld *held, EasqVital *vital);

/* Fills trained, weight and accuracy of a sample: what follows is compared with the judge's weights of now. */
extern void EasqJudgeTrained(EasqJudge *judge, EasqHeld *held);

/* Fills the logits that rehearsal keeps the margins of, for every pair. */
extern void EasqJudgeKept(EasqJudge *judge, EasqRehearsed *pairs, int count);

#endif
