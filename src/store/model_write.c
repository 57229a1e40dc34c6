#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "store/columns.h"
#include "store/model_write.h"
#include "store/row.h"
#include "store/weight.h"

Datum
EasqDoublesDatum(const double *values, int count)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		datums[i] = Float8GetDatum(values[i]);
	return PointerGetDatum(construct_array(datums, count, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
set_backbone(EasqRow *row, const EasqModel *model)
{
	EasqRowSetId(row, MODEL_BACKBONE_ID, &model->backbone.id);
	EasqRowSet(row, MODEL_BACKBONE_VERSION, Int64GetDatum(model->backbone.version));
	EasqRowSet(row, MODEL_BACKBONE_STEP, Int64GetDatum(model->backbone.step));
	EasqRowSet(row, MODEL_MEAN, EasqDoublesDatum(model->backbone.mean, model->spec->numerics));
	EasqRowSet(row, MODEL_DEVIATION, EasqDoublesDatum(model->backbone.deviation, model->spec->numerics));
	EasqRowSet(row, MODEL_PRIOR, EasqDoublesDatum(model->backbone.priors.variance, model->spec->count));
	EasqRowSet(row, MODEL_VARIES, EasqDoublesDatum(model->backbone.priors.varies, model->spec->count));
	EasqRowSetTime(row, MODEL_TRAINED_AT, model->backbone.trained ? GetCurrentTimestamp() : DT_NOBEGIN);
}

void
EasqModelWriteNew(const EasqModel *model)
{
	EasqWriter	writer;
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSetText(&row, MODEL_NAME, model->name);
	EasqRowSet(&row, MODEL_FORMAT, Int32GetDatum(EASQ_FORMAT));
	EasqRowSet(&row, MODEL_OWNER, ObjectIdGetDatum(model->owner));
	EasqRowSet(&row, MODEL_FEATURES, JsonbPGetDatum(model->features));
	EasqRowSet(&row, MODEL_INPUTS, Int32GetDatum(model->spec->inputs));
	EasqRowSet(&row, MODEL_OPTIONS, JsonbPGetDatum(EasqOptionsToJsonb(&model->options)));
	EasqRowSet(&row, MODEL_CREATED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	for (AttrNumber column = MODEL_MAY_SCORE; column <= MODEL_MAY_EXPORT; column++)
		EasqRowSet(&row, column, EasqGranteesDatum(NULL, 0));
	set_backbone(&row, model);
	EasqWriterBegin(&writer, "model");
	EasqWriterInsert(&writer, row.values, row.nulls);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

static void
update_model(const char *name, EasqRow *row)
{
	ScanKeyData key;
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	old;

	EasqWriterBegin(&writer, "model");
	EasqKeyText(&key, MODEL_NAME, name);
	EasqScanBegin(&scan, "model", "model_pkey", RowExclusiveLock, GetActiveSnapshot(), 1, &key);
	old = EasqScanNext(&scan, true);
	if (!HeapTupleIsValid(old))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("table easq.model has no row of model \"%s\"", name),
				 errhint("The tables of schema easq must be restored together.")));
	EasqWriterUpdate(&writer, old, row->values, row->nulls, row->replaces);
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

void
EasqModelWriteBackbone(const EasqModel *model)
{
	EasqRow		row;

	EasqRowInit(&row);
	set_backbone(&row, model);
	update_model(model->name, &row);
}

void
EasqWriteOptions(EasqModel *model)
{
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSet(&row, MODEL_OWNER, ObjectIdGetDatum(model->owner));
	EasqRowSet(&row, MODEL_OPTIONS, JsonbPGetDatum(EasqOptionsToJsonb(&model->options)));
	update_model(model->name, &row);
}
