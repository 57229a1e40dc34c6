#include "postgres.h"

#include "miscadmin.h"

#include "learn/believe.h"
#include "learn/partners.h"

static void
believe(EasqLearner *learner, const EasqAnswer *answer, float main, float pathway, bool satisfied)
{
	EasqModel  *model = learner->model;
	EasqAlignmentState *state = &model->adapter.alignment;

	EasqBeliefsLearn(learner->beliefs, learner->encoding, answer->example,
					 EasqMainTerm(main, state->main_mean, state->main_deviation),
					 EasqPathwayTerm(pathway, state->pathway_scale), satisfied,
					 answer->weight * EasqFreshness(model, answer));
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
		if (answer->held_back ||
			!EasqJudgeLogit(judge, EASQ_SATISFACTION, answer->example, answer->length, &pathway))
			continue;
		EasqCalibrate(&calibration, pathway, satisfied);
		if (learner->beliefs && !learner->believed && EasqJudgeLogit(judge, EASQ_MAIN, answer->example, answer->length, &main))
			believe(learner, answer, main, pathway, satisfied);
	}
	return calibration;
}
