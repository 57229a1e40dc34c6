#include "postgres.h"

#include "miscadmin.h"

#include "learn/believe.h"
#include "learn/partners.h"

#define WEIGHT_DECAY (1 / 200.0)
#define WEIGHT_MOST 10.0		/* of an answer, in answers */

/* What an answer counts beside others: weights of 1 / probability are all large, and say which answers stand for more. */
static double
relative_weight(const EasqModel *model, EasqAlignmentState *state, const EasqAnswer *answer)
{
	double		mean = state->answer_weight;

	state->answer_weight = mean > 0 ? mean + (answer->weight - mean) * WEIGHT_DECAY : answer->weight;
	return Min(answer->weight / state->answer_weight, WEIGHT_MOST) * EasqFreshness(model, answer);
}

static void
believe(EasqLearner *learner, const EasqAnswer *answer, float main, float pathway, bool satisfied)
{
	EasqModel  *model = learner->model;
	EasqAlignmentState *state = &model->adapter.alignment;

	EasqBeliefsLearn(learner->beliefs, learner->encoding, answer->example,
					 EasqMainTerm(main, state->main_mean, state->main_deviation),
					 EasqPathwayTerm(pathway, state->pathway_scale), satisfied,
					 relative_weight(model, state, answer), &state->surprise);
	state->pathway_scale = EasqPathwayScale(state->pathway_scale, pathway);
}

EasqCalibration
EasqCountAnswers(EasqLearner *learner, const EasqAnswer *answers, int count)
{
	EasqCalibration calibration = learner->model->adapter.alignment.calibration;
	EasqJudge  *judge = EasqLearnerJudge(learner);

	for (int i = 0; i < count; i++)
	{
		const EasqAnswer *answer = &answers[i];
		bool		satisfied = answer->answer >= learner->model->options.satisfied;
		float		pathway;
		float		main;

		CHECK_FOR_INTERRUPTS();
		if (answer->held_back || !EasqJudgeLogits(judge, answer->example, answer->length, &main, &pathway))
			continue;
		EasqCalibrate(&calibration, pathway, satisfied);
		if (learner->beliefs && !learner->believed)
			believe(learner, answer, main, pathway, satisfied);
	}
	return calibration;
}
