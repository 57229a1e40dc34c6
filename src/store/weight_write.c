/*
 * The one writer of easq.tensor.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "core/kernel.h"
#include "store/answer_count.h"
#include "store/columns.h"
#include "store/model_write.h"
#include "store/row.h"
#include "store/weight_chunk.h"

/* Where it is written to, and what its rows get. */
typedef struct Target
{
	EasqWriter	writer;
	const EasqModel *model;
	EasqPlace	place;
	const pg_uuid_t *id;
	int64		version;
	EasqPart	part;
} Target;

static void
target_begin(Target *target, const EasqModel *model, const EasqPlace *place, const pg_uuid_t *id, int64 version)
{
	target->model = model;
	target->place = *place;
	target->id = id;
	target->version = version;
	target->part = EASQ_WEIGHT;
	EasqWriterBegin(&target->writer, "tensor");
}

static void
target_end(Target *target)
{
	EasqWriterEnd(&target->writer);
	UpdateActiveSnapshotCommandId();
}

static void
check_finite(const EasqModel *model, const float *weights, size_t count)
{
	if (!EasqAllFinite(count, weights))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("model \"%s\" would hold a weight that is not finite", model->name),
				 errhint("Nothing was stored. Lower learning_rate or max_grad_norm.")));
}

static bytea *
chunk_bytes(const EasqStored *stored, int chunk, EasqPart part, const float *const *source)
{
	size_t		bytes = EasqChunkLength(stored, chunk) * sizeof(float);
	int			arrays = EasqPartArrays(part);
	bytea	   *data = palloc(VARHDRSZ + bytes * arrays);

	SET_VARSIZE(data, VARHDRSZ + bytes * arrays);
	for (int i = 0; i < arrays; i++)
		memcpy(VARDATA(data) + i * bytes, source[i] + stored->chunk * chunk, bytes);
	return data;
}

static bool
chunk_is_dirty(const EasqStored *stored, int chunk, const bool *dirty)
{
	size_t		first = stored->chunk / stored->row * chunk;
	size_t		rows = EasqChunkLength(stored, chunk) / stored->row;

	return dirty == NULL || memchr(dirty + first, true, rows) != NULL;
}

/* Not dirty: a row that is there gets id and version alone. */
static void
write_chunk(Target *target, HeapTuple old, const EasqStored *stored, int chunk,
			const float *const *source, bool is_dirty)
{
	EasqRow		row;
	bytea	   *data = NULL;

	EasqRowInit(&row);
	EasqRowSet(&row, TENSOR_VERSION, Int64GetDatum(target->version));
	EasqRowSetId(&row, TENSOR_ID, target->id);
	if (is_dirty)
	{
		data = chunk_bytes(stored, chunk, target->part, source);
		EasqRowSet(&row, TENSOR_DATA, PointerGetDatum(data));
	}
	if (HeapTupleIsValid(old))
		EasqWriterUpdate(&target->writer, old, row.values, row.nulls, row.replaces);
	else if (is_dirty)
	{
		EasqRowSetText(&row, TENSOR_MODEL, target->place.model);
		EasqRowSet(&row, TENSOR_CHECKPOINT, Int32GetDatum(target->place.checkpoint));
		EasqRowSetText(&row, TENSOR_ADAPTER, target->place.adapter);
		EasqRowSetText(&row, TENSOR_STATE, target->place.state);
		EasqRowSetText(&row, TENSOR_NAME, stored->name);
		EasqRowSetText(&row, TENSOR_PART, EasqPartName(target->part));
		EasqRowSet(&row, TENSOR_CHUNK, Int32GetDatum(chunk));
		EasqWriterInsert(&target->writer, row.values, row.nulls);
	}
	if (data)
		pfree(data);
}

/* source NULL: the stored rows are removed. */
static void
write_stored(Target *target, const EasqStored *stored, const float *const *source, const bool *dirty)
{
	for (int chunk = 0; EasqChunkLength(stored, chunk) > 0; chunk++)
	{
		EasqScan	scan;
		HeapTuple	old = EasqChunkFind(&scan, RowExclusiveLock, &target->place, stored, target->part, chunk);

		CHECK_FOR_INTERRUPTS();
		if (source)
			write_chunk(target, old, stored, chunk, source, chunk_is_dirty(stored, chunk, dirty));
		else if (HeapTupleIsValid(old))
			EasqWriterDelete(&target->writer, old);
		EasqScanEnd(&scan);
	}
}

/* Gives stored rows a new id without touching their data. */
static void
renew_stored(Target *target, EasqPart part, const EasqStored *stored)
{
	target->part = part;
	for (int chunk = 0; EasqChunkLength(stored, chunk) > 0; chunk++)
	{
		EasqScan	scan;
		HeapTuple	old = EasqChunkFind(&scan, RowExclusiveLock, &target->place, stored, part, chunk);

		write_chunk(target, old, stored, chunk, NULL, false);
		EasqScanEnd(&scan);
	}
}

/* Tensors [first, last) of the block; source NULL: those stored are removed. */
static void
write_block(Target *target, EasqTensorId first, EasqTensorId last, EasqPart part, const float *const *source)
{
	target->part = part;
	for (EasqTensorId id = first; id < last; id++)
	{
		const EasqTensor *tensor = &target->model->layout.tensor[id];
		const float *at[2] = {NULL, NULL};
		EasqStored	stored;

		if (tensor->count == 0)
			continue;
		for (int j = 0; source && j < EasqPartArrays(part); j++)
			at[j] = source[j] + tensor->offset;
		stored = EasqStoredTensor(tensor);
		write_stored(target, &stored, source ? at : NULL, NULL);
	}
}

static void
write_tables(Target *target, EasqPart part, float **first, float **second, bool **dirty)
{
	const EasqSpec *spec = target->model->spec;

	target->part = part;
	for (int t = 0; t < spec->tables; t++)
	{
		const float *source[2] = {first ? first[t] : NULL, second ? second[t] : NULL};
		EasqStored	stored = EasqStoredTable(&spec->table[t]);

		write_stored(target, &stored, first ? source : NULL, dirty ? dirty[t] : NULL);
	}
}

/* One half of an adapter; m NULL: its moments are removed. */
static void
write_half(Target *target, EasqHalf half, const float *weights, const float *m, const float *v)
{
	size_t		start = EasqHalfStart(target->model, half);
	EasqStored	stored = EasqStoredHalf(target->model, half);
	const float *moments[2] = {m ? m + start : NULL, m ? v + start : NULL};

	write_block(target, EasqHalfFirst(half), EasqHalfFirst(half + 1), EASQ_WEIGHT, &weights);
	target->part = EASQ_MOMENTS;
	write_stored(target, &stored, m ? moments : NULL, NULL);
}

static void
renew_half(Target *target, EasqHalf half)
{
	const EasqModel *model = target->model;
	EasqStored	stored = EasqStoredHalf(model, half);

	for (EasqTensorId id = EasqHalfFirst(half); id < EasqHalfFirst(half + 1); id++)
	{
		EasqStored	one;

		if (model->layout.tensor[id].count == 0)
			continue;
		one = EasqStoredTensor(&model->layout.tensor[id]);
		renew_stored(target, EASQ_WEIGHT, &one);
	}
	renew_stored(target, EASQ_MOMENTS, &stored);
}

void
EasqWriteAdapterAt(const EasqModel *model, const EasqPlace *place, const pg_uuid_t *id, int64 version,
				   const float *weights, const float *m, const float *v)
{
	Target		target;

	check_finite(model, weights + model->layout.backbone, model->layout.adapter);
	target_begin(&target, model, place, id, version);
	for (EasqHalf half = 0; half < EASQ_HALVES; half++)
		write_half(&target, half, weights, m, v);
	target_end(&target);
}

void
EasqWriteCounters(EasqModel *model)
{
	EasqPlace	place = EasqTierPlace(model, EASQ_ADAPTER);

	EasqAdapterWrite(&place, &model->adapter, &model->backbone.id);
	EasqAnswerCountsWrite(model);
}

void
EasqWriteAdapter(EasqModel *model, const float *weights, const float *m, const float *v, bool ranking)
{
	EasqPlace	place = EasqTierPlace(model, EASQ_ADAPTER);
	Target		target;

	model->adapter.id = EasqNewId();
	model->adapter.version++;
	check_finite(model, weights + model->layout.backbone, model->layout.adapter);
	target_begin(&target, model, &place, &model->adapter.id, model->adapter.version);
	if (ranking)
		write_half(&target, EASQ_RANKING_HALF, weights, m, v);
	else
		renew_half(&target, EASQ_RANKING_HALF);
	write_half(&target, EASQ_SATISFACTION_HALF, weights, m, v);
	target_end(&target);
	EasqWriteCounters(model);
}

/* m NULL: moments are removed. */
static void
write_backbone(EasqModel *model, const float *weights, float **table, bool **dirty,
			   const float *m, const float *v, float **table_m, float **table_v)
{
	EasqPlace	place = EasqTierPlace(model, EASQ_BACKBONE);
	const float *moments[2] = {m, v};
	Target		target;

	check_finite(model, weights, model->layout.backbone);
	for (int t = 0; t < model->spec->tables; t++)
		check_finite(model, table[t], (size_t) model->spec->table[t].rows * model->spec->table[t].dim);
	target_begin(&target, model, &place, &model->backbone.id, model->backbone.version);
	write_block(&target, 0, EASQ_LORA_A, EASQ_WEIGHT, &weights);
	write_tables(&target, EASQ_WEIGHT, table, NULL, dirty);
	write_block(&target, 0, EASQ_LORA_A, EASQ_MOMENTS, m ? moments : NULL);
	write_tables(&target, EASQ_MOMENTS, table_m, table_v, dirty);
	target_end(&target);
}

void
EasqWriteBackbone(EasqModel *model, const float *weights, float **table, bool **dirty,
				  const float *m, const float *v, float **table_m, float **table_v)
{
	model->backbone.id = EasqNewId();
	model->backbone.version++;
	write_backbone(model, weights, table, dirty, m, v, table_m, table_v);
	EasqModelWriteBackbone(model);
}

void
EasqModelInsert(EasqModel *model, const float *weights, float **table)
{
	EasqPlace	place;

	model->adapter.name = EASQ_OWN_ADAPTER;
	model->backbone.id = EasqNewId();
	model->adapter.id = EasqNewId();
	model->backbone.version = 1;
	model->adapter.version = 1;
	EasqAlignmentStateInit(&model->adapter.alignment);
	model->adapter.step = model->adapter.answers = model->adapter.uncertain = 0;
	model->adapter.counts.count = model->adapter.stored_counts.count = 0;
	model->adapter.asked_at = DT_NOBEGIN;
	memset(&model->adapter.beliefs, 0, sizeof(model->adapter.beliefs));

	EasqModelWriteNew(model);
	write_backbone(model, weights, table, NULL, NULL, NULL, NULL, NULL);
	place = EasqTierPlace(model, EASQ_ADAPTER);
	EasqWriteAdapterAt(model, &place, &model->adapter.id, model->adapter.version, weights, NULL, NULL);
	EasqAdapterWrite(&place, &model->adapter, &model->backbone.id);
}

static void
renew_adapter(EasqModel *model)
{
	EasqPlace	place = EasqTierPlace(model, EASQ_ADAPTER);
	Target		target;

	target_begin(&target, model, &place, &model->adapter.id, model->adapter.version);
	for (EasqHalf half = 0; half < EASQ_HALVES; half++)
		renew_half(&target, half);
	target_end(&target);
}

void
EasqWriteDefinition(EasqModel *model)
{
	EasqWriteOptions(model);
	model->adapter.id = EasqNewId();
	renew_adapter(model);
	EasqWriteCounters(model);
}
