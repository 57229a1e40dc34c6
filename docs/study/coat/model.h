/*
 * A model over the shopper's and the coat's number (embeddings) and features,
 * as in test/bench/data/coat.sql but with wider embeddings, trained on behaviour alone.
 */
#ifndef STUDY_MODEL_H
#define STUDY_MODEL_H

#include "core/shape.h"
#include "stream.h"

#define EMBEDDING 32
#define INPUTS (2 * EMBEDDING + PERSON + LOOKS)
#define ALPHA 8.0

typedef struct Model
{
	EasqLayout	layout;
	float	   *weights;		/* the whole block */
	float	   *x;				/* [ROWS, INPUTS]: the backbone is frozen, so each row is encoded once */
	double	   *logit;			/* [ROWS] of the main pathway as trained; for rows of PART_TRAIN only */
	int			epochs;			/* that training took */
} Model;

/* Trains main pathway, backbone and embeddings until accuracy on B_val stops rising; keeps the best epoch. */
extern void ModelTrain(Model *model, const EasqShape *shape, const CoatData *data,
					   const CoatSplit *split, uint64_t seed);
extern void ModelFree(Model *model);
/* The reference model's shape with this rank and these experts. */
extern EasqShape ModelShape(int rank, int main_experts, int satisfaction_experts);
/* Copies the tensors that both layouts have at equal size; the rest of to is left as it is. */
extern void ModelCopyWeights(const EasqLayout *from_layout, const float *from, const EasqLayout *to_layout, float *to);

/* Logits of a pathway for rows whose mask has one of the bits of want; logit [ROWS], the others are left. */
extern void ModelLogits(const EasqLayout *layout, const float *weights, const float *x, EasqPathway pathway,
						const unsigned char *mask, int want, double *logit);

#endif
