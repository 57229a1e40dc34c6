#include "core/belief.h"

#define CURVATURE_MIN 1e-4		/* an answer that was certain says something still */
#define MAIN_MOST 4.0
#define PATHWAY_MOST 3.0
#define SURPRISE_NOW (1.0 / 40.0)	/* share of the latest answer in the running means */
#define SURPRISE_USUAL (1.0 / 400.0)
#define SURPRISE_UNUSUAL (1.0 / 2000.0)	/* what is usual follows slowly while a taste turns, or haste would end before it has turned */
#define SURPRISE_VARIANCE_MIN 0.05
#define USUAL_MIN 0.2
#define HASTE_FROM 2.0			/* times the usual surprise */
#define HASTE 1600.0
#define HASTY_PRIORS 2.5		/* variance that a belief may have then, in priors: there is a wrong mean to leave */
#define SHARPNESS_CURVATURE 50.0	/* of a sharpness of 1: as some three hundred answers */
#define SHARPNESS_DECAY (1.0 / 2000.0)
#define SHARPNESS_MIN 0.5
#define SHARPNESS_MAX 2.0
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
widened(const EasqBeliefTerm *term, double haste)
{
	double		most = (haste > 1.0 ? HASTY_PRIORS : 1.0) * term->prior;

	return fmin(most, (double) term->belief->variance + haste * term->prior / term->memory);
}

void
EasqSurpriseInit(EasqSurprise *surprise)
{
	*surprise = (EasqSurprise) {1.0, 1.0, 1.0, SHARPNESS_CURVATURE};
}

static double
haste_of(const EasqSurprise *surprise)
{
	return 1.0 + HASTE * fmax(surprise->now / fmax(surprise->usual, USUAL_MIN) - HASTE_FROM, 0.0);
}

static void
be_surprised(EasqSurprise *surprise, double q, bool satisfied)
{
	double		residual = (satisfied ? 1.0 : 0.0) - q;
	double		now = residual * residual / fmax(q * (1.0 - q), SURPRISE_VARIANCE_MIN);

	surprise->now += (now - surprise->now) * SURPRISE_NOW;
	surprise->usual += (now - surprise->usual) * (haste_of(surprise) > 1.0 ? SURPRISE_UNUSUAL : SURPRISE_USUAL);
}

/* Log-odds whose sigmoid is about the mean of the belief's. */
static double
mean_logit(const EasqOpinion *opinion)
{
	return opinion->logit / sqrt(1.0 + 3.14159265358979323846 * opinion->variance / 8.0);
}

/* A Newton step on the log loss of an answer that has not been learned yet. */
static void
sharpen(EasqSurprise *surprise, const EasqOpinion *opinion, bool satisfied)
{
	double		x = mean_logit(opinion);
	double		p = sigmoid(surprise->sharpness * x);
	double		curvature = surprise->curvature + (SHARPNESS_CURVATURE - surprise->curvature) * SHARPNESS_DECAY + x * x * p * (1.0 - p);
	double		sharpness = surprise->sharpness + x * ((satisfied ? 1.0 : 0.0) - p) / curvature;

	if (!isfinite(sharpness) || !isfinite(curvature))
		return;
	surprise->curvature = curvature;
	surprise->sharpness = fmin(fmax(sharpness, SHARPNESS_MIN), SHARPNESS_MAX);
}

EasqBeliefUpdate
EasqBeliefUpdateOf(const EasqOpinion *opinion, bool satisfied, double weight)
{
	EasqBeliefUpdate update = {.q = sigmoid(opinion->logit)};
	double		gain;

	update.curvature = fmax(update.q * (1.0 - update.q), CURVATURE_MIN) * weight;
	gain = 1.0 / (1.0 + opinion->variance * update.curvature);
	update.step = weight * ((satisfied ? 1.0 : 0.0) - update.q) * gain;
	update.damping = update.curvature * gain;
	return update;
}

void
EasqBelieve(int n, const EasqBeliefTerm *term, bool satisfied, double weight, EasqSurprise *surprise)
{
	EasqOpinion opinion = {0};
	double		haste = haste_of(surprise);
	EasqBeliefUpdate update;

	for (int j = 0; j < n; j++)
	{
		opinion.logit += (double) term[j].belief->mean * term[j].x;
		opinion.variance += widened(&term[j], haste) * term[j].x * term[j].x;
	}
	if (!isfinite(opinion.logit) || !isfinite(opinion.variance) || !isfinite(weight))
		return;
	update = EasqBeliefUpdateOf(&opinion, satisfied, weight);
	for (int j = 0; j < n; j++)
	{
		EasqBelief *belief = term[j].belief;
		double		variance = widened(&term[j], haste);
		double		x = term[j].x;

		belief->mean = (float) ((double) belief->mean + variance * x * update.step);
		belief->variance = (float) (variance / (1.0 + variance * x * x * update.curvature));
	}
	be_surprised(surprise, update.q, satisfied);
	sharpen(surprise, &opinion, satisfied);
}

double
EasqOpinionProbability(const EasqOpinion *opinion, double sharpness)
{
	return sigmoid(sharpness * mean_logit(opinion));
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
