#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "core/kernel.h"
#include "compat.h"
#include "store/columns.h"
#include "store/row.h"
#include "store/weight.h"

#ifdef WORDS_BIGENDIAN
#error "weights are stored as little-endian float32, and this machine is big-endian"
#endif

#define CHUNK_FLOATS 262144		/* 1 MiB */

/* A tensor as it is stored: rows of so many floats, so many rows to a chunk. */
typedef struct Stored
{
	char	   *name;
	size_t		count;
	size_t		row;
	size_t		chunk;			/* floats in a whole chunk */
} Stored;

static Stored
stored_tensor(char *name, size_t count, size_t row)
{
	Stored		stored = {name, count, row, row * Max((size_t) 1, CHUNK_FLOATS / row)};

	return stored;
}

static Stored
block_tensor(const EasqTensor *tensor)
{
	return stored_tensor((char *) tensor->name, tensor->count,
						 tensor->ndim > 1 ? (size_t) tensor->dim[tensor->ndim - 1] : tensor->count);
}

char *
EasqEmbeddingName(const EasqFeature *feature)
{
	return psprintf("embedding.%s.weight", feature->name);
}

static Stored
embedding_tensor(const EasqFeature *feature)
{
	return stored_tensor(EasqEmbeddingName(feature), (size_t) feature->size * feature->dim, feature->dim);
}

static bool
in_tier(const EasqModel *model, EasqTier tier, const EasqTensor *tensor)
{
	return tensor->count > 0 && (tensor->offset < model->layout.backbone) == (tier == EASQ_BACKBONE);
}

static const pg_uuid_t *
tier_id(const EasqModel *model, EasqTier tier)
{
	return tier == EASQ_BACKBONE ? &model->backbone.id : &model->adapter.id;
}

static int64
tier_version(const EasqModel *model, EasqTier tier)
{
	return tier == EASQ_BACKBONE ? model->backbone.version : model->adapter.version;
}

static size_t
chunk_length(const Stored *stored, int chunk)
{
	size_t		start = stored->chunk * (size_t) chunk;

	return start >= stored->count ? 0 : Min(stored->chunk, stored->count - start);
}

/* Fetches what is stored out of line and not compressed straight to where it belongs; false: it is stored otherwise. */
static bool
fetch_directly(Datum datum, Size bytes, float *to)
{
	struct varlena *stored = (struct varlena *) DatumGetPointer(datum);
	struct varatt_external place;
	Relation	toast;

	if (!VARATT_IS_EXTERNAL_ONDISK(stored))
		return false;
	VARATT_EXTERNAL_GET_POINTER(place, stored);
	if (VARATT_EXTERNAL_IS_COMPRESSED(place) || (Size) VARATT_EXTERNAL_GET_EXTSIZE(place) != bytes)
		return false;
	toast = table_open(place.va_toastrelid, AccessShareLock);
	/* It writes behind the header of what it takes for a varlena. */
	table_relation_fetch_toast_slice(toast, place.va_valueid, (int32) bytes, 0, (int32) bytes,
									 (struct varlena *) ((char *) to - VARHDRSZ));
	table_close(toast, AccessShareLock);
	return true;
}

static void
check_chunk(size_t floats, const float *x, const EasqModel *model, const Stored *stored, int chunk)
{
	if (!EasqAllFinite(floats, x))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("chunk %d of %s of model \"%s\" holds a number that is not finite", chunk, stored->name, model->name),
				 errhint("The row was not written by easq; restore it from a backup.")));
}

/* Copies one chunk's parts (1: a tensor; 2: both moments) after checking where it belongs. */
static void
read_chunk(EasqScan *scan, HeapTuple tuple, const EasqModel *model, const Stored *stored,
		   int chunk, const pg_uuid_t *id, int parts, float **target)
{
	pg_uuid_t	row_id = EasqColumnId(scan, tuple, TENSOR_ID);
	Datum		datum = EasqColumn(scan, tuple, TENSOR_DATA);
	size_t		floats = chunk_length(stored, chunk);
	bytea	   *data;

	if (memcmp(&row_id, id, sizeof(pg_uuid_t)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("chunk %d of %s of model \"%s\" belongs to another version", chunk, stored->name, model->name),
				 errhint("The tables of schema easq must be restored together.")));
	if (parts == 1 && fetch_directly(datum, floats * sizeof(float), target[0] + stored->chunk * chunk))
	{
		check_chunk(floats, target[0] + stored->chunk * chunk, model, stored, chunk);
		return;
	}
	data = DatumGetByteaPP(datum);
	if (VARSIZE_ANY_EXHDR(data) != floats * parts * sizeof(float))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("chunk %d of %s of model \"%s\" has %zu bytes instead of %zu", chunk, stored->name,
						model->name, (size_t) VARSIZE_ANY_EXHDR(data), floats * parts * sizeof(float)),
				 errhint("The row was not written by easq; restore it from a backup.")));
	for (int part = 0; part < parts; part++)
	{
		float	   *to = target[part] + stored->chunk * chunk;

		memcpy(to, VARDATA_ANY(data) + part * floats * sizeof(float), floats * sizeof(float));
		check_chunk(floats, to, model, stored, chunk);
	}
	if ((Pointer) data != DatumGetPointer(datum))
		pfree(data);
}

/* Opens a scan on the row of one chunk, newest version first; NULL where there is none. */
static HeapTuple
find_chunk(EasqScan *scan, const char *table, const char *index, LOCKMODE mode,
		   const EasqModel *model, const Stored *stored, int chunk)
{
	ScanKeyData keys[3];

	EasqKeyText(&keys[0], TENSOR_MODEL, model->name);
	EasqKeyText(&keys[1], TENSOR_NAME, stored->name);
	EasqKeyInt4(&keys[2], TENSOR_CHUNK, BTEqualStrategyNumber, chunk);
	EasqScanBegin(scan, table, index, mode, GetActiveSnapshot(), 3, keys);
	return EasqScanNext(scan, true);
}

/* Reads what is stored of a tensor; complete: every chunk must be there, else missing ones stay as they are. */
static void
read_stored(const char *table, const char *index, const EasqModel *model, const Stored *stored,
			const pg_uuid_t *id, int parts, float **target, bool complete)
{
	for (int chunk = 0; chunk_length(stored, chunk) > 0; chunk++)
	{
		EasqScan	scan;
		HeapTuple	tuple = find_chunk(&scan, table, index, AccessShareLock, model, stored, chunk);

		CHECK_FOR_INTERRUPTS();
		if (HeapTupleIsValid(tuple))
			read_chunk(&scan, tuple, model, stored, chunk, id, parts, target);
		else if (complete)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("chunk %d of %s of model \"%s\" is missing", chunk, stored->name, model->name),
					 errhint("Restore the table easq.%s from a backup.", table)));
		EasqScanEnd(&scan);
	}
}

void
EasqReadWeights(const EasqModel *model, EasqTier tier, float *weights)
{
	for (int i = 0; i < EASQ_TENSORS; i++)
	{
		const EasqTensor *tensor = &model->layout.tensor[i];
		float	   *target = weights + tensor->offset;
		Stored		stored;

		if (!in_tier(model, tier, tensor))
			continue;
		stored = block_tensor(tensor);
		read_stored("tensor", "tensor_pkey", model, &stored, tier_id(model, tier), 1, &target, true);
	}
}

void
EasqReadEmbedding(const EasqModel *model, const EasqFeature *feature, float *table)
{
	Stored		stored = embedding_tensor(feature);

	read_stored("tensor", "tensor_pkey", model, &stored, &model->backbone.id, 1, &table, true);
}

void
EasqReadMoments(const EasqModel *model, EasqTier tier, float *m, float *v)
{
	size_t		base = tier == EASQ_BACKBONE ? 0 : model->layout.backbone;
	size_t		count = tier == EASQ_BACKBONE ? model->layout.backbone : model->layout.adapter;

	memset(m, 0, count * sizeof(float));
	memset(v, 0, count * sizeof(float));
	for (int i = 0; i < EASQ_TENSORS; i++)
	{
		const EasqTensor *tensor = &model->layout.tensor[i];
		float	   *target[2];
		Stored		stored;

		if (!in_tier(model, tier, tensor))
			continue;
		target[0] = m + tensor->offset - base;
		target[1] = v + tensor->offset - base;
		stored = block_tensor(tensor);
		read_stored("optimiser", "optimiser_pkey", model, &stored, tier_id(model, tier), 2, target, false);
	}
}

void
EasqReadEmbeddingMoments(const EasqModel *model, const EasqFeature *feature, float *m, float *v)
{
	Stored		stored = embedding_tensor(feature);
	float	   *target[2] = {m, v};

	memset(m, 0, stored.count * sizeof(float));
	memset(v, 0, stored.count * sizeof(float));
	read_stored("optimiser", "optimiser_pkey", model, &stored, &model->backbone.id, 2, target, false);
}

/* Writing: one open table of tensors or moments, and the id that its rows get. */
typedef struct Target
{
	EasqWriter	writer;
	const char *table;
	const char *index;
	const EasqModel *model;
	EasqTier	tier;
	int			parts;
} Target;

static void
target_begin(Target *target, const char *table, const char *index, const EasqModel *model,
			 EasqTier tier, int parts)
{
	target->table = table;
	target->index = index;
	target->model = model;
	target->tier = tier;
	target->parts = parts;
	EasqWriterBegin(&target->writer, table);
}

static bytea *
chunk_bytes(const Stored *stored, int chunk, int parts, const float *const *source)
{
	size_t		bytes = chunk_length(stored, chunk) * sizeof(float);
	bytea	   *data = palloc(VARHDRSZ + bytes * parts);

	SET_VARSIZE(data, VARHDRSZ + bytes * parts);
	for (int part = 0; part < parts; part++)
		memcpy(VARDATA(data) + part * bytes, source[part] + stored->chunk * chunk, bytes);
	return data;
}

static bool
chunk_is_dirty(const Stored *stored, int chunk, const bool *dirty)
{
	size_t		first = stored->chunk / stored->row * chunk;
	size_t		rows = chunk_length(stored, chunk) / stored->row;

	return dirty == NULL || memchr(dirty + first, true, rows) != NULL;
}

static void
write_chunk(Target *target, HeapTuple old, const Stored *stored, int chunk,
			const float *const *source, bool is_dirty)
{
	EasqRow		row;
	bytea	   *data = NULL;

	EasqRowInit(&row);
	EasqRowSet(&row, TENSOR_VERSION, Int64GetDatum(tier_version(target->model, target->tier)));
	EasqRowSetId(&row, TENSOR_ID, tier_id(target->model, target->tier));
	if (is_dirty)
	{
		data = chunk_bytes(stored, chunk, target->parts, source);
		EasqRowSet(&row, TENSOR_DATA, PointerGetDatum(data));
	}
	if (HeapTupleIsValid(old))
		EasqWriterUpdate(&target->writer, old, row.values, row.nulls, row.replaces);
	else if (is_dirty)
	{
		EasqRowSetText(&row, TENSOR_MODEL, target->model->name);
		EasqRowSetText(&row, TENSOR_NAME, stored->name);
		EasqRowSet(&row, TENSOR_CHUNK, Int32GetDatum(chunk));
		EasqWriterInsert(&target->writer, row.values, row.nulls);
	}
	if (data)
		pfree(data);
}

/* source NULL: the stored rows are removed. */
static void
write_stored(Target *target, const Stored *stored, const float *const *source, const bool *dirty)
{
	for (int chunk = 0; chunk_length(stored, chunk) > 0; chunk++)
	{
		EasqScan	scan;
		HeapTuple	old = find_chunk(&scan, target->table, target->index, RowExclusiveLock,
									 target->model, stored, chunk);

		CHECK_FOR_INTERRUPTS();
		if (source)
			write_chunk(target, old, stored, chunk, source, chunk_is_dirty(stored, chunk, dirty));
		else if (HeapTupleIsValid(old))
			EasqWriterDelete(&target->writer, old);
		EasqScanEnd(&scan);
	}
}

/* The tier's part of the block into one table; source[part] is the start of the part that base counts from. */
static void
write_block(Target *target, EasqTier tier, const float *const *source, size_t base)
{
	for (int i = 0; i < EASQ_TENSORS; i++)
	{
		const EasqTensor *tensor = &target->model->layout.tensor[i];
		const float *at[2];
		Stored		stored;

		if (!in_tier(target->model, tier, tensor))
			continue;
		for (int part = 0; source && part < target->parts; part++)
			at[part] = source[part] + tensor->offset - base;
		stored = block_tensor(tensor);
		write_stored(target, &stored, source ? at : NULL, NULL);
	}
}

static void
write_embeddings(Target *target, float **first, float **second, bool **dirty)
{
	for (int i = 0; i < target->model->spec->count; i++)
	{
		const EasqFeature *feature = &target->model->spec->feature[i];
		int			table = feature->table;
		const float *source[2];
		Stored		stored;

		if (table < 0)
			continue;
		source[0] = first ? first[table] : NULL;
		source[1] = second ? second[table] : NULL;
		stored = embedding_tensor(feature);
		write_stored(target, &stored, first ? source : NULL, dirty ? dirty[table] : NULL);
	}
}

static void
end_writing(Target *target)
{
	EasqWriterEnd(&target->writer);
	UpdateActiveSnapshotCommandId();
}

static void
check_finite(const EasqModel *model, const float *weights, size_t from, size_t to)
{
	if (!EasqAllFinite(to - from, weights + from))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("model \"%s\" would hold a weight that is not finite", model->name),
				 errhint("Nothing was stored. Lower learning_rate or max_grad_norm.")));
}

static void
update_row(const char *table, const char *index, const char *name, EasqRow *row)
{
	ScanKeyData key;
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	old;

	EasqWriterBegin(&writer, table);
	EasqKeyText(&key, 1, name);
	EasqScanBegin(&scan, table, index, RowExclusiveLock, GetActiveSnapshot(), 1, &key);
	old = EasqScanNext(&scan, true);
	if (!HeapTupleIsValid(old))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("table easq.%s has no row of model \"%s\"", table, name),
				 errhint("The tables of schema easq must be restored together.")));
	EasqWriterUpdate(&writer, old, row->values, row->nulls, row->replaces);
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

static void
set_counters(EasqRow *row, const EasqModel *model)
{
	bool		uncounted;
	Datum		tally = EasqAnswerCountsDatum(&model->adapter.counts, &uncounted);

	EasqRowSet(row, ADAPTER_STEP, Int64GetDatum(model->adapter.step));
	EasqRowSet(row, ADAPTER_ANSWERS, Int64GetDatum(model->adapter.answers));
	EasqRowSet(row, ADAPTER_UNCERTAIN, Int64GetDatum(model->adapter.uncertain));
	if (uncounted)
		EasqRowSetNull(row, ADAPTER_TALLY);
	else
		EasqRowSet(row, ADAPTER_TALLY, tally);
	EasqRowSetTime(row, ADAPTER_ASKED_AT, model->adapter.asked_at);
	EasqRowSet(row, ADAPTER_ALIGNMENT, EasqAlignmentStateDatum(&model->adapter.alignment));
	EasqRowSet(row, ADAPTER_UPDATED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
}

static void
write_adapter_row(EasqModel *model)
{
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSetId(&row, ADAPTER_ID, &model->adapter.id);
	EasqRowSetId(&row, ADAPTER_BACKBONE_ID, &model->backbone.id);
	EasqRowSet(&row, ADAPTER_VERSION, Int64GetDatum(model->adapter.version));
	set_counters(&row, model);
	update_row("adapter", "adapter_pkey", model->name, &row);
}

void
EasqWriteCounters(EasqModel *model)
{
	write_adapter_row(model);
}

void
EasqWriteAdapter(EasqModel *model, const float *weights, const float *m, const float *v)
{
	Target		target;
	const float *moments[2] = {m, v};

	check_finite(model, weights, model->layout.backbone, model->layout.total);
	model->adapter.id = EasqNewId();
	model->adapter.version++;
	target_begin(&target, "tensor", "tensor_pkey", model, EASQ_ADAPTER, 1);
	write_block(&target, EASQ_ADAPTER, &weights, 0);
	end_writing(&target);
	target_begin(&target, "optimiser", "optimiser_pkey", model, EASQ_ADAPTER, 2);
	write_block(&target, EASQ_ADAPTER, m ? moments : NULL, model->layout.backbone);
	end_writing(&target);
	write_adapter_row(model);
}

Datum
EasqDoublesDatum(const double *values, int count)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		datums[i] = Float8GetDatum(values[i]);
	return PointerGetDatum(construct_array(datums, count, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
write_backbone_row(EasqModel *model)
{
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSetId(&row, MODEL_BACKBONE_ID, &model->backbone.id);
	EasqRowSet(&row, MODEL_BACKBONE_VERSION, Int64GetDatum(model->backbone.version));
	EasqRowSet(&row, MODEL_BACKBONE_STEP, Int64GetDatum(model->backbone.step));
	EasqRowSet(&row, MODEL_MEAN, EasqDoublesDatum(model->backbone.mean, model->spec->numerics));
	EasqRowSet(&row, MODEL_DEVIATION, EasqDoublesDatum(model->backbone.deviation, model->spec->numerics));
	if (model->backbone.trained)
		EasqRowSet(&row, MODEL_TRAINED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	else
		EasqRowSetNull(&row, MODEL_TRAINED_AT);
	update_row("model", "model_pkey", model->name, &row);
}

void
EasqRenewModel(EasqModel *model)
{
	model->backbone.id = EasqNewId();
	model->backbone.version++;
	model->adapter.id = EasqNewId();
	model->adapter.version++;
	write_backbone_row(model);
	EasqWriteOptions(model);
	write_adapter_row(model);
}

void
EasqWriteBackbone(EasqModel *model, const float *weights, float **embedding, bool **dirty,
				  const float *m, const float *v, float **embedding_m, float **embedding_v)
{
	Target		target;
	const float *moments[2] = {m, v};

	check_finite(model, weights, 0, model->layout.backbone);
	for (int i = 0; i < model->spec->count; i++)
	{
		const EasqFeature *feature = &model->spec->feature[i];

		if (feature->table >= 0)
			check_finite(model, embedding[feature->table], 0, (size_t) feature->size * feature->dim);
	}
	model->backbone.id = EasqNewId();
	model->backbone.version++;
	target_begin(&target, "tensor", "tensor_pkey", model, EASQ_BACKBONE, 1);
	write_block(&target, EASQ_BACKBONE, &weights, 0);
	write_embeddings(&target, embedding, NULL, dirty);
	end_writing(&target);
	target_begin(&target, "optimiser", "optimiser_pkey", model, EASQ_BACKBONE, 2);
	write_block(&target, EASQ_BACKBONE, m ? moments : NULL, 0);
	write_embeddings(&target, embedding_m, embedding_v, dirty);
	end_writing(&target);

	write_backbone_row(model);
}

/* Gives stored rows of the adapter a new id without touching their data. */
static void
renew_adapter_id(EasqModel *model, const char *table, const char *index)
{
	Target		target;

	target_begin(&target, table, index, model, EASQ_ADAPTER, 1);
	for (int i = 0; i < EASQ_TENSORS; i++)
	{
		const EasqTensor *tensor = &model->layout.tensor[i];
		Stored		stored;

		if (!in_tier(model, EASQ_ADAPTER, tensor))
			continue;
		stored = block_tensor(tensor);
		for (int chunk = 0; chunk_length(&stored, chunk) > 0; chunk++)
		{
			EasqScan	scan;
			HeapTuple	old = find_chunk(&scan, table, index, RowExclusiveLock, model, &stored, chunk);

			write_chunk(&target, old, &stored, chunk, NULL, false);
			EasqScanEnd(&scan);
		}
	}
	end_writing(&target);
}

void
EasqWriteOptions(EasqModel *model)
{
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSet(&row, MODEL_OWNER, ObjectIdGetDatum(model->owner));
	EasqRowSet(&row, MODEL_OPTIONS, JsonbPGetDatum(EasqOptionsToJsonb(&model->options)));
	update_row("model", "model_pkey", model->name, &row);
}

void
EasqWriteDefinition(EasqModel *model)
{
	EasqWriteOptions(model);
	model->adapter.id = EasqNewId();
	renew_adapter_id(model, "tensor", "tensor_pkey");
	renew_adapter_id(model, "optimiser", "optimiser_pkey");
	write_adapter_row(model);
}

void
EasqModelInsert(EasqModel *model, const float *weights, float **embedding)
{
	Target		target;
	EasqWriter	writer;
	EasqRow		row;

	check_finite(model, weights, 0, model->layout.total);
	model->backbone.id = EasqNewId();
	model->adapter.id = EasqNewId();
	model->backbone.version = 1;
	model->adapter.version = 1;
	EasqAlignmentStateInit(&model->adapter.alignment);
	model->adapter.step = model->adapter.answers = model->adapter.uncertain = 0;
	model->adapter.counts.count = 0;
	model->adapter.asked_at = DT_NOBEGIN;

	EasqRowInit(&row);
	EasqRowSetText(&row, MODEL_NAME, model->name);
	EasqRowSet(&row, MODEL_FORMAT, Int32GetDatum(EASQ_FORMAT));
	EasqRowSet(&row, MODEL_OWNER, ObjectIdGetDatum(model->owner));
	EasqRowSet(&row, MODEL_FEATURES, JsonbPGetDatum(model->features));
	EasqRowSet(&row, MODEL_OPTIONS, JsonbPGetDatum(EasqOptionsToJsonb(&model->options)));
	EasqRowSetId(&row, MODEL_BACKBONE_ID, &model->backbone.id);
	EasqRowSet(&row, MODEL_BACKBONE_VERSION, Int64GetDatum(model->backbone.version));
	EasqRowSet(&row, MODEL_BACKBONE_STEP, Int64GetDatum(0));
	EasqRowSet(&row, MODEL_MEAN, EasqDoublesDatum(model->backbone.mean, model->spec->numerics));
	EasqRowSet(&row, MODEL_DEVIATION, EasqDoublesDatum(model->backbone.deviation, model->spec->numerics));
	for (AttrNumber column = MODEL_MAY_SCORE; column <= MODEL_MAY_EXPORT; column++)
		EasqRowSet(&row, column, EasqGranteesDatum(NULL, 0));
	EasqRowSet(&row, MODEL_CREATED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	if (model->backbone.trained)
		EasqRowSet(&row, MODEL_TRAINED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	EasqWriterBegin(&writer, "model");
	EasqWriterInsert(&writer, row.values, row.nulls);
	EasqWriterEnd(&writer);

	EasqRowInit(&row);
	EasqRowSetText(&row, ADAPTER_MODEL, model->name);
	EasqRowSetId(&row, ADAPTER_ID, &model->adapter.id);
	EasqRowSetId(&row, ADAPTER_BACKBONE_ID, &model->backbone.id);
	EasqRowSet(&row, ADAPTER_VERSION, Int64GetDatum(model->adapter.version));
	set_counters(&row, model);
	EasqWriterBegin(&writer, "adapter");
	EasqWriterInsert(&writer, row.values, row.nulls);
	EasqWriterEnd(&writer);

	target_begin(&target, "tensor", "tensor_pkey", model, EASQ_BACKBONE, 1);
	write_block(&target, EASQ_BACKBONE, &weights, 0);
	write_embeddings(&target, embedding, NULL, NULL);
	target.tier = EASQ_ADAPTER;
	write_block(&target, EASQ_ADAPTER, &weights, 0);
	EasqWriterEnd(&target.writer);
}

void
EasqModelDelete(const char *name)
{
	static const struct
	{
		const char *table;
		const char *index;
		AttrNumber	model;		/* column that names it */
	}			owned[] = {
		{"tensor", "tensor_pkey", TENSOR_MODEL},
		{"optimiser", "optimiser_pkey", TENSOR_MODEL},
		{"answer", "answer_pkey", ANSWER_MODEL},
		{"queued", "queued_pkey", QUEUED_MODEL},
		{"hourly", "hourly_pkey", HOURLY_MODEL},
		{"behaviour", "behaviour_pkey", BEHAVIOUR_MODEL},
		{"held", "held_pkey", HELD_MODEL},
		{"snapshot", "snapshot_pkey", SNAPSHOT_MODEL},
		{"checkpoint_tensor", "checkpoint_tensor_pkey", KEPT_MODEL},
		{"checkpoint", "checkpoint_pkey", CHECKPOINT_MODEL},
		{"step", "step_model", STEP_MODEL},
		{"training", "training_model", TRAINING_MODEL},
		{"adapter", "adapter_pkey", ADAPTER_MODEL},
		{"model", "model_pkey", MODEL_NAME},
	};

	for (int i = 0; i < (int) lengthof(owned); i++)
	{
		ScanKeyData key;

		EasqKeyText(&key, owned[i].model, name);
		EasqDeleteRows(owned[i].table, owned[i].index, 1, &key);
	}
}
