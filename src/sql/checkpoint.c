/*
 * easq_checkpoint and easq_restore: named versions of a model.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "feature/floats.h"
#include "sql/argument.h"
#include "learn/rebase.h"
#include "store/answer.h"
#include "store/cache_version.h"
#include "store/model_copy.h"
#include "store/model.h"
#include "store/weight_saved.h"
#include "store/weight.h"

PG_FUNCTION_INFO_V1(easq_checkpoint);
PG_FUNCTION_INFO_V1(easq_restore);

#define MAX_LABEL 63

static char *
label_argument(FunctionCallInfo fcinfo)
{
	char	   *label = EasqTextArgument(fcinfo, 1, "label");

	if (label[0] == '\0' || strlen(label) > MAX_LABEL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("a checkpoint's label has 1 to %d bytes, not %zu", MAX_LABEL, strlen(label)),
				 errhint("Choose a shorter label.")));
	return label;
}

Datum
easq_checkpoint(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	char	   *label = label_argument(fcinfo);

	EasqPreventReadOnly("easq_checkpoint()");
	EasqCheckpointWrite(EasqModelTake(name, GetUserId(), EASQ_TO_OWN), label);
	PopActiveSnapshot();
	PG_RETURN_VOID();
}

/*
 * The model's samples may be of a later training than the weights that came back: they are
 * compared with what that of the checkpoint had left.
 */
static void
rebase(EasqModel *model)
{
	size_t		adapter = model->layout.adapter;
	float	   *weights = EasqFloats(model->layout.total + 2 * adapter);
	EasqAdam	adam = {weights + model->layout.total, weights + model->layout.total + adapter, 0};
	EasqPin    *pin = palloc(sizeof(EasqPin));
	EasqAlignmentState then;

	EasqPinInit(pin, CurrentMemoryContext);
	EasqPinSet(pin, EasqVersionAcquire(model->name, GetUserId(), EASQ_TO_OWN));
	memcpy(weights, pin->version->weights, sizeof(float) * model->layout.total);
	(void) EasqSavedRead(model, EASQ_TRAINED, weights, &adam, &then);
	EasqRebase(model, &pin->version->backbone->encoding, weights, &model->adapter.alignment,
			   "Nothing was restored: the checkpoint's weights are too large to score with. Restore another one.");
	EasqPinSet(pin, NULL);
}

Datum
easq_restore(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	char	   *label = label_argument(fcinfo);
	EasqModel  *model;

	EasqPreventReadOnly("easq_restore()");
	model = EasqModelTake(name, GetUserId(), EASQ_TO_OWN);
	EasqCheckpointRestore(model, label);
	rebase(model);
	EasqTrimRespondents(model);
	EasqTrimAnswers(model);
	EasqWriteCounters(model);
	PopActiveSnapshot();
	PG_RETURN_VOID();
}
