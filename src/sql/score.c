/*
 * easq_score, easq_satisfaction, easq_probability and easq_uncertainty, a row at a time.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"

#include "compat.h"
#include "sql/scoring.h"

PG_FUNCTION_INFO_V1(easq_score_record);
PG_FUNCTION_INFO_V1(easq_score_array);
PG_FUNCTION_INFO_V1(easq_satisfaction_record);
PG_FUNCTION_INFO_V1(easq_satisfaction_array);
PG_FUNCTION_INFO_V1(easq_probability_record);
PG_FUNCTION_INFO_V1(easq_probability_array);
PG_FUNCTION_INFO_V1(easq_uncertainty_record);
PG_FUNCTION_INFO_V1(easq_uncertainty_array);

static EasqScoring *
begin(FunctionCallInfo fcinfo, EasqAsked asked)
{
	EasqScoring *scoring = fcinfo->flinfo->fn_extra;
	text	   *model = PG_GETARG_TEXT_PP(0);

	EasqRefuseSelectors(fcinfo);
	if (scoring == NULL)
	{
		scoring = EasqScoringCreate(fcinfo->flinfo->fn_mcxt, asked, 1);
		fcinfo->flinfo->fn_extra = scoring;
	}
	(void) EasqScoringUse(scoring, model);
	PG_FREE_IF_COPY(model, 0);
	return scoring;
}

/* What the call's row is: values, or an array of inputs; false: NULL. */
static bool
take_row(FunctionCallInfo fcinfo, bool valued, EasqAsked asked, EasqScoring **scoring)
{
	ArrayType  *array;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return false;
	*scoring = begin(fcinfo, asked);
	if (valued)
	{
		EasqScoringEncode(*scoring, PG_GETARG_DATUM(1));
		return true;
	}
	array = PG_GETARG_ARRAYTYPE_P(1);
	EasqScoringEncoded(*scoring, array);
	PG_FREE_IF_COPY(array, 1);
	return true;
}

static Datum
score(FunctionCallInfo fcinfo, bool valued, EasqAsked asked)
{
	EasqScoring *scoring;
	float		score;

	if (!take_row(fcinfo, valued, asked, &scoring))
		PG_RETURN_NULL();
	EasqScoringRun(scoring, 1, &score);
	PG_RETURN_FLOAT4(score);
}

Datum
easq_score_record(PG_FUNCTION_ARGS)
{
	return score(fcinfo, true, EASQ_ASKED_RANKING);
}

Datum
easq_score_array(PG_FUNCTION_ARGS)
{
	return score(fcinfo, false, EASQ_ASKED_RANKING);
}

Datum
easq_satisfaction_record(PG_FUNCTION_ARGS)
{
	return score(fcinfo, true, EASQ_ASKED_SATISFACTION);
}

Datum
easq_satisfaction_array(PG_FUNCTION_ARGS)
{
	return score(fcinfo, false, EASQ_ASKED_SATISFACTION);
}

static void
check_opinion(const EasqScoring *scoring, const EasqOpinion *opinion)
{
	if (!isfinite(opinion->logit) || !isfinite(opinion->variance))
		EasqRefuseScore(scoring);
}

/* By what is believed of the row; where that is nothing, by the pathway's calibrated logit. */
static Datum
probability(FunctionCallInfo fcinfo, bool valued)
{
	EasqScoring *scoring;
	const EasqOpinion *opinion;
	float		score;

	if (!take_row(fcinfo, valued, EASQ_ASKED_OPINION, &scoring))
		PG_RETURN_NULL();
	if (valued && scoring->beliefs)
	{
		opinion = EasqScoringOpinions(scoring, 1);
		check_opinion(scoring, opinion);
		PG_RETURN_FLOAT4((float4) EasqOpinionProbability(opinion));
	}
	EasqScoringRun(scoring, 1, &score);
	PG_RETURN_FLOAT4((float4) EasqProbability(&scoring->pin.version->model->adapter.alignment.calibration,
											  EasqLogitOfScore(score)));
}

Datum
easq_probability_record(PG_FUNCTION_ARGS)
{
	return probability(fcinfo, true);
}

Datum
easq_probability_array(PG_FUNCTION_ARGS)
{
	return probability(fcinfo, false);
}

static Datum
uncertainty(FunctionCallInfo fcinfo, bool valued)
{
	EasqScoring *scoring;
	const EasqOpinion *opinion;

	if (!take_row(fcinfo, valued, EASQ_ASKED_OPINION, &scoring))
		PG_RETURN_NULL();
	if (scoring->beliefs == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" has no beliefs: nothing says how unsure it is", scoring->pin.version->model->name),
				 errhint("A model has them where a feature is categorical or numeric and its option beliefs is not false.")));
	opinion = EasqScoringOpinions(scoring, 1);
	check_opinion(scoring, opinion);
	PG_RETURN_FLOAT4((float4) sqrt(valued ? opinion->own : opinion->variance));
}

Datum
easq_uncertainty_record(PG_FUNCTION_ARGS)
{
	return uncertainty(fcinfo, true);
}

Datum
easq_uncertainty_array(PG_FUNCTION_ARGS)
{
	return uncertainty(fcinfo, false);
}
