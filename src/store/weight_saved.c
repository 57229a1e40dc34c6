#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "core/kernel.h"
#include "store/columns.h"
#include "store/row.h"
#include "store/weight_saved.h"
#include "store/weight.h"

#define CHUNK_FLOATS ((Size) 262144)	/* 1 MiB */

/* Weights, first and second moments, one after the other, each so many floats. */
#define PARTS 3

static Size
adapter_floats(const EasqModel *model)
{
	return model->layout.adapter;
}

static int
set_keys(ScanKeyData *keys, const char *model, const char *checkpoint, const char *kind)
{
	EasqKeyText(&keys[0], SNAPSHOT_MODEL, model);
	EasqKeyText(&keys[1], SNAPSHOT_CHECKPOINT, checkpoint);
	if (kind == NULL)
		return 2;
	EasqKeyText(&keys[2], SNAPSHOT_KIND, kind);
	return 3;
}

static void
delete_rows(const char *model, const char *checkpoint, const char *kind)
{
	ScanKeyData keys[3];
	int			nkeys = set_keys(keys, model, checkpoint, kind);

	EasqDeleteRows("snapshot", "snapshot_pkey", nkeys, keys);
}

void
EasqSavedDelete(const char *model, const char *checkpoint)
{
	delete_rows(model, checkpoint, NULL);
}

void
EasqSavedForget(const char *model, const char *kind)
{
	delete_rows(model, EASQ_CURRENT, kind);
}

void
EasqSavedWrite(const EasqModel *model, const char *kind, const float *weights, const EasqAdam *adam)
{
	const float *part[PARTS] = {weights + model->layout.backbone, adam->m, adam->v};
	Size		floats = adapter_floats(model);
	EasqWriter	writer;
	int			chunk = 0;

	delete_rows(model->name, EASQ_CURRENT, kind);
	EasqWriterBegin(&writer, "snapshot");
	for (int p = 0; p < PARTS; p++)
		for (Size start = 0; start < floats; start += CHUNK_FLOATS)
		{
			EasqRow		row;

			CHECK_FOR_INTERRUPTS();
			EasqRowInit(&row);
			EasqRowSetText(&row, SNAPSHOT_MODEL, model->name);
			EasqRowSetText(&row, SNAPSHOT_CHECKPOINT, EASQ_CURRENT);
			EasqRowSetText(&row, SNAPSHOT_KIND, kind);
			EasqRowSet(&row, SNAPSHOT_CHUNK, Int32GetDatum(chunk++));
			EasqRowSet(&row, SNAPSHOT_STEP, Int64GetDatum(adam->step));
			EasqRowSet(&row, SNAPSHOT_ALIGNMENT, EasqAlignmentStateDatum(&model->adapter.alignment));
			EasqRowSet(&row, SNAPSHOT_DATA,
					   EasqBytesDatum(part[p] + start, sizeof(float) * Min(CHUNK_FLOATS, floats - start)));
			EasqWriterInsert(&writer, row.values, row.nulls);
		}
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

static void
refuse_snapshot(const EasqModel *model, const char *kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("snapshot \"%s\" of model \"%s\" does not hold three times %zu finite numbers",
					kind, model->name, adapter_floats(model)),
			 errhint("The rows of easq.snapshot were not written by easq; restore them from a backup.")));
}

static void
read_data(const EasqModel *model, const char *kind, const EasqScan *scan, HeapTuple tuple, float *to, Size floats)
{
	int			length;
	char	   *bytes = EasqColumnBytes(scan, tuple, SNAPSHOT_DATA, &length);

	if ((Size) length != sizeof(float) * floats)
		refuse_snapshot(model, kind);
	memcpy(to, bytes, length);
	pfree(bytes);
	if (!EasqAllFinite(floats, to))
		refuse_snapshot(model, kind);
}

bool
EasqSavedRead(const EasqModel *model, const char *kind, float *weights, EasqAdam *adam,
				 EasqAlignmentState *alignment)
{
	float	   *part[PARTS] = {weights + model->layout.backbone, adam->m, adam->v};
	Size		floats = adapter_floats(model);
	Size		chunks = (floats + CHUNK_FLOATS - 1) / CHUNK_FLOATS;
	Size		read = 0;
	ScanKeyData keys[3];
	EasqScan	scan;
	HeapTuple	tuple;
	int			nkeys = set_keys(keys, model->name, EASQ_CURRENT, kind);

	EasqScanBegin(&scan, "snapshot", "snapshot_pkey", AccessShareLock, GetActiveSnapshot(), nkeys, keys);
	for (; HeapTupleIsValid(tuple = EasqScanNext(&scan, false)); read++)
	{
		Size		start = read % chunks * CHUNK_FLOATS;

		if (read >= PARTS * chunks)
			refuse_snapshot(model, kind);
		read_data(model, kind, &scan, tuple, part[read / chunks] + start, Min(CHUNK_FLOATS, floats - start));
		adam->step = DatumGetInt64(EasqColumn(&scan, tuple, SNAPSHOT_STEP));
		EasqAlignmentStateRead(alignment, EasqColumn(&scan, tuple, SNAPSHOT_ALIGNMENT), model->name);
	}
	EasqScanEnd(&scan);
	if (read > 0 && read != PARTS * chunks)
		refuse_snapshot(model, kind);
	return read > 0;
}

void
EasqSavedCopy(const char *model, const char *from, const char *to)
{
	ScanKeyData keys[3];
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	int			nkeys = set_keys(keys, model, from, NULL);

	EasqWriterBegin(&writer, "snapshot");
	EasqScanBegin(&scan, "snapshot", "snapshot_pkey", AccessShareLock, GetActiveSnapshot(), nkeys, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		bytea	   *data = DatumGetByteaPCopy(EasqColumn(&scan, tuple, SNAPSHOT_DATA));
		EasqRow		row;

		CHECK_FOR_INTERRUPTS();
		EasqRowInit(&row);
		for (AttrNumber column = 1; column < SNAPSHOT_DATA; column++)
			EasqRowSet(&row, column, EasqColumn(&scan, tuple, column));
		EasqRowSetText(&row, SNAPSHOT_CHECKPOINT, to);
		EasqRowSet(&row, SNAPSHOT_DATA, PointerGetDatum(data));
		EasqWriterInsert(&writer, row.values, row.nulls);
		pfree(data);
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
}
