/*
 * easq_score, easq_satisfaction, easq_probability and easq_uncertainty, a row at a time.
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"

#include "compat.h"
#include "sql/scoring.h"

PG_FUNCTION_INFO_V1(easq_score_record);
PG_FUNCTION_INFO_V1(easq_score_jsonb);
PG_FUNCTION_INFO_V1(easq_score_array);
PG_FUNCTION_INFO_V1(easq_satisfaction_record);
PG_FUNCTION_INFO_V1(easq_satisfaction_jsonb);
PG_FUNCTION_INFO_V1(easq_satisfaction_array);
PG_FUNCTION_INFO_V1(easq_probability_record);
PG_FUNCTION_INFO_V1(easq_probability_jsonb);
PG_FUNCTION_INFO_V1(easq_probability_array);
PG_FUNCTION_INFO_V1(easq_uncertainty_record);
PG_FUNCTION_INFO_V1(easq_uncertainty_jsonb);
PG_FUNCTION_INFO_V1(easq_uncertainty_array);

static EasqScoring *
begin(FunctionCallInfo fcinfo, EasqForm form, EasqAsked asked)
{
	EasqScoring *scoring = fcinfo->flinfo->fn_extra;
	text	   *model = PG_GETARG_TEXT_PP(0);

	EasqRefuseSelectors(fcinfo);
	if (scoring == NULL)
	{
		scoring = EasqScoringCreate(fcinfo->flinfo->fn_mcxt, asked, form, 1);
		fcinfo->flinfo->fn_extra = scoring;
	}
	(void) EasqScoringUse(scoring, model);
	PG_FREE_IF_COPY(model, 0);
	return scoring;
}

/* Takes the call's row; false: NULL. */
static bool
take_row(FunctionCallInfo fcinfo, EasqForm form, EasqAsked asked, EasqScoring **scoring)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return false;
	*scoring = begin(fcinfo, form, asked);
	EasqScoringEncode(*scoring, PG_GETARG_DATUM(1));
	return true;
}

static Datum
score(FunctionCallInfo fcinfo, EasqForm form, EasqAsked asked)
{
	EasqScoring *scoring;
	float		score;

	if (!take_row(fcinfo, form, asked, &scoring))
		PG_RETURN_NULL();
	EasqScoringRun(scoring, 1, &score);
	PG_RETURN_FLOAT4(score);
}

Datum
easq_score_record(PG_FUNCTION_ARGS)
{
	return score(fcinfo, EASQ_FORM_RECORD, EASQ_ASKED_RANKING);
}

Datum
easq_score_jsonb(PG_FUNCTION_ARGS)
{
	return score(fcinfo, EASQ_FORM_JSONB, EASQ_ASKED_RANKING);
}

Datum
easq_score_array(PG_FUNCTION_ARGS)
{
	return score(fcinfo, EASQ_FORM_INPUT, EASQ_ASKED_RANKING);
}

Datum
easq_satisfaction_record(PG_FUNCTION_ARGS)
{
	return score(fcinfo, EASQ_FORM_RECORD, EASQ_ASKED_SATISFACTION);
}

Datum
easq_satisfaction_jsonb(PG_FUNCTION_ARGS)
{
	return score(fcinfo, EASQ_FORM_JSONB, EASQ_ASKED_SATISFACTION);
}

Datum
easq_satisfaction_array(PG_FUNCTION_ARGS)
{
	return score(fcinfo, EASQ_FORM_INPUT, EASQ_ASKED_SATISFACTION);
}

static void
check_opinion(const EasqScoring *scoring, const EasqOpinion *opinion)
{
	if (!isfinite(opinion->logit) || !isfinite(opinion->variance))
		EasqRefuseScore(scoring);
}

/* By what is believed of the row; where that is nothing, by the pathway's calibrated logit. */
static Datum
probability(FunctionCallInfo fcinfo, EasqForm form)
{
	EasqScoring *scoring;
	const EasqOpinion *opinion;
	float		score;

	if (!take_row(fcinfo, form, EASQ_ASKED_OPINION, &scoring))
		PG_RETURN_NULL();
	if (form != EASQ_FORM_INPUT && scoring->beliefs)
	{
		opinion = EasqScoringOpinions(scoring, 1);
		check_opinion(scoring, opinion);
		PG_RETURN_FLOAT4((float4) EasqOpinionProbability(opinion, scoring->pin.version->model->adapter.alignment.surprise.sharpness));
	}
	EasqScoringRun(scoring, 1, &score);
	PG_RETURN_FLOAT4((float4) EasqProbability(&scoring->pin.version->model->adapter.alignment.calibration,
											  EasqLogitOfScore(score)));
}

Datum
easq_probability_record(PG_FUNCTION_ARGS)
{
	return probability(fcinfo, EASQ_FORM_RECORD);
}

Datum
easq_probability_jsonb(PG_FUNCTION_ARGS)
{
	return probability(fcinfo, EASQ_FORM_JSONB);
}

Datum
easq_probability_array(PG_FUNCTION_ARGS)
{
	return probability(fcinfo, EASQ_FORM_INPUT);
}

static Datum
uncertainty(FunctionCallInfo fcinfo, EasqForm form)
{
	EasqScoring *scoring;
	const EasqOpinion *opinion;

	if (!take_row(fcinfo, form, EASQ_ASKED_OPINION, &scoring))
		PG_RETURN_NULL();
	if (scoring->beliefs == NULL)
		EasqRefuseWithoutBeliefs(scoring, "how unsure it is");
	opinion = EasqScoringOpinions(scoring, 1);
	check_opinion(scoring, opinion);
	PG_RETURN_FLOAT4((float4) sqrt(form == EASQ_FORM_INPUT ? opinion->variance : opinion->own));
}

Datum
easq_uncertainty_record(PG_FUNCTION_ARGS)
{
	return uncertainty(fcinfo, EASQ_FORM_RECORD);
}

Datum
easq_uncertainty_jsonb(PG_FUNCTION_ARGS)
{
	return uncertainty(fcinfo, EASQ_FORM_JSONB);
}

Datum
easq_uncertainty_array(PG_FUNCTION_ARGS)
{
	return uncertainty(fcinfo, EASQ_FORM_INPUT);
}
