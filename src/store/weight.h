/*
 * Weights and optimiser state in easq.tensor (weight_chunk.h says how its rows are made).
 *
 * "Tier" is the backbone (backbone.*, embedding.*, factor.*) or the adapter (the rest).
 * Each row carries its tier's id, and reading refuses a mixture (XX001).
 */
#ifndef EASQ_WEIGHT_H
#define EASQ_WEIGHT_H

#include "store/model.h"

typedef enum EasqTier
{
	EASQ_BACKBONE,
	EASQ_ADAPTER
} EasqTier;

/* Under the active snapshot.  weights is the whole block; only the tier's part of it is filled. */
extern void EasqReadWeights(const EasqModel *model, EasqTier tier, float *weights);

/* Table number t of the model's spec: [rows, dim]. */
extern void EasqReadTable(const EasqModel *model, int t, float *table);

/*
 * Adam's moments of a tier's part of the block; zeros where nothing is stored.
 * m and v are as long as that part: [layout.backbone] or [layout.adapter].
 */
extern void EasqReadMoments(const EasqModel *model, EasqTier tier, float *m, float *v);
/* Those of table number t. */
extern void EasqReadTableMoments(const EasqModel *model, int t, float *m, float *v);

/*
 * Writes of a tier, under the model's lock (the backbone's also under its
 * definition lock).  Each gives the tier a new id: EasqWriteAdapter updates the
 * adapter row from model->adapter.step, adapter_version + 1, answers and the
 * current backbone_id, and model->adapter.id / adapter_version with it.
 * moments NULL: stored ones are removed (the optimiser starts afresh).  ranking false: LoRA and main are what is stored,
 * and get the new id alone.
 */
extern void EasqWriteAdapter(EasqModel *model, const float *weights, const float *m, const float *v, bool ranking);

/*
 * dirty [tables]: for each table a bool a row, true where the row changed; NULL: all of them.
 * Only chunks with a changed row are rewritten (the others get the new id alone).
 * m, v: of the backbone's part of the block; table_m / table_v [tables] likewise.  All NULL: removed.
 * Updates the model row from model->backbone.mean, deviation, backbone_step, trained.
 * EasqWriteAdapter must follow in the same transaction: the adapter names its backbone.
 */
extern void EasqWriteBackbone(EasqModel *model, const float *weights, float **table, bool **dirty,
							  const float *m, const float *v, float **table_m, float **table_v);

/* The adapter row and the counts by value alone: counters of remembered answers moved, weights did not. */
extern void EasqWriteCounters(EasqModel *model);

/* model->options and owner alone; a new adapter id must follow in the same transaction. */
extern void EasqWriteOptions(EasqModel *model);

/* Stores model->options and owner, and gives the adapter a new id (cached weights hold options too). */
extern void EasqWriteDefinition(EasqModel *model);

#endif
