#include "postgres.h"

#include <math.h>

#include "sql/ranking.h"

bool
EasqRanksByBeliefs(const EasqVersion *version, EasqPathway pathway)
{
	return version->beliefs && (pathway == EASQ_SATISFACTION || version->model->adapter.alignment.knob > 0);
}

void
EasqCompleteOpinions(const EasqVersion *version, int rows, const float *main, const float *satisfaction,
					 EasqOpinion *opinion)
{
	for (int i = 0; i < rows; i++)
	{
		EasqOpinionComplete(version->model, version->beliefs, main[i], satisfaction[i], &opinion[i]);
		/* What is no number stays none: it is refused as a score. */
		if (isnan(main[i]) || isnan(satisfaction[i]))
			opinion[i].logit = NAN;
	}
}

void
EasqScoresByBeliefs(const EasqVersion *version, EasqPathway pathway, int rows, const float *main,
					const EasqOpinion *opinion, float *score)
{
	double		knob = version->model->adapter.alignment.knob;

	for (int i = 0; i < rows; i++)
		score[i] = (float) (pathway == EASQ_MAIN ? main[i] + knob * opinion[i].logit : opinion[i].logit);
	EasqScoresOfLogits(&version->scorer, rows, score);
}
