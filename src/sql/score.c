/*
 * easq_score, easq_satisfaction and easq_probability, a row at a time.
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"
#include "sql/scoring.h"

PG_FUNCTION_INFO_V1(easq_score_record);
PG_FUNCTION_INFO_V1(easq_score_array);
PG_FUNCTION_INFO_V1(easq_satisfaction_record);
PG_FUNCTION_INFO_V1(easq_satisfaction_array);
PG_FUNCTION_INFO_V1(easq_probability_record);
PG_FUNCTION_INFO_V1(easq_probability_array);

static EasqScoring *
begin(FunctionCallInfo fcinfo)
{
	EasqScoring *scoring = fcinfo->flinfo->fn_extra;
	text	   *model = PG_GETARG_TEXT_PP(0);

	EasqRefuseSelectors(fcinfo);
	if (scoring == NULL)
	{
		scoring = EasqScoringCreate(fcinfo->flinfo->fn_mcxt, 1);
		fcinfo->flinfo->fn_extra = scoring;
	}
	(void) EasqScoringUse(scoring, model);
	PG_FREE_IF_COPY(model, 0);
	return scoring;
}

static float
score_x(EasqScoring *scoring, EasqPathway pathway)
{
	float		score;

	EasqScoringRun(scoring, pathway, 1, &score);
	return score;
}

static Datum
score_record(FunctionCallInfo fcinfo, EasqPathway pathway)
{
	EasqScoring *scoring;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	scoring = begin(fcinfo);
	EasqScoringEncode(scoring, PG_GETARG_DATUM(1));
	PG_RETURN_FLOAT4(score_x(scoring, pathway));
}

static Datum
score_array(FunctionCallInfo fcinfo, EasqPathway pathway)
{
	EasqScoring *scoring;
	ArrayType  *array;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	scoring = begin(fcinfo);
	array = PG_GETARG_ARRAYTYPE_P(1);
	EasqScoringEncoded(scoring, array);
	PG_FREE_IF_COPY(array, 1);
	PG_RETURN_FLOAT4(score_x(scoring, pathway));
}

Datum
easq_score_record(PG_FUNCTION_ARGS)
{
	return score_record(fcinfo, EASQ_MAIN);
}

Datum
easq_score_array(PG_FUNCTION_ARGS)
{
	return score_array(fcinfo, EASQ_MAIN);
}

Datum
easq_satisfaction_record(PG_FUNCTION_ARGS)
{
	return score_record(fcinfo, EASQ_SATISFACTION);
}

Datum
easq_satisfaction_array(PG_FUNCTION_ARGS)
{
	return score_array(fcinfo, EASQ_SATISFACTION);
}

/* Of a satisfaction score that has just been computed by the same call. */
static Datum
probability(FunctionCallInfo fcinfo, Datum score)
{
	const EasqScoring *scoring = fcinfo->flinfo->fn_extra;

	if (fcinfo->isnull)
		return (Datum) 0;
	PG_RETURN_FLOAT4((float4) EasqProbability(&scoring->pin.version->model->adapter.alignment.calibration,
											  EasqLogitOfScore(DatumGetFloat4(score))));
}

Datum
easq_probability_record(PG_FUNCTION_ARGS)
{
	return probability(fcinfo, score_record(fcinfo, EASQ_SATISFACTION));
}

Datum
easq_probability_array(PG_FUNCTION_ARGS)
{
	return probability(fcinfo, score_array(fcinfo, EASQ_SATISFACTION));
}
