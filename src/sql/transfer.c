/*
 * easq_export and easq_import: a model as a safetensors file (transfer/model_file.h).
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "learn/rebase.h"
#include "sql/argument.h"
#include "sql/model.h"
#include "store/weight.h"
#include "store/weight_saved.h"
#include "transfer/model_file.h"

PG_FUNCTION_INFO_V1(easq_export);
PG_FUNCTION_INFO_V1(easq_import);

Datum
easq_export(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	EasqPin    *pin = palloc(sizeof(EasqPin));
	bytea	   *file;

	EasqPinInit(pin, CurrentMemoryContext);
	EasqPinSet(pin, EasqVersionAcquire(name, GetUserId(), EASQ_TO_EXPORT));
	file = EasqModelToFile(pin->version);
	EasqPinSet(pin, NULL);
	PG_RETURN_BYTEA_P(file);
}

/* Imported weights are what easq_reset_alignment goes back to, and what the behaviour budget counts from. */
static void
start_alignment(EasqModel *model, const EasqFile *file, float *weights, float **table, EasqBeliefs *beliefs)
{
	size_t		adapter = model->layout.adapter;
	float	   *zeros = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(float) * adapter,
												   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	EasqAdam	fresh = {zeros, zeros, 0};
	EasqEncoding encoding = {model->backbone.mean, model->backbone.deviation, table};

	EasqAlignmentStateInit(&model->adapter.alignment);
	EasqRebase(model, &encoding, weights, &model->adapter.alignment,
			   "Nothing was imported: the file's weights, or alpha, are too large to score with; its training may have diverged.");
	if (beliefs)
	{
		EasqModelFileViews(file, &model->adapter.alignment);
		EasqBeliefsReplace(model, beliefs);
	}
	EasqSavedForget(model, EASQ_AUDITED);
	EasqSavedWrite(model, EASQ_TRAINED, weights, &fresh, beliefs);
}

static void
import_new(const char *name, EasqFile *file)
{
	Jsonb	   *features = EasqModelFileFeatures(file);
	EasqModel  *model;
	float	   *weights;
	float	  **table;
	EasqBeliefs *beliefs;

	if (features == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" does not exist, and the file has no features in its __metadata__", name),
				 errhint("Create the model with easq_create_model first.")));
	model = EasqDefineModel(name, features, EasqModelFileOptions(file));
	EasqModelFileStatistics(file, model);
	EasqModelFileWeights(file, model, &weights, &table, &beliefs);
	PushActiveSnapshot(GetTransactionSnapshot());
	EasqModelInsert(model, weights, table);
	UpdateActiveSnapshotCommandId();
	start_alignment(model, file, weights, table, beliefs);
	EasqWriteCounters(model);
	PopActiveSnapshot();
}

static void
import_over(const char *name, EasqFile *file)
{
	EasqModel  *model;
	float	   *weights;
	float	  **table;
	EasqBeliefs *beliefs;

	model = EasqModelTake(name, GetUserId(), EASQ_TO_OWN);
	EasqModelFileCheckFeatures(file, model);
	EasqModelFileStatistics(file, model);
	EasqModelFileWeights(file, model, &weights, &table, &beliefs);
	model->backbone.step = 0;
	model->adapter.step = 0;
	EasqWriteBackbone(model, weights, table, NULL, NULL, NULL, NULL, NULL);
	EasqWriteOptions(model);
	start_alignment(model, file, weights, table, beliefs);
	EasqWriteAdapter(model, weights, NULL, NULL, true);
	PopActiveSnapshot();
}

Datum
easq_import(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	bytea	   *data = PG_GETARG_BYTEA_PP(1);
	EasqFile   *file = EasqFileParse(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
	EasqIdentity identity;

	EasqPreventReadOnly("easq_import()");
	EasqModelCheckName(name);
	EasqModelFileCheck(file);
	if (EasqModelIdentity(name, &identity, true))
		import_over(name, file);
	else
		import_new(name, file);
	PG_RETURN_VOID();
}
