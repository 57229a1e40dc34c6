/*
 * Scoring: LoRA folded into the projection and the weights packed for two
 * matrix products, once a version.  A row costs no allocation and no look-up.
 *
 *   z = softplus(F x + b0)            F = W0 + (alpha / r) B A
 *   g = relu(Wg z + bg), e = softplus(W1 z + b1)     one product of [K m + K, d]
 *   v = sum_i g_i (wo . e_i) + bo,    score = softplus(v)
 *
 * Both pathways read the same z: stop-gradients do not show in values.
 */
#ifndef EASQ_SCORER_H
#define EASQ_SCORER_H

#include <stdbool.h>

#include "core/level.h"
#include "core/shape.h"

#define EASQ_SCORE_MIN 0x1p-149f	/* the smallest float above 0: no score is below it */
#define EASQ_SCORE_BLOCK 512	/* most rows in one call of EasqScoreRows */

typedef struct EasqScorer
{
	EasqShape	shape;
	const EasqLevel *level;
	const float *projection;	/* [d, k], packed */
	const float *projection_bias;	/* [d], filled up with 0 as the panels are */
	const float *stacked[EASQ_PATHWAYS];	/* experts, then gates: [K m + K, d], packed */
	const float *stacked_bias[EASQ_PATHWAYS];	/* [K m + K], filled up */
	const float *out[EASQ_PATHWAYS];	/* [m] */
	float		out_bias[EASQ_PATHWAYS];
} EasqScorer;

/* Floats that a packed scorer needs. */
extern size_t EasqScorerFloats(const EasqLayout *layout);
/* Packs weights (the whole flat block) into memory[EasqScorerFloats], which must outlive *scorer. */
extern void EasqScorerPack(EasqScorer *scorer, const EasqLayout *layout, const float *weights,
						   float alpha, float *memory);
/* The same on memory that these weights were packed into before, maybe by another process. */
extern void EasqScorerOpen(EasqScorer *scorer, const EasqLayout *layout, const float *weights, const float *memory);
/* Floats of scratch for up to rows rows (rows <= EASQ_SCORE_BLOCK). */
extern size_t EasqScoreWork(const EasqShape *shape, int rows);
/*
 * x [rows, k] -> logit [rows], v of the pathway.  Inputs that are the same in
 * all rows of a pass are multiplied once.  offset [rows] is added; NULL: nothing is.
 */
extern void EasqLogitRows(const EasqScorer *scorer, EasqPathway pathway, int rows,
						  const float *x, const float *offset, float *logit, float *work);
/* Logits of both pathways at the price of one projection; offset is added to main's. */
extern void EasqLogitRowsBoth(const EasqScorer *scorer, int rows, const float *x, const float *offset,
							  float *main, float *satisfaction, float *work);
/* Logits -> scores, in place: softplus, which is above 0: where it is too small for a float, EASQ_SCORE_MIN (v of -103 and below).  NaN stays NaN. */
extern void EasqScoresOfLogits(const EasqScorer *scorer, int rows, float *v);
/* x [rows, k] -> score [rows], that of v + offset of the pathway. */
extern void EasqScoreRows(const EasqScorer *scorer, EasqPathway pathway, int rows,
						  const float *x, const float *offset, float *score, float *work);

/*
 * What the rows before left behind for the next one: the part of the first
 * product that they shared.  Candidates of one viewer share the viewer's.
 */
typedef struct EasqShared
{
	float	   *x;				/* [k] the last row */
	float	   *base;			/* [d] bias and product of the shared inputs */
	uint32_t   *varies;			/* [k] all bits where an input is not shared */
	bool		has_row;
	bool		has_base;
} EasqShared;

extern size_t EasqSharedFloats(const EasqShape *shape);
/* Before the first row, and when the scorer is another.  memory [EasqSharedFloats] */
extern void EasqSharedInit(EasqShared *shared, const EasqShape *shape, float *memory);
/* Both logits of one row x [k]; work as for one row of EasqScoreRows. */
extern void EasqLogitNextBoth(const EasqScorer *scorer, EasqShared *shared, const float *x, float offset,
							  float *main, float *satisfaction, float *work);
/* The score of one row x [k]; work as for one row of EasqScoreRows. */
extern float EasqScoreNext(const EasqScorer *scorer, EasqPathway pathway, EasqShared *shared,
						   const float *x, float offset, float *work);

#endif
