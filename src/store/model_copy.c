#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "store/adapter.h"
#include "store/belief.h"
#include "store/columns.h"
#include "store/model_copy.h"
#include "store/model_write.h"
#include "store/row.h"
#include "store/weight.h"

/* A row of easq.adapter that is copied. */
typedef struct Copied
{
	char	   *adapter;
	char	   *state;
	EasqAdapterState row;		/* as its copy gets it */
	pg_uuid_t	old_id;			/* what the rows of easq.tensor carry that belong to it */
	pg_uuid_t	beliefs;		/* sum of the ids of its beliefs so far */
} Copied;

/* What is copied where. */
typedef struct Copy
{
	const EasqModel *model;		/* its backbone is what the copy gets */
	int			from;			/* numbers of checkpoints; 0: the model as it is */
	int			to;
	pg_uuid_t	old_backbone;	/* id of what is copied */
	List	   *adapters;		/* of Copied * */
} Copy;

static void
delete_rows(const EasqPlace *place)
{
	ScanKeyData keys[EASQ_PLACE_KEYS];
	int			nkeys = EasqPlaceKeys(keys, place);

	EasqDeleteRows("tensor", "tensor_pkey", nkeys, keys);
	EasqDeleteRows("adapter", "adapter_pkey", nkeys, keys);
}

static Copied *
find_copied(List *list, const char *adapter, const char *state)
{
	ListCell   *cell;

	foreach(cell, list)
	{
		Copied	   *copied = lfirst(cell);

		if (strcmp(copied->adapter, adapter) == 0 && strcmp(copied->state, state) == 0)
			return copied;
	}
	return NULL;
}

static void
refuse_mixture(const Copy *copy, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("%s of model \"%s\"%s belongs to another version", what, copy->model->name,
					copy->from == 0 ? "" : psprintf(" in checkpoint %d", copy->from)),
			 errhint("The tables of schema easq must be restored together.")));
}

/* Rows of easq.adapter of one checkpoint; backbone NULL: whatever they belong to. */
static List *
read_adapters(const Copy *copy, int checkpoint, const pg_uuid_t *backbone)
{
	EasqPlace	place = {copy->model->name, checkpoint, NULL, NULL};
	ScanKeyData keys[EASQ_PLACE_KEYS];
	int			nkeys = EasqPlaceKeys(keys, &place);
	List	   *list = NIL;
	EasqScan	scan;
	HeapTuple	tuple;

	EasqScanBegin(&scan, "adapter", "adapter_pkey", AccessShareLock, GetActiveSnapshot(), nkeys, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		Copied	   *copied = palloc0(sizeof(Copied));
		pg_uuid_t	made_for = EasqColumnId(&scan, tuple, ADAPTER_BACKBONE_ID);

		copied->adapter = EasqColumnText(&scan, tuple, ADAPTER_ADAPTER);
		copied->state = EasqColumnText(&scan, tuple, ADAPTER_STATE);
		EasqAdapterReadRow(&scan, tuple, place.model, &copied->row);
		copied->old_id = copied->row.id;
		if (backbone && memcmp(&made_for, backbone, sizeof(pg_uuid_t)) != 0)
			refuse_mixture(copy, psprintf("adapter \"%s\" as %s", copied->adapter, copied->state));
		list = lappend(list, copied);
	}
	EasqScanEnd(&scan);
	return list;
}

static bool
is_backbone(const EasqModel *model, const char *name)
{
	for (int i = 0; i < EASQ_LORA_A; i++)
		if (strcmp(model->layout.tensor[i].name, name) == 0)
			return true;
	for (int t = 0; t < model->spec->tables; t++)
		if (strcmp(EasqTableName(&model->spec->table[t]), name) == 0)
			return true;
	return false;
}

/* Sets what the copy of a row of easq.tensor gets in place of what the row has.  Rows of beliefs keep their ids. */
static void
set_owner(const Copy *copy, const EasqScan *scan, HeapTuple tuple, EasqRow *row)
{
	char	   *adapter = EasqColumnText(scan, tuple, TENSOR_ADAPTER);
	char	   *state = EasqColumnText(scan, tuple, TENSOR_STATE);
	char	   *name = EasqColumnText(scan, tuple, TENSOR_NAME);
	char	   *part = EasqColumnText(scan, tuple, TENSOR_PART);
	pg_uuid_t	id = EasqColumnId(scan, tuple, TENSOR_ID);
	Copied	   *copied = find_copied(copy->adapters, adapter, state);
	const pg_uuid_t *old_id = copied ? &copied->old_id : NULL;
	const pg_uuid_t *new_id = copied ? &copied->row.id : NULL;
	int64		version = copied ? copied->row.version : 0;

	if (copied && EasqBeliefRow(part, &id, &copied->beliefs))
		old_id = new_id = &id;
	else if (adapter[0] == '\0' && strcmp(state, EASQ_CURRENT) == 0 && is_backbone(copy->model, name))
	{
		old_id = &copy->old_backbone;
		new_id = &copy->model->backbone.id;
		version = copy->model->backbone.version;
	}
	if (old_id == NULL || memcmp(&id, old_id, sizeof(pg_uuid_t)) != 0)
		refuse_mixture(copy, psprintf("chunk %d of %s", DatumGetInt32(EasqColumn(scan, tuple, TENSOR_CHUNK)), name));
	EasqRowSet(row, TENSOR_CHECKPOINT, Int32GetDatum(copy->to));
	EasqRowSet(row, TENSOR_VERSION, Int64GetDatum(version));
	if (new_id != &id)
		EasqRowSetId(row, TENSOR_ID, new_id);
	pfree(adapter);
	pfree(state);
	pfree(name);
	pfree(part);
}

static void
copy_tensors(const Copy *copy)
{
	EasqPlace	place = {copy->model->name, copy->from, NULL, NULL};
	ScanKeyData keys[EASQ_PLACE_KEYS];
	int			nkeys = EasqPlaceKeys(keys, &place);
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;

	EasqWriterBegin(&writer, "tensor");
	EasqScanBegin(&scan, "tensor", "tensor_pkey", AccessShareLock, GetActiveSnapshot(), nkeys, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		bytea	   *data = DatumGetByteaPCopy(EasqColumn(&scan, tuple, TENSOR_DATA));
		EasqRow		row;

		CHECK_FOR_INTERRUPTS();
		EasqRowInit(&row);
		for (AttrNumber column = TENSOR_MODEL; column < TENSOR_DATA; column++)
			EasqRowSet(&row, column, EasqColumn(&scan, tuple, column));
		set_owner(copy, &scan, tuple, &row);
		EasqRowSet(&row, TENSOR_DATA, PointerGetDatum(data));
		EasqWriterInsert(&writer, row.values, row.nulls);
		pfree(data);
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

static void
copy_rows(const Copy *copy)
{
	ListCell   *cell;

	foreach(cell, copy->adapters)
	{
		Copied	   *copied = lfirst(cell);
		EasqPlace	place = {copy->model->name, copy->to, copied->adapter, copied->state};

		EasqAdapterWrite(&place, &copied->row, &copy->model->backbone.id);
	}
	copy_tensors(copy);
	foreach(cell, copy->adapters)
	{
		Copied	   *copied = lfirst(cell);

		if (memcmp(&copied->beliefs, &copied->row.beliefs, sizeof(pg_uuid_t)) != 0)
			refuse_mixture(copy, psprintf("a belief of adapter \"%s\" as %s", copied->adapter, copied->state));
	}
}

/* Opens a scan on the row of a label; NULL where there is none. */
static HeapTuple
find_label(EasqScan *scan, const char *model, const char *label)
{
	ScanKeyData keys[2];

	EasqKeyText(&keys[0], CHECKPOINT_MODEL, model);
	EasqKeyText(&keys[1], CHECKPOINT_LABEL, label);
	EasqScanBegin(scan, "checkpoint", "checkpoint_pkey", AccessShareLock, GetActiveSnapshot(), 2, keys);
	return EasqScanNext(scan, false);
}

static void
delete_label(const char *model, const char *label)
{
	EasqPlace	place = {model, 0, NULL, NULL};
	ScanKeyData keys[2];
	EasqScan	scan;
	HeapTuple	tuple = find_label(&scan, model, label);
	bool		found = HeapTupleIsValid(tuple);

	if (found)
		place.checkpoint = DatumGetInt32(EasqColumn(&scan, tuple, CHECKPOINT_NUMBER));
	EasqScanEnd(&scan);
	if (!found)
		return;
	delete_rows(&place);
	EasqKeyText(&keys[0], CHECKPOINT_MODEL, model);
	EasqKeyText(&keys[1], CHECKPOINT_LABEL, label);
	EasqDeleteRows("checkpoint", "checkpoint_pkey", 2, keys);
	UpdateActiveSnapshotCommandId();
}

static int
next_number(const char *model)
{
	ScanKeyData key;
	EasqScan	scan;
	HeapTuple	tuple;
	int			last = 0;

	EasqKeyText(&key, CHECKPOINT_MODEL, model);
	EasqScanBegin(&scan, "checkpoint", "checkpoint_number", AccessShareLock, GetActiveSnapshot(), 1, &key);
	tuple = EasqScanNext(&scan, true);
	if (HeapTupleIsValid(tuple))
		last = DatumGetInt32(EasqColumn(&scan, tuple, CHECKPOINT_NUMBER));
	EasqScanEnd(&scan);
	return last + 1;
}

void
EasqCheckpointWrite(const EasqModel *model, const char *label)
{
	Copy		copy = {.model = model, .old_backbone = model->backbone.id};
	EasqWriter	writer;
	EasqRow		row;

	delete_label(model->name, label);
	copy.to = next_number(model->name);
	EasqRowInit(&row);
	EasqRowSetText(&row, CHECKPOINT_MODEL, model->name);
	EasqRowSetText(&row, CHECKPOINT_LABEL, label);
	EasqRowSet(&row, CHECKPOINT_NUMBER, Int32GetDatum(copy.to));
	EasqRowSet(&row, CHECKPOINT_FORMAT, Int32GetDatum(EASQ_FORMAT));
	EasqRowSet(&row, CHECKPOINT_OPTIONS, JsonbPGetDatum(EasqOptionsToJsonb(&model->options)));
	EasqRowSetId(&row, CHECKPOINT_BACKBONE_ID, &model->backbone.id);
	EasqRowSet(&row, CHECKPOINT_BACKBONE_STEP, Int64GetDatum(model->backbone.step));
	EasqRowSet(&row, CHECKPOINT_MEAN, EasqDoublesDatum(model->backbone.mean, model->spec->numerics));
	EasqRowSet(&row, CHECKPOINT_DEVIATION, EasqDoublesDatum(model->backbone.deviation, model->spec->numerics));
	EasqRowSet(&row, CHECKPOINT_PRIOR, EasqDoublesDatum(model->backbone.priors.variance, model->spec->count));
	EasqRowSet(&row, CHECKPOINT_VARIES, EasqDoublesDatum(model->backbone.priors.varies, model->spec->count));
	EasqRowSet(&row, CHECKPOINT_TRAINED, BoolGetDatum(model->backbone.trained));
	EasqRowSet(&row, CHECKPOINT_CREATED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	EasqWriterBegin(&writer, "checkpoint");
	EasqWriterInsert(&writer, row.values, row.nulls);
	EasqWriterEnd(&writer);
	copy.adapters = read_adapters(&copy, 0, &copy.old_backbone);
	copy_rows(&copy);
}

/* Number and backbone of the label into copy, its definition into model. */
static void
read_label(EasqModel *model, const char *label, Copy *copy)
{
	EasqScan	scan;
	HeapTuple	tuple = find_label(&scan, model->name, label);

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
	copy->from = DatumGetInt32(EasqColumn(&scan, tuple, CHECKPOINT_NUMBER));
	copy->old_backbone = EasqColumnId(&scan, tuple, CHECKPOINT_BACKBONE_ID);
	EasqOptionsInit(&model->options);
	EasqOptionsApply(&model->options, DatumGetJsonbP(EasqColumn(&scan, tuple, CHECKPOINT_OPTIONS)), true);
	EasqModelSetShape(model);
	model->backbone.step = DatumGetInt64(EasqColumn(&scan, tuple, CHECKPOINT_BACKBONE_STEP));
	model->backbone.mean = EasqReadDoubles(EasqColumn(&scan, tuple, CHECKPOINT_MEAN), model->spec->numerics, model->name);
	model->backbone.deviation = EasqReadDoubles(EasqColumn(&scan, tuple, CHECKPOINT_DEVIATION), model->spec->numerics, model->name);
	model->backbone.priors.variance = EasqReadDoubles(EasqColumn(&scan, tuple, CHECKPOINT_PRIOR), model->spec->count, model->name);
	model->backbone.priors.varies = EasqReadDoubles(EasqColumn(&scan, tuple, CHECKPOINT_VARIES), model->spec->count, model->name);
	model->backbone.trained = DatumGetBool(EasqColumn(&scan, tuple, CHECKPOINT_TRAINED));
	EasqScanEnd(&scan);
}

/* Of the model as it is what the copies do not overwrite.  A current row stays: others wait for its lock. */
static void
clear_model(const Copy *copy, List *live)
{
	EasqPlace	tensors = {copy->model->name, 0, NULL, NULL};
	ScanKeyData keys[EASQ_PLACE_KEYS];
	ListCell   *cell;
	int			nkeys = EasqPlaceKeys(keys, &tensors);

	EasqDeleteRows("tensor", "tensor_pkey", nkeys, keys);
	foreach(cell, live)
	{
		Copied	   *row = lfirst(cell);
		EasqPlace	place = {copy->model->name, 0, row->adapter, row->state};

		if (strcmp(row->state, EASQ_CURRENT) != 0 || find_copied(copy->adapters, row->adapter, row->state) == NULL)
			delete_rows(&place);
	}
	UpdateActiveSnapshotCommandId();
}

/* New ids; and what counts the answers of an adapter is not part of a version. */
static void
renew_adapters(const Copy *copy, List *live)
{
	ListCell   *cell;

	foreach(cell, copy->adapters)
	{
		Copied	   *copied = lfirst(cell);
		Copied	   *current = find_copied(live, copied->adapter, EASQ_CURRENT);

		copied->row.id = EasqNewId();
		if (current == NULL)
			continue;
		copied->row.version = current->row.version + 1;
		if (strcmp(copied->state, EASQ_CURRENT) != 0)
			continue;
		copied->row.answers = current->row.answers;
		copied->row.uncertain = current->row.uncertain;
		copied->row.asked_at = current->row.asked_at;
	}
}

void
EasqCheckpointRestore(EasqModel *model, const char *label)
{
	Copy		copy = {.model = model};
	List	   *live;

	read_label(model, label, &copy);
	model->backbone.id = EasqNewId();
	model->backbone.version++;
	live = read_adapters(&copy, 0, NULL);
	copy.adapters = read_adapters(&copy, copy.from, &copy.old_backbone);
	if (find_copied(copy.adapters, model->adapter.name, EASQ_CURRENT) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("checkpoint \"%s\" of model \"%s\" has no row in easq.adapter", label, model->name),
				 errhint("The tables of schema easq must be restored together.")));
	renew_adapters(&copy, live);
	EasqModelWriteBackbone(model);
	EasqWriteOptions(model);
	clear_model(&copy, live);
	copy_rows(&copy);
	EasqModelReadCounters(model);
}
