/*
 * The one reader of easq.tensor.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "miscadmin.h"

#include "core/kernel.h"
#include "compat.h"
#include "store/columns.h"
#include "store/row.h"
#include "store/weight_chunk.h"

/* What is read, and from where. */
typedef struct Source
{
	const EasqPlace *place;
	const pg_uuid_t *id;		/* that every row must carry */
	EasqPart	part;
	bool		complete;		/* every chunk must be there; else missing ones stay as they are */
} Source;

/* A row for people: which of what. */
static char *
describe(const Source *source, const EasqStored *stored, int chunk)
{
	const EasqPlace *place = source->place;
	bool		current = place->checkpoint == 0 && strcmp(place->state, EASQ_CURRENT) == 0;

	return psprintf("chunk %d of %s%s of model \"%s\"%s", chunk, stored->name,
					source->part == EASQ_MOMENTS ? " (moments)" : "", place->model,
					current ? "" : psprintf(" as %s", place->state));
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
check_finite(size_t floats, const float *x, const Source *source, const EasqStored *stored, int chunk)
{
	if (!EasqAllFinite(floats, x))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%s holds a number that is not finite", describe(source, stored, chunk)),
				 errhint("The row was not written by easq; restore it from a backup.")));
}

/* Copies what a row holds, after checking that it belongs here, to where the chunk stands in each array. */
static void
read_chunk(EasqScan *scan, HeapTuple tuple, const Source *source, const EasqStored *stored, int chunk, float **to)
{
	pg_uuid_t	row_id = EasqColumnId(scan, tuple, TENSOR_ID);
	Datum		datum = EasqColumn(scan, tuple, TENSOR_DATA);
	size_t		floats = EasqChunkLength(stored, chunk);
	size_t		at = stored->chunk * chunk;
	int			arrays = EasqPartArrays(source->part);
	bytea	   *data;

	if (memcmp(&row_id, source->id, sizeof(pg_uuid_t)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%s belongs to another version", describe(source, stored, chunk)),
				 errhint("The tables of schema easq must be restored together.")));
	if (arrays == 1 && fetch_directly(datum, floats * sizeof(float), to[0] + at))
	{
		check_finite(floats, to[0] + at, source, stored, chunk);
		return;
	}
	data = DatumGetByteaPP(datum);
	if (VARSIZE_ANY_EXHDR(data) != floats * arrays * sizeof(float))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("%s has %zu bytes instead of %zu", describe(source, stored, chunk),
						(size_t) VARSIZE_ANY_EXHDR(data), floats * arrays * sizeof(float)),
				 errhint("The row was not written by easq; restore it from a backup.")));
	for (int i = 0; i < arrays; i++)
	{
		memcpy(to[i] + at, VARDATA_ANY(data) + i * floats * sizeof(float), floats * sizeof(float));
		check_finite(floats, to[i] + at, source, stored, chunk);
	}
	if ((Pointer) data != DatumGetPointer(datum))
		pfree(data);
}

static void
read_stored(const Source *source, const EasqStored *stored, float **to)
{
	for (int chunk = 0; EasqChunkLength(stored, chunk) > 0; chunk++)
	{
		EasqScan	scan;
		HeapTuple	tuple = EasqChunkFind(&scan, AccessShareLock, source->place, stored, source->part, chunk);

		CHECK_FOR_INTERRUPTS();
		if (HeapTupleIsValid(tuple))
			read_chunk(&scan, tuple, source, stored, chunk, to);
		else if (source->complete)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("%s is missing", describe(source, stored, chunk)),
					 errhint("Restore the table easq.tensor from a backup.")));
		EasqScanEnd(&scan);
	}
}

/* The tier's tensors of the block. */
static void
read_block(const Source *source, const EasqModel *model, EasqTier tier, float **to)
{
	for (int i = 0; i < EASQ_TENSORS; i++)
	{
		const EasqTensor *tensor = &model->layout.tensor[i];
		float	   *at[2] = {NULL, NULL};
		EasqStored	stored;

		if (!EasqInTier(model, tier, tensor))
			continue;
		for (int j = 0; j < EasqPartArrays(source->part); j++)
			at[j] = to[j] + tensor->offset;
		stored = EasqStoredTensor(tensor);
		read_stored(source, &stored, at);
	}
}

static void
read_moments(const EasqModel *model, EasqTier tier, const EasqPlace *place, const pg_uuid_t *id, bool complete,
			 float *m, float *v)
{
	Source		source = {place, id, EASQ_MOMENTS, complete};
	size_t		count = tier == EASQ_BACKBONE ? model->layout.backbone : model->layout.adapter;
	float	   *to[2] = {m, v};

	memset(m, 0, count * sizeof(float));
	memset(v, 0, count * sizeof(float));
	if (tier == EASQ_BACKBONE)
		read_block(&source, model, tier, to);
	for (int half = 0; tier == EASQ_ADAPTER && half < EASQ_HALVES; half++)
	{
		EasqStored	stored = EasqStoredHalf(model, half);

		to[0] = m + EasqHalfStart(model, half);
		to[1] = v + EasqHalfStart(model, half);
		read_stored(&source, &stored, to);
	}
}

void
EasqReadWeights(const EasqModel *model, EasqTier tier, float *weights)
{
	EasqPlace	place = EasqTierPlace(model, tier);
	Source		source = {&place, EasqTierId(model, tier), EASQ_WEIGHT, true};

	read_block(&source, model, tier, &weights);
}

void
EasqReadTable(const EasqModel *model, int t, float *table)
{
	EasqPlace	place = EasqTierPlace(model, EASQ_BACKBONE);
	Source		source = {&place, &model->backbone.id, EASQ_WEIGHT, true};
	EasqStored	stored = EasqStoredTable(&model->spec->table[t]);

	read_stored(&source, &stored, &table);
}

void
EasqReadMoments(const EasqModel *model, EasqTier tier, float *m, float *v)
{
	EasqPlace	place = EasqTierPlace(model, tier);

	read_moments(model, tier, &place, EasqTierId(model, tier), false, m, v);
}

void
EasqReadTableMoments(const EasqModel *model, int t, float *m, float *v)
{
	EasqPlace	place = EasqTierPlace(model, EASQ_BACKBONE);
	Source		source = {&place, &model->backbone.id, EASQ_MOMENTS, false};
	EasqStored	stored = EasqStoredTable(&model->spec->table[t]);
	float	   *to[2] = {m, v};

	memset(m, 0, stored.count * sizeof(float));
	memset(v, 0, stored.count * sizeof(float));
	read_stored(&source, &stored, to);
}

void
EasqReadAdapterAt(const EasqModel *model, const EasqPlace *place, const pg_uuid_t *id,
				  float *weights, float *m, float *v)
{
	Source		source = {place, id, EASQ_WEIGHT, true};

	read_block(&source, model, EASQ_ADAPTER, &weights);
	read_moments(model, EASQ_ADAPTER, place, id, true, m, v);
}
