#include "postgres.h"

#include "utils/snapmgr.h"

#include "store/columns.h"
#include "store/row.h"
#include "store/weight_chunk.h"
#include "store/weight_saved.h"

static EasqPlace
place_of(const EasqModel *model, const char *state)
{
	EasqPlace	place = {model->name, 0, model->adapter.name, state};

	return place;
}

void
EasqSavedWrite(const EasqModel *model, const char *state, const float *weights, const EasqAdam *adam,
			   const EasqBeliefs *beliefs)
{
	EasqPlace	place = place_of(model, state);
	EasqAdapterState saved = model->adapter;

	saved.id = EasqNewId();
	saved.step = adam->step;
	memset(&saved.beliefs, 0, sizeof(saved.beliefs));
	if (beliefs)
	{
		saved.beliefs = beliefs->id;
		EasqBeliefsKeep(model, state, beliefs);
	}
	EasqWriteAdapterAt(model, &place, &saved.id, saved.version, weights, adam->m, adam->v);
	EasqAdapterWrite(&place, &saved, &model->backbone.id);
}

bool
EasqSavedRead(const EasqModel *model, const char *state, float *weights, EasqAdam *adam,
			  EasqAlignmentState *alignment)
{
	EasqPlace	place = place_of(model, state);
	EasqAdapterState saved;
	pg_uuid_t	backbone_id;
	EasqScan	scan;
	HeapTuple	tuple = EasqAdapterFind(&scan, AccessShareLock, &place);
	bool		found = HeapTupleIsValid(tuple);

	if (found)
	{
		backbone_id = EasqColumnId(&scan, tuple, ADAPTER_BACKBONE_ID);
		EasqAdapterReadRow(&scan, tuple, model->name, &saved);
	}
	EasqScanEnd(&scan);
	if (!found)
		return false;
	if (memcmp(&backbone_id, &model->backbone.id, sizeof(pg_uuid_t)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the adapter of model \"%s\" as %s was made for another backbone", model->name, state),
				 errhint("The tables of schema easq must be restored together.")));
	EasqReadAdapterAt(model, &place, &saved.id, weights, adam->m, adam->v);
	adam->step = saved.step;
	*alignment = saved.alignment;
	return true;
}

EasqBeliefs *
EasqSavedBeliefs(const EasqModel *model, const char *state)
{
	EasqPlace	place = place_of(model, state);
	EasqScan	scan;
	HeapTuple	tuple = EasqAdapterFind(&scan, AccessShareLock, &place);
	pg_uuid_t	id = {{0}};

	if (HeapTupleIsValid(tuple))
		id = EasqColumnId(&scan, tuple, ADAPTER_BELIEFS);
	EasqScanEnd(&scan);
	return EasqBeliefsReadState(model, state, &id);
}

void
EasqSavedForget(const EasqModel *model, const char *state)
{
	EasqPlace	place = place_of(model, state);
	ScanKeyData keys[EASQ_PLACE_KEYS];
	int			nkeys = EasqPlaceKeys(keys, &place);

	EasqDeleteRows("tensor", "tensor_pkey", nkeys, keys);
	EasqDeleteRows("adapter", "adapter_pkey", nkeys, keys);
	UpdateActiveSnapshotCommandId();
}
