#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "store/model_copy.h"
#include "store/columns.h"
#include "store/row.h"
#include "store/weight_saved.h"
#include "store/weight.h"

/* The two tables whose rows make a version. */
static const struct
{
	const char *table;
	const char *index;
}			parts[] = {
	{"tensor", "tensor_pkey"},
	{"optimiser", "optimiser_pkey"}
};

static void
delete_label(const char *model, const char *label)
{
	ScanKeyData keys[2];

	EasqKeyText(&keys[0], KEPT_MODEL, model);
	EasqKeyText(&keys[1], KEPT_LABEL, label);
	EasqDeleteRows("checkpoint_tensor", "checkpoint_tensor_pkey", 2, keys);
	EasqDeleteRows("checkpoint", "checkpoint_pkey", 2, keys);
	EasqSavedDelete(model, label);
}

static void
keep_rows(EasqWriter *writer, const EasqModel *model, const char *label, int part)
{
	ScanKeyData key;
	EasqScan	scan;
	HeapTuple	tuple;

	EasqKeyText(&key, TENSOR_MODEL, model->name);
	EasqScanBegin(&scan, parts[part].table, parts[part].index, AccessShareLock, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		EasqRow		row;
		bytea	   *data = DatumGetByteaPCopy(EasqColumn(&scan, tuple, TENSOR_DATA));

		CHECK_FOR_INTERRUPTS();
		EasqRowInit(&row);
		EasqRowSetText(&row, KEPT_MODEL, model->name);
		EasqRowSetText(&row, KEPT_LABEL, label);
		EasqRowSetText(&row, KEPT_PART, parts[part].table);
		EasqRowSet(&row, KEPT_NAME, EasqColumn(&scan, tuple, TENSOR_NAME));
		EasqRowSet(&row, KEPT_CHUNK, EasqColumn(&scan, tuple, TENSOR_CHUNK));
		EasqRowSet(&row, KEPT_DATA, PointerGetDatum(data));
		EasqWriterInsert(writer, row.values, row.nulls);
		pfree(data);
	}
	EasqScanEnd(&scan);
}

void
EasqCheckpointWrite(const EasqModel *model, const char *label)
{
	EasqWriter	writer;
	EasqRow		row;

	delete_label(model->name, label);
	EasqRowInit(&row);
	EasqRowSetText(&row, CHECKPOINT_MODEL, model->name);
	EasqRowSetText(&row, CHECKPOINT_LABEL, label);
	EasqRowSet(&row, CHECKPOINT_FORMAT, Int32GetDatum(EASQ_FORMAT));
	EasqRowSet(&row, CHECKPOINT_OPTIONS, JsonbPGetDatum(EasqOptionsToJsonb(&model->options)));
	EasqRowSet(&row, CHECKPOINT_BACKBONE_STEP, Int64GetDatum(model->backbone.step));
	EasqRowSet(&row, CHECKPOINT_ADAPTER_STEP, Int64GetDatum(model->adapter.step));
	EasqRowSet(&row, CHECKPOINT_MEAN, EasqDoublesDatum(model->backbone.mean, model->spec->numerics));
	EasqRowSet(&row, CHECKPOINT_DEVIATION, EasqDoublesDatum(model->backbone.deviation, model->spec->numerics));
	EasqRowSet(&row, CHECKPOINT_TRAINED, BoolGetDatum(model->backbone.trained));
	EasqRowSet(&row, CHECKPOINT_CREATED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	EasqRowSet(&row, CHECKPOINT_ALIGNMENT, EasqAlignmentStateDatum(&model->adapter.alignment));
	EasqWriterBegin(&writer, "checkpoint");
	EasqWriterInsert(&writer, row.values, row.nulls);
	EasqWriterEnd(&writer);
	EasqWriterBegin(&writer, "checkpoint_tensor");
	for (int part = 0; part < (int) lengthof(parts); part++)
		keep_rows(&writer, model, label, part);
	EasqWriterEnd(&writer);
	EasqSavedCopy(model->name, EASQ_CURRENT, label);
}

static void
read_definition(EasqModel *model, const char *label)
{
	ScanKeyData keys[2];
	EasqScan	scan;
	HeapTuple	tuple;

	EasqKeyText(&keys[0], CHECKPOINT_MODEL, model->name);
	EasqKeyText(&keys[1], CHECKPOINT_LABEL, label);
	EasqScanBegin(&scan, "checkpoint", "checkpoint_pkey", AccessShareLock, GetActiveSnapshot(), 2, keys);
	tuple = EasqScanNext(&scan, false);
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no checkpoint \"%s\"", model->name, label),
				 errhint("SELECT label FROM easq.checkpoints WHERE model = '%s' lists them.", model->name)));
	if (DatumGetInt32(EasqColumn(&scan, tuple, CHECKPOINT_FORMAT)) != EASQ_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("checkpoint \"%s\" of model \"%s\" is stored in another format than %d", label, model->name, EASQ_FORMAT),
				 errhint("Install the version of easq that wrote it.")));
	EasqOptionsInit(&model->options);
	EasqOptionsApply(&model->options, DatumGetJsonbP(EasqColumn(&scan, tuple, CHECKPOINT_OPTIONS)), true);
	EasqModelSetShape(model);
	model->backbone.step = DatumGetInt64(EasqColumn(&scan, tuple, CHECKPOINT_BACKBONE_STEP));
	model->adapter.step = DatumGetInt64(EasqColumn(&scan, tuple, CHECKPOINT_ADAPTER_STEP));
	model->backbone.mean = EasqReadDoubles(EasqColumn(&scan, tuple, CHECKPOINT_MEAN), model->spec->numerics, model->name);
	model->backbone.deviation = EasqReadDoubles(EasqColumn(&scan, tuple, CHECKPOINT_DEVIATION), model->spec->numerics, model->name);
	model->backbone.trained = DatumGetBool(EasqColumn(&scan, tuple, CHECKPOINT_TRAINED));
	EasqAlignmentStateRead(&model->adapter.alignment, EasqColumn(&scan, tuple, CHECKPOINT_ALIGNMENT), model->name);
	EasqScanEnd(&scan);
}

static bool
is_adapter(const EasqModel *model, const char *name)
{
	for (int i = EASQ_LORA_A; i < EASQ_TENSORS; i++)
		if (strcmp(model->layout.tensor[i].name, name) == 0)
			return true;
	return false;
}

static void
bring_back_rows(const EasqModel *model, const char *label, int part)
{
	ScanKeyData keys[3];
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;

	EasqKeyText(&keys[0], TENSOR_MODEL, model->name);
	EasqDeleteRows(parts[part].table, parts[part].index, 1, keys);
	EasqKeyText(&keys[0], KEPT_MODEL, model->name);
	EasqKeyText(&keys[1], KEPT_LABEL, label);
	EasqKeyText(&keys[2], KEPT_PART, parts[part].table);
	EasqWriterBegin(&writer, parts[part].table);
	EasqScanBegin(&scan, "checkpoint_tensor", "checkpoint_tensor_pkey", AccessShareLock, GetActiveSnapshot(), 3, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		bool		adapter = is_adapter(model, EasqColumnText(&scan, tuple, KEPT_NAME));
		bytea	   *data = DatumGetByteaPCopy(EasqColumn(&scan, tuple, KEPT_DATA));
		EasqRow		row;

		CHECK_FOR_INTERRUPTS();
		EasqRowInit(&row);
		EasqRowSetText(&row, TENSOR_MODEL, model->name);
		EasqRowSet(&row, TENSOR_NAME, EasqColumn(&scan, tuple, KEPT_NAME));
		EasqRowSet(&row, TENSOR_CHUNK, EasqColumn(&scan, tuple, KEPT_CHUNK));
		EasqRowSet(&row, TENSOR_VERSION, Int64GetDatum(adapter ? model->adapter.version : model->backbone.version));
		EasqRowSetId(&row, TENSOR_ID, adapter ? &model->adapter.id : &model->backbone.id);
		EasqRowSet(&row, TENSOR_DATA, PointerGetDatum(data));
		EasqWriterInsert(&writer, row.values, row.nulls);
		pfree(data);
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
}

void
EasqCheckpointRestore(EasqModel *model, const char *label)
{
	read_definition(model, label);
	EasqRenewModel(model);
	for (int part = 0; part < (int) lengthof(parts); part++)
		bring_back_rows(model, label, part);
	EasqSavedDelete(model->name, EASQ_CURRENT);
	EasqSavedCopy(model->name, label, EASQ_CURRENT);
	UpdateActiveSnapshotCommandId();
}
