/*
 * easq_align: one explicit step on pairs that are encoded already.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "core/kernel.h"
#include "compat.h"
#include "feature/floats.h"
#include "sql/argument.h"
#include "learn/learner.h"
#include "learn/probe.h"
#include "store/log.h"

PG_FUNCTION_INFO_V1(easq_align);

/* Pairs (rows of the two arrays) that one call may take: the step's scratch stays in memory. */
#define MAX_PAIRS 65536

#define UNCHANGED_HINT "Lower learning_rate or max_grad_norm with easq_configure."

typedef struct Pairs
{
	int			count;
	const float *chosen;
	const float *rejected;
} Pairs;

/* A real[] of [pairs, k]: its numbers, and how many pairs. */
static const float *
matrix_of(FunctionCallInfo fcinfo, int argument, const char *name, int k, int *pairs)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(argument);
	int		   *dims = ARR_DIMS(array);

	if (ARR_NDIM(array) != 2 || dims[1] != k)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be an array of pairs x %d inputs, not of %d dimensions%s", name, k, ARR_NDIM(array),
						ARR_NDIM(array) == 2 ? psprintf(" (%d x %d)", dims[0], dims[1]) : ""),
				 errhint("Write one pair a row: ARRAY[ARRAY[...], ARRAY[...]].")));
	if (dims[0] > MAX_PAIRS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s has %d pairs, and one step takes at most %d", name, dims[0], MAX_PAIRS),
				 errhint("Call easq_align several times.")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s contains a null", name),
				 errhint("Every input must be a number.")));
	if (!EasqAllFinite((size_t) dims[0] * k, (float *) ARR_DATA_PTR(array)))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s contains NaN or infinity", name),
				 errhint("Every input must be a finite number.")));
	*pairs = dims[0];
	return (const float *) ARR_DATA_PTR(array);
}

static Pairs
pairs_of(FunctionCallInfo fcinfo, int argument, const char *chosen, const char *rejected, int k)
{
	Pairs		pairs;
	int			others;

	if (PG_ARGISNULL(argument) != PG_ARGISNULL(argument + 1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s and %s go together", chosen, rejected),
				 errhint("Pass both arrays or neither.")));
	if (PG_ARGISNULL(argument))
		return (Pairs) {0};
	pairs.chosen = matrix_of(fcinfo, argument, chosen, k, &pairs.count);
	pairs.rejected = matrix_of(fcinfo, argument + 1, rejected, k, &others);
	if (others != pairs.count)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s has %d pairs and %s has %d", chosen, pairs.count, rejected, others),
				 errhint("Row i of the one and row i of the other are a pair.")));
	return pairs;
}

static EasqBatch
batch_of(Pairs survey, Pairs behaviour, int k)
{
	size_t		s = (size_t) survey.count * k;
	size_t		b = (size_t) behaviour.count * k;
	float	   *x = EasqFloats(2 * (s + b));

	memcpy(x, survey.chosen, sizeof(float) * s);
	memcpy(x + s, survey.rejected, sizeof(float) * s);
	if (behaviour.count > 0)
	{
		memcpy(x + 2 * s, behaviour.chosen, sizeof(float) * b);
		memcpy(x + 2 * s + b, behaviour.rejected, sizeof(float) * b);
	}
	return (EasqBatch) {.survey = survey.count, .behaviour = behaviour.count, .x = x};
}

static Datum
metrics_row(FunctionCallInfo fcinfo, const EasqMetrics *metrics)
{
	double		values[] = {
		metrics->loss, metrics->loss_main, metrics->loss_satisfaction, metrics->loss_alignment,
		metrics->reward_chosen, metrics->reward_rejected, metrics->reward_margin, metrics->reward_accuracy,
		metrics->grad_norm, metrics->grad_norm_main, metrics->grad_norm_satisfaction
	};
	Datum		datums[lengthof(values)];
	bool		nulls[lengthof(values)] = {0};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	for (int i = 0; i < (int) lengthof(values); i++)
		datums[i] = Float8GetDatum(values[i]);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), datums, nulls));
}

Datum
easq_align(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	EasqLearner *learner;
	Pairs		survey;
	Pairs		behaviour;
	EasqBatch	batch;
	EasqStepOutcome outcome;
	EasqStepRow row = {.model = name, .source = "align", .status = "applied"};
	const char *reason;
	int			k;

	EasqPreventReadOnly("easq_align()");
	EasqModelCheck(name, GetUserId(), EASQ_TO_TEACH);
	/* The last write of a training would take the step back. */
	EasqModelLockDefinition(name);
	learner = EasqLearnerOpen(name, GetUserId(), EASQ_WAIT);
	k = learner->model->spec->inputs;
	survey = pairs_of(fcinfo, 1, "chosen", "rejected", k);
	behaviour = pairs_of(fcinfo, 3, "behaviour_chosen", "behaviour_rejected", k);
	if (survey.count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("chosen and rejected have no pairs"),
				 errhint("Pass one pair at least.")));
	batch = batch_of(survey, behaviour, k);
	reason = EasqLearnerStep(learner, &batch, &outcome);
	if (reason)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("model \"%s\" is unchanged: %s", name, reason),
				 errhint(UNCHANGED_HINT)));
	EasqProbeWeights(learner->model, learner->encoding, learner->weights, false, UNCHANGED_HINT);
	EasqProbeRows(EasqLearnerJudge(learner), learner->model, 2 * ((size_t) batch.survey + batch.behaviour), batch.x, UNCHANGED_HINT);
	EasqCalibrationFollow(&learner->model->adapter.alignment.calibration, outcome.rise);
	EasqLearnerExempt(learner);
	EasqLearnerSave(learner);
	row.adapter_version = learner->model->adapter.version;
	row.pairs = survey.count;
	row.behaviour_pairs = behaviour.count;
	row.metrics = &outcome.metrics;
	EasqLogStep(&row);
	return metrics_row(fcinfo, &outcome.metrics);
}
