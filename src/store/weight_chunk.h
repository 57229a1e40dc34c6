/*
 * Rows of easq.tensor: where they stand (EasqPlace, tensor, part, chunk), and how a tensor is cut into them.
 *
 * One live row for each chunk, about 1 MiB of whole rows of the tensor.  Part "weight" is the tensor, part "moments"
 * both of Adam's moments beside it; those of an adapter are two rows, of LoRA and main and of the satisfaction pathway,
 * since many a step changes only the latter, and a row costs more than its bytes.  Each row carries the id of what it belongs to: of its row of easq.adapter, or,
 * where it is of the backbone, that of easq.model or easq.checkpoint.
 *
 * Of the files weight_*.c and model_copy.c.
 */
#ifndef EASQ_WEIGHT_CHUNK_H
#define EASQ_WEIGHT_CHUNK_H

#include "store/adapter.h"
#include "store/weight.h"

typedef enum EasqPart
{
	EASQ_WEIGHT,
	EASQ_MOMENTS
} EasqPart;

/* What of an adapter changes together. */
typedef enum EasqHalf
{
	EASQ_RANKING_HALF,			/* LoRA and the main pathway */
	EASQ_SATISFACTION_HALF,
	EASQ_HALVES
} EasqHalf;

/* A tensor as it is stored: rows of so many floats, so many of them to a chunk. */
typedef struct EasqStored
{
	char	   *name;
	size_t		count;
	size_t		row;
	size_t		chunk;			/* floats in a whole chunk */
} EasqStored;

extern EasqStored EasqStoredTensor(const EasqTensor *tensor);
extern EasqStored EasqStoredTable(const EasqTable *table);
/* What stands for all tensors of one half of an adapter among moments. */
extern EasqStored EasqStoredHalf(const EasqModel *model, EasqHalf half);

/* The first tensor of a half, or, for EASQ_HALVES, the end; and where it begins in the adapter's part of the block. */
extern EasqTensorId EasqHalfFirst(EasqHalf half);
extern size_t EasqHalfStart(const EasqModel *model, EasqHalf half);

/* Floats of a chunk in one array; 0: there is no such chunk. */
extern size_t EasqChunkLength(const EasqStored *stored, int chunk);

/* Arrays that a row of a part holds. */
extern int	EasqPartArrays(EasqPart part);
extern const char *EasqPartName(EasqPart part);

/* Is it a tensor of the block that is there at all, and of this tier? */
extern bool EasqInTier(const EasqModel *model, EasqTier tier, const EasqTensor *tensor);

/* A tier of the model as it is. */
extern EasqPlace EasqTierPlace(const EasqModel *model, EasqTier tier);
extern const pg_uuid_t *EasqTierId(const EasqModel *model, EasqTier tier);

/* Opens a scan on the row of a chunk, newest version first; NULL where there is none. */
extern HeapTuple EasqChunkFind(EasqScan *scan, LOCKMODE mode, const EasqPlace *place,
							   const EasqStored *stored, EasqPart part, int chunk);

/* An adapter that stands anywhere: its part of the block, and moments as long as that.  Both must be there. */
extern void EasqReadAdapterAt(const EasqModel *model, const EasqPlace *place, const pg_uuid_t *id,
							  float *weights, float *m, float *v);

/* Writes them, under an id and a version; m NULL: stored moments are removed.  ERROR 22003 where one is not finite. */
extern void EasqWriteAdapterAt(const EasqModel *model, const EasqPlace *place, const pg_uuid_t *id, int64 version,
							   const float *weights, const float *m, const float *v);

#endif
