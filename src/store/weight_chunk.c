#include "postgres.h"

#include "utils/snapmgr.h"

#include "store/columns.h"
#include "store/weight_chunk.h"

#ifdef WORDS_BIGENDIAN
#error "weights are stored as little-endian float32, and this machine is big-endian"
#endif

#define CHUNK_FLOATS 262144		/* 1 MiB */

static EasqStored
stored_tensor(char *name, size_t count, size_t row)
{
	EasqStored	stored = {name, count, row, row * Max((size_t) 1, CHUNK_FLOATS / row)};

	return stored;
}

EasqStored
EasqStoredTensor(const EasqTensor *tensor)
{
	return stored_tensor((char *) tensor->name, tensor->count,
						 tensor->ndim > 1 ? (size_t) tensor->dim[tensor->ndim - 1] : tensor->count);
}

EasqStored
EasqStoredTable(const EasqTable *table)
{
	return stored_tensor(EasqTableName(table), (size_t) table->rows * table->dim, table->dim);
}

EasqStored
EasqStoredHalf(const EasqModel *model, EasqHalf half)
{
	return half == EASQ_RANKING_HALF ? stored_tensor("ranking", model->layout.ranking, 1) :
		stored_tensor("satisfaction", model->layout.adapter - model->layout.ranking, 1);
}

EasqTensorId
EasqHalfFirst(EasqHalf half)
{
	static const EasqTensorId first[EASQ_HALVES + 1] = {EASQ_LORA_A, EASQ_SATISFACTION_GATE_WEIGHT, EASQ_TENSORS};

	return first[half];
}

size_t
EasqHalfStart(const EasqModel *model, EasqHalf half)
{
	return half == EASQ_RANKING_HALF ? 0 : model->layout.ranking;
}

size_t
EasqChunkLength(const EasqStored *stored, int chunk)
{
	size_t		start = stored->chunk * (size_t) chunk;

	return start >= stored->count ? 0 : Min(stored->chunk, stored->count - start);
}

int
EasqPartArrays(EasqPart part)
{
	return part == EASQ_WEIGHT ? 1 : 2;
}

const char *
EasqPartName(EasqPart part)
{
	return part == EASQ_WEIGHT ? "weight" : "moments";
}

bool
EasqInTier(const EasqModel *model, EasqTier tier, const EasqTensor *tensor)
{
	return tensor->count > 0 && (tensor->offset < model->layout.backbone) == (tier == EASQ_BACKBONE);
}

EasqPlace
EasqTierPlace(const EasqModel *model, EasqTier tier)
{
	EasqPlace	place = {model->name, 0, tier == EASQ_BACKBONE ? EASQ_OWN_ADAPTER : model->adapter.name, EASQ_CURRENT};

	return place;
}

const pg_uuid_t *
EasqTierId(const EasqModel *model, EasqTier tier)
{
	return tier == EASQ_BACKBONE ? &model->backbone.id : &model->adapter.id;
}

HeapTuple
EasqChunkFind(EasqScan *scan, LOCKMODE mode, const EasqPlace *place, const EasqStored *stored, EasqPart part, int chunk)
{
	ScanKeyData keys[EASQ_PLACE_KEYS + 3];
	int			nkeys = EasqPlaceKeys(keys, place);

	EasqKeyText(&keys[nkeys++], TENSOR_NAME, stored->name);
	EasqKeyText(&keys[nkeys++], TENSOR_PART, EasqPartName(part));
	EasqKeyInt4(&keys[nkeys++], TENSOR_CHUNK, BTEqualStrategyNumber, chunk);
	EasqScanBegin(scan, "tensor", "tensor_pkey", mode, GetActiveSnapshot(), nkeys, keys);
	return EasqScanNext(scan, true);
}
