#include "core/loss.h"

#include <math.h>

/* Below this, exp(v) no longer shows beside 1 in a double. */
#define FAR_BELOW (-37.0)

static double
sigmoid(double x)
{
	double		t = exp(-fabs(x));

	return (x < 0.0 ? t : 1.0) / (1.0 + t);
}

static double
softplus(double x)
{
	return fmax(x, 0.0) + log1p(exp(-fabs(x)));
}

double
EasqLogSoftplus(double v)
{
	return v < FAR_BELOW ? v : log(softplus(v));
}

static double
log_softplus_slope(double v)
{
	return v < FAR_BELOW ? 1.0 : sigmoid(v) / softplus(v);
}

static void
add(float *sum, double value)
{
	*sum = (float) (*sum + value);
}

double
EasqPairwiseLoss(int n, const float *hi, const float *lo, EasqPairwise on,
				 double weight, float *dhi, float *dlo, double *dbias)
{
	double		loss = 0.0;

	for (int i = 0; i < n; i++)
	{
		double		slope_hi = 1.0;
		double		slope_lo = 1.0;
		double		margin = (double) hi[i] - lo[i];
		double		pull;

		if (on == EASQ_ON_SCORE)
		{
			margin = softplus(hi[i]) - softplus(lo[i]);
			slope_hi = sigmoid(hi[i]);
			slope_lo = sigmoid(lo[i]);
		}
		loss += softplus(-margin);
		pull = weight * sigmoid(-margin) / n;
		add(&dhi[i], -pull * slope_hi);
		add(&dlo[i], pull * slope_lo);
		*dbias += pull * (slope_lo - slope_hi);
	}
	return n > 0 ? loss / n : 0.0;
}

double
EasqDpoLoss(int n, const float *y_hi, const float *y_lo, const float *s_hi, const float *s_lo,
			double beta, double anchor, double weight, float *dy_hi, float *dy_lo, double *dbias,
			EasqMetrics *metrics)
{
	double		loss = 0.0;
	double		sum_chosen = 0.0;
	double		sum_rejected = 0.0;
	int			right = 0;

	for (int i = 0; i < n; i++)
	{
		double		chosen = beta * (EasqLogSoftplus(y_hi[i]) - EasqLogSoftplus(s_hi[i]));
		double		rejected = beta * (EasqLogSoftplus(y_lo[i]) - EasqLogSoftplus(s_lo[i]));
		double		pull = sigmoid(rejected - chosen);
		double		price = chosen < 0.0 ? anchor : 0.0;
		double		dhi = -weight * beta * (pull + price) * log_softplus_slope(y_hi[i]) / n;
		double		dlo = weight * beta * pull * log_softplus_slope(y_lo[i]) / n;

		loss += softplus(rejected - chosen) - price * chosen;
		sum_chosen += chosen;
		sum_rejected += rejected;
		right += chosen > rejected;
		add(&dy_hi[i], dhi);
		add(&dy_lo[i], dlo);
		*dbias += dhi + dlo;
	}
	if (n == 0)
	{
		metrics->reward_chosen = metrics->reward_rejected = 0.0;
		metrics->reward_margin = metrics->reward_accuracy = 0.0;
		return 0.0;
	}
	metrics->reward_chosen = sum_chosen / n;
	metrics->reward_rejected = sum_rejected / n;
	metrics->reward_margin = (sum_chosen - sum_rejected) / n;
	metrics->reward_accuracy = (double) right / n;
	return loss / n;
}

/* Cross-entropy of the order of rows a and b of y against their order in target; adds share * its gradient. */
static double
follow(const float *y, const float *target, int a, int b, double share, float *dy)
{
	double		margin = (double) y[a] - y[b];
	double		wanted = sigmoid((double) target[a] - target[b]);
	double		pull = share * (sigmoid(margin) - wanted);

	add(&dy[a], pull);
	add(&dy[b], -pull);
	/* as wanted softplus(-margin) + (1 - wanted) softplus(margin) */
	return softplus(-margin) + (1.0 - wanted) * margin;
}

double
EasqKeepLoss(int q, const float *y, const float *kept, double weight, float *dy)
{
	double		loss = 0.0;

	for (int i = 0; i < q; i++)
		loss += follow(y, kept, i, q + i, weight / q, dy);
	return q > 0 ? loss / q : 0.0;
}

double
EasqDistilLoss(int q, const float *y, const float *s, double weight, float *dy)
{
	int			pairs = q / 2 * 2;	/* q / 2 among the chosen, as many among the rejected */
	double		loss = 0.0;

	for (int i = 0; i < pairs; i++)
	{
		int			a = i < q / 2 ? 2 * i : q + 2 * (i - q / 2);

		loss += follow(y, s, a, a + 1, weight / pairs, dy);
	}
	return pairs > 0 ? loss / pairs : 0.0;
}
