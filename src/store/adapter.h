/*
 * Rows of easq.adapter, and where they and the rows of easq.tensor beside them stand: of the model as it is, or of a
 * checkpoint; of its own adapter, or of a named one; the current state, or one that was kept.
 */
#ifndef EASQ_ADAPTER_H
#define EASQ_ADAPTER_H

#include "store/model.h"
#include "store/table.h"

#define EASQ_CURRENT "current"
#define EASQ_TRAINED "trained"	/* as training left it */
#define EASQ_AUDITED "audited"	/* at the last audit that it passed */

typedef struct EasqPlace
{
	const char *model;
	int			checkpoint;		/* 0: the model as it is; else easq.checkpoint.number */
	const char *adapter;
	const char *state;			/* NULL in keys: all of the adapter; adapter NULL too: all of the checkpoint */
} EasqPlace;

#define EASQ_PLACE_KEYS 4

/* Keys of what stands there, in easq.adapter and in easq.tensor, whose first columns are the same; how many. */
extern int	EasqPlaceKeys(ScanKey keys, const EasqPlace *place);

/* Opens a scan on the row; NULL where there is none. */
extern HeapTuple EasqAdapterFind(EasqScan *scan, LOCKMODE mode, const EasqPlace *place);

/* All but name and counts by value.  ERROR XX001 where a number is not finite. */
extern void EasqAdapterReadRow(const EasqScan *scan, HeapTuple tuple, const char *model, EasqAdapterState *state);

/* Replaces the row, or adds it; seen by what the command does next.  ERROR 22003 where a number is not finite. */
extern void EasqAdapterWrite(const EasqPlace *place, const EasqAdapterState *state, const pg_uuid_t *backbone_id);

#endif
