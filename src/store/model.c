/*
 * Reading models: what a statement may do and which weights it means.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "store/adapter.h"
#include "store/columns.h"
#include "store/model.h"
#include "store/row.h"

static void
unknown_model(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" does not exist", EasqClipText(name, EASQ_QUOTED)),
			 errhint("SELECT name FROM easq.models lists the models; easq_create_model makes one.")));
}

/* Opens a scan on the row of a model; NULL where there is none. */
static HeapTuple
find_model(EasqScan *scan, const char *name)
{
	ScanKeyData key;

	EasqKeyText(&key, MODEL_NAME, name);
	EasqScanBegin(scan, "model", "model_pkey", AccessShareLock, GetActiveSnapshot(), 1, &key);
	return EasqScanNext(scan, true);
}

/* The same of its adapter as it is. */
static HeapTuple
find_adapter(EasqScan *scan, const char *name, const char *adapter)
{
	EasqPlace	place = {name, 0, adapter, EASQ_CURRENT};

	return EasqAdapterFind(scan, AccessShareLock, &place);
}

static void
check_format(const EasqScan *scan, HeapTuple tuple, const char *name)
{
	int			format = DatumGetInt32(EasqColumn(scan, tuple, MODEL_FORMAT));

	if (format != EASQ_FORMAT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("model \"%s\" is stored in format %d, and this library reads format %d", name, format, EASQ_FORMAT),
				 errhint("Install the version of easq that wrote it, or run ALTER EXTENSION easq UPDATE.")));
}

/* An adapter belongs to the backbone it was trained on: both were written by one transaction. */
static void
check_pair(const char *name, const pg_uuid_t *backbone, const pg_uuid_t *named)
{
	if (memcmp(backbone, named, sizeof(pg_uuid_t)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the adapter of model \"%s\" was made for another backbone", name),
				 errhint("Rows of easq.model and easq.adapter must be restored together.")));
}

bool
EasqModelIdentity(const char *name, EasqIdentity *identity, bool missing_ok)
{
	EasqScan	scan;
	HeapTuple	tuple = find_model(&scan, name);
	bool		found = HeapTupleIsValid(tuple);
	pg_uuid_t	named;

	if (found)
	{
		check_format(&scan, tuple, name);
		EasqRightsRead(&identity->rights, &scan, tuple);
		identity->backbone_id = EasqColumnId(&scan, tuple, MODEL_BACKBONE_ID);
	}
	EasqScanEnd(&scan);
	if (found)
	{
		tuple = find_adapter(&scan, name, EASQ_OWN_ADAPTER);
		found = HeapTupleIsValid(tuple);
		if (found)
		{
			identity->adapter_id = EasqColumnId(&scan, tuple, ADAPTER_ID);
			identity->beliefs = EasqColumnId(&scan, tuple, ADAPTER_BELIEFS);
			named = EasqColumnId(&scan, tuple, ADAPTER_BACKBONE_ID);
			check_pair(name, &identity->backbone_id, &named);
		}
		EasqScanEnd(&scan);
	}
	if (!found && !missing_ok)
		unknown_model(name);
	return found;
}

bool
EasqModelStamp(const char *name, EasqStamp *stamp)
{
	EasqScan	scan;
	HeapTuple	tuple = find_model(&scan, name);
	bool		found = HeapTupleIsValid(tuple);

	if (found)
		*stamp = EasqRowStamp(&scan, tuple);
	EasqScanEnd(&scan);
	return found;
}

void
EasqModelCheck(const char *name, Oid role, EasqRight right)
{
	EasqIdentity identity;

	EasqModelIdentity(name, &identity, false);
	EasqModelCheckRight(name, &identity.rights, role, right);
}

double *
EasqReadDoubles(Datum datum, int expected, const char *name)
{
	ArrayType  *array = DatumGetArrayTypeP(datum);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	double	   *values = palloc(sizeof(double) * Max(expected, 1));

	if (ARR_ELEMTYPE(array) != FLOAT8OID || ARR_HASNULL(array) || count != expected)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("model \"%s\" has %d numbers instead of %d in an array of its row", name, count, expected),
				 errhint("The row of easq.model or easq.checkpoint was not written by easq; restore it from a backup.")));
	memcpy(values, ARR_DATA_PTR(array), sizeof(double) * expected);
	for (int i = 0; i < expected; i++)
		if (!isfinite(values[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("model \"%s\" has %g in an array of its row", name, values[i]),
					 errhint("The row of easq.model or easq.checkpoint was not written by easq; restore it from a backup.")));
	return values;
}

static void
check_tables(const EasqSpec *spec)
{
	double		floats = 0;

	for (int t = 0; t < spec->tables; t++)
		floats += (double) spec->table[t].rows * spec->table[t].dim;
	if (floats > EASQ_MAX_EMBEDDING)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("embeddings and factors have %.0f numbers, and at most %.0f are allowed", floats, EASQ_MAX_EMBEDDING),
				 errhint("Choose a smaller size, dim or option factors; with encoding hash, categories may share rows.")));
}

void
EasqModelSetShape(EasqModel *model)
{
	EasqShape	shape = {
		.k = model->spec->inputs,
		.d = model->options.hidden,
		.m = model->options.expert_hidden,
		.r = model->options.rank,
		.experts = {model->options.experts, model->options.satisfaction_experts}
	};

	EasqSpecSetTables(model->spec, model->options.factors);
	check_tables(model->spec);
	if (EasqLayoutInit(&model->layout, &shape) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a model of %d inputs, hidden %d, expert_hidden %d, rank %d and %d + %d experts has more than %zu parameters",
						shape.k, shape.d, shape.m, shape.r, shape.experts[0], shape.experts[1], EASQ_MAX_PARAMETERS),
				 errhint("Choose a smaller hidden or expert_hidden, or fewer experts.")));
}

static void
read_definition(EasqModel *model, const EasqScan *scan, HeapTuple tuple)
{
	bool		untrained;

	check_format(scan, tuple, model->name);
	model->owner = DatumGetObjectId(EasqColumn(scan, tuple, MODEL_OWNER));
	model->features = DatumGetJsonbPCopy(EasqColumn(scan, tuple, MODEL_FEATURES));
	model->spec = EasqSpecParse(model->features);
	EasqOptionsInit(&model->options);
	EasqOptionsApply(&model->options, DatumGetJsonbP(EasqColumn(scan, tuple, MODEL_OPTIONS)), true);
	model->backbone.id = EasqColumnId(scan, tuple, MODEL_BACKBONE_ID);
	model->backbone.version = DatumGetInt64(EasqColumn(scan, tuple, MODEL_BACKBONE_VERSION));
	model->backbone.step = DatumGetInt64(EasqColumn(scan, tuple, MODEL_BACKBONE_STEP));
	model->backbone.mean = EasqReadDoubles(EasqColumn(scan, tuple, MODEL_MEAN), model->spec->numerics, model->name);
	model->backbone.deviation = EasqReadDoubles(EasqColumn(scan, tuple, MODEL_DEVIATION), model->spec->numerics, model->name);
	model->backbone.priors.variance = EasqReadDoubles(EasqColumn(scan, tuple, MODEL_PRIOR), model->spec->count, model->name);
	model->backbone.priors.varies = EasqReadDoubles(EasqColumn(scan, tuple, MODEL_VARIES), model->spec->count, model->name);
	(void) heap_getattr(tuple, MODEL_TRAINED_AT, RelationGetDescr(scan->table), &untrained);
	model->backbone.trained = !untrained;
	model->backbone.uncommitted = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	EasqModelSetShape(model);
}

void
EasqModelReadCounters(EasqModel *model)
{
	EasqScan	scan;
	HeapTuple	tuple = find_adapter(&scan, model->name, model->adapter.name);

	if (!HeapTupleIsValid(tuple))
		unknown_model(model->name);
	EasqAdapterReadRow(&scan, tuple, model->name, &model->adapter);
	EasqScanEnd(&scan);
	EasqAnswerCountsRead(model);
}

static EasqModel *
read_model(const char *name, bool missing_ok, bool counts)
{
	EasqModel  *model = palloc0(sizeof(EasqModel));
	EasqScan	scan;
	HeapTuple	tuple = find_model(&scan, name);
	bool		found = HeapTupleIsValid(tuple);
	pg_uuid_t	named;

	model->name = pstrdup(name);
	model->adapter.name = EASQ_OWN_ADAPTER;
	if (found)
		read_definition(model, &scan, tuple);
	EasqScanEnd(&scan);
	if (found)
	{
		tuple = find_adapter(&scan, name, EASQ_OWN_ADAPTER);
		found = HeapTupleIsValid(tuple);
		if (found)
		{
			named = EasqColumnId(&scan, tuple, ADAPTER_BACKBONE_ID);
			check_pair(name, &model->backbone.id, &named);
			EasqAdapterReadRow(&scan, tuple, name, &model->adapter);
		}
		EasqScanEnd(&scan);
	}
	if (found && counts)
		EasqAnswerCountsRead(model);
	if (found)
		return model;
	if (!missing_ok)
		unknown_model(name);
	return NULL;
}

EasqModel *
EasqModelRead(const char *name, bool missing_ok)
{
	return read_model(name, missing_ok, true);
}

EasqModel *
EasqModelReadToScore(const char *name)
{
	return read_model(name, false, false);
}

void
EasqModelCheckName(const char *name)
{
	size_t		length = strlen(name);

	if (length == 0 || length > EASQ_MAX_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("a model's name has 1 to %d bytes, not %zu", EASQ_MAX_NAME, length),
				 errhint("Choose another name.")));
}

pg_uuid_t
EasqNewId(void)
{
	pg_uuid_t	id;

	if (!pg_strong_random(id.data, UUID_LEN))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random id"),
				 errhint("The system's source of strong random numbers failed.")));
	return id;
}
