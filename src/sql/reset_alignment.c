/*
 * easq_reset_alignment: back to the model that training left.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "sql/argument.h"
#include "learn/learner.h"
#include "learn/probe.h"
#include "store/log.h"

PG_FUNCTION_INFO_V1(easq_reset_alignment);

Datum
easq_reset_alignment(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	EasqLearner *learner;
	EasqStepRow row = {.model = name, .source = "reset", .status = "applied"};

	EasqPreventReadOnly("easq_reset_alignment()");
	EasqModelCheck(name, GetUserId(), EASQ_TO_OWN);
	learner = EasqLearnerOpen(name, GetUserId(), EASQ_WAIT);
	/* The model may have changed hands while we waited. */
	EasqModelCheck(name, GetUserId(), EASQ_TO_OWN);
	if (!EasqLearnerReset(learner))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" was never trained: there is nothing to go back to", name),
				 errhint("Call easq_train or easq_import first.")));
	EasqProbeWeights(learner->model, learner->encoding, learner->weights, true,
					 "Nothing was reset. Lower alpha with easq_configure.");
	EasqLearnerSave(learner);
	row.adapter_version = learner->model->adapter.version;
	EasqLogStep(&row);
	PG_RETURN_VOID();
}
