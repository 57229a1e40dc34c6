#include "core/belief.h"

#define CURVATURE_MIN 1e-4		/* an answer that was certain says something still */
#define MAIN_MOST 4.0
#define PATHWAY_MOST 3.0
#define SCALE_DECAY (1.0 / 200.0)
#define SCALE_MIN 1e-3			/* a pathway that says the same of all rows is not blown up */
#define SCALE_MAX 1e6

static double
sigmoid(double x)
{
	double		t = exp(-fabs(x));

	return (x < 0.0 ? t : 1.0) / (1.0 + t);
}

/* Certainty that is lost by another answer about the same. */
static double
widened(const EasqBeliefTerm *term)
{
	return fmin(term->prior, (double) term->belief->variance + term->prior / term->memory);
}

void
EasqBelieve(int n, const EasqBeliefTerm *term, bool satisfied, double weight)
{
	EasqOpinion opinion = {0.0, 0.0};
	double		q;
	double		curvature;
	double		step;

	for (int j = 0; j < n; j++)
	{
		opinion.logit += (double) term[j].belief->mean * term[j].x;
		opinion.variance += widened(&term[j]) * term[j].x * term[j].x;
	}
	if (!isfinite(opinion.logit) || !isfinite(opinion.variance) || !isfinite(weight))
		return;
	q = sigmoid(opinion.logit);
	curvature = fmax(q * (1.0 - q), CURVATURE_MIN) * weight;
	step = weight * ((satisfied ? 1.0 : 0.0) - q) / (1.0 + opinion.variance * curvature);
	for (int j = 0; j < n; j++)
	{
		EasqBelief *belief = term[j].belief;
		double		variance = widened(&term[j]);
		double		x = term[j].x;

		belief->mean = (float) ((double) belief->mean + variance * x * step);
		belief->variance = (float) (variance / (1.0 + variance * x * x * curvature));
	}
}

double
EasqOpinionProbability(const EasqOpinion *opinion)
{
	return sigmoid(opinion->logit / sqrt(1.0 + 3.14159265358979323846 * opinion->variance / 8.0));
}

double
EasqMainTerm(double logit, double mean, double deviation)
{
	double		x = (logit - mean) / (deviation > 0.0 ? deviation : 1.0);

	return isnan(x) ? 0.0 : fmin(fmax(x, -MAIN_MOST), MAIN_MOST);
}

double
EasqPathwayTerm(double logit, double scale)
{
	return isnan(logit) ? 0.0 : PATHWAY_MOST * tanh(logit / (PATHWAY_MOST * fmax(scale, SCALE_MIN)));
}

double
EasqPathwayScale(double scale, double logit)
{
	double		next = sqrt((1.0 - SCALE_DECAY) * scale * scale + SCALE_DECAY * logit * logit);

	return isfinite(next) ? fmin(fmax(next, SCALE_MIN), SCALE_MAX) : scale;
}
