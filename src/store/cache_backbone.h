/*
 * A backbone ready for scoring: tables of embeddings and factors, weights and statistics in one
 * block, either of this backend or shared by all of the server (cache_shared.h).
 */
#ifndef EASQ_CACHE_BACKBONE_H
#define EASQ_CACHE_BACKBONE_H

#include "store/pair_held.h"
#include "store/model.h"

struct dsm_segment;

/*
 * A shared block also holds the adapter that its loader saw, ready for scoring:
 * a connection whose snapshot shows the same one need not read it.  It never
 * changes; after a step each backend reads the new adapter for itself.
 */
typedef struct EasqPackedAdapter
{
	pg_uuid_t	id;
	float		alpha;			/* that it was packed with */
} EasqPackedAdapter;

typedef struct EasqBackbone
{
	EasqEncoding encoding;		/* means, deviations, tables */
	const float *weights;		/* [layout.backbone]; where there is an adapter, the whole block */
	const EasqPackedAdapter *adapter;	/* NULL: none */
	const float *packed;		/* its weights, see EasqScorerOpen */
	struct dsm_segment *segment;	/* NULL: the block is this backend's own */
	TransactionId writer;		/* own only because this transaction, not committed then, wrote it; else invalid */
	const EasqHeld *gate;		/* NULL: none, or not read yet (EasqVersionGate) */
	bool		gate_read;
} EasqBackbone;

/* Model's backbone under the active snapshot, with what belongs to it in the current context. */
extern void EasqBackboneLoad(EasqBackbone *backbone, const EasqModel *model);

/* Lets go of a shared block; the rest goes with the context. */
extern void EasqBackboneRelease(EasqBackbone *backbone);

/* Own although it could be shared by now: its writer has ended. */
extern bool EasqBackboneOutdated(const EasqBackbone *backbone);

#endif
