/*
 * Shapes of a model and where each tensor lies in its flat block of float32.
 *
 * Everything but the embedding tables is one block, in the order of
 * EasqTensorId; the part from EASQ_LORA_A on is the "adapter", the only part
 * an online step changes.  Row-major.  Plain C: nothing of PostgreSQL here.
 */
#ifndef EASQ_SHAPE_H
#define EASQ_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#define EASQ_MAX_INPUTS 16384
#define EASQ_MAX_HIDDEN 4096
#define EASQ_MAX_EXPERT_HIDDEN 4096
#define EASQ_MAX_EXPERTS 64
#define EASQ_MAX_RANK 256
#define EASQ_MAX_PARAMETERS ((size_t) 1 << 26)	/* floats in the flat block */

typedef enum EasqPathway
{
	EASQ_MAIN,
	EASQ_SATISFACTION,
	EASQ_PATHWAYS
} EasqPathway;

typedef struct EasqShape
{
	int			k;				/* inputs */
	int			d;				/* hidden units of the backbone projection */
	int			m;				/* hidden units of an expert */
	int			r;				/* LoRA rank, 0: no LoRA tensors */
	int			experts[EASQ_PATHWAYS];
} EasqShape;

typedef enum EasqTensorId
{
	EASQ_BACKBONE_WEIGHT,		/* [d, k] */
	EASQ_BACKBONE_BIAS,			/* [d] */
	EASQ_LORA_A,				/* [r, k] */
	EASQ_LORA_B,				/* [d, r] */
	EASQ_MAIN_GATE_WEIGHT,		/* [K, d]; the six of a pathway in this order */
	EASQ_MAIN_GATE_BIAS,		/* [K] */
	EASQ_MAIN_EXPERTS_WEIGHT,	/* [K, m, d] */
	EASQ_MAIN_EXPERTS_BIAS,		/* [K, m] */
	EASQ_MAIN_OUT_WEIGHT,		/* [m] */
	EASQ_MAIN_OUT_BIAS,			/* [1] */
	EASQ_SATISFACTION_GATE_WEIGHT,
	EASQ_SATISFACTION_GATE_BIAS,
	EASQ_SATISFACTION_EXPERTS_WEIGHT,
	EASQ_SATISFACTION_EXPERTS_BIAS,
	EASQ_SATISFACTION_OUT_WEIGHT,
	EASQ_SATISFACTION_OUT_BIAS,
	EASQ_TENSORS
} EasqTensorId;

/* The six tensors of a pathway, relative to its first. */
#define EASQ_PATHWAY_TENSOR(pathway, main_id) \
	((EasqTensorId) ((main_id) + (pathway) * (EASQ_SATISFACTION_GATE_WEIGHT - EASQ_MAIN_GATE_WEIGHT)))

typedef struct EasqTensor
{
	const char *name;			/* as in the reference: "main.gate.weight" */
	int			ndim;
	int			dim[3];
	size_t		count;			/* floats; 0: this shape has no such tensor */
	size_t		offset;			/* floats from the start of the block */
} EasqTensor;

typedef struct EasqLayout
{
	EasqShape	shape;
	EasqTensor	tensor[EASQ_TENSORS];
	size_t		backbone;		/* floats before the adapter */
	size_t		adapter;		/* floats of the adapter: LoRA and both pathways */
	size_t		ranking;		/* the first of them: LoRA and the main pathway, what ranks; the satisfaction pathway follows */
	size_t		total;			/* floats in all */
} EasqLayout;

/* Fills *layout.  Returns 0, or -1 where a size is out of the limits above. */
extern int	EasqLayoutInit(EasqLayout *layout, const EasqShape *shape);

/* Writes starting weights from a seed: same seed and shape, same bits. */
extern void EasqInitWeights(const EasqLayout *layout, uint64_t seed, float *weights);

/* An embedding table [size, dim]; row 0 (NULL) is zeros.  stream: its number among the tables. */
extern void EasqInitEmbedding(uint64_t seed, int stream, int64_t size, int dim, float *table);

#endif
