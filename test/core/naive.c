#include <math.h>

#include "naive.h"

double
naive_softplus(double x)
{
	return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double
naive_log_softplus(double x)
{
	return x < -40.0 ? x : log(naive_softplus(x));
}

double
naive_logit(const EasqLayout *layout, EasqPathway pathway, double alpha, const double *w,
			const double *w_h, const double *x_h, const double *w_l, const double *x_l)
{
	const EasqShape *shape = &layout->shape;
	int			k = shape->k;
	int			d = shape->d;
	int			m = shape->m;
	int			r = shape->r;
	double		z[256];
	double		v;
	const double *part[6];

	for (int i = 0; i < 6; i++)
		part[i] = w + layout->tensor[EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_GATE_WEIGHT + i)].offset;
	for (int i = 0; i < d; i++)
	{
		double		h = w_h[layout->tensor[EASQ_BACKBONE_BIAS].offset + i];

		for (int j = 0; j < k; j++)
			h += w_h[layout->tensor[EASQ_BACKBONE_WEIGHT].offset + i * k + j] * x_h[j];
		for (int l = 0; l < r; l++)
			for (int j = 0; j < k; j++)
				h += alpha / r * w_l[layout->tensor[EASQ_LORA_B].offset + i * r + l] *
					w_l[layout->tensor[EASQ_LORA_A].offset + l * k + j] * x_l[j];
		z[i] = naive_softplus(h);
	}
	v = part[5][0];
	for (int e = 0; e < shape->experts[pathway]; e++)
	{
		double		gate = part[1][e];

		for (int i = 0; i < d; i++)
			gate += part[0][e * d + i] * z[i];
		if (gate <= 0.0)
			continue;
		for (int u = 0; u < m; u++)
		{
			double		unit = part[3][e * m + u];

			for (int i = 0; i < d; i++)
				unit += part[2][(e * m + u) * d + i] * z[i];
			v += gate * part[4][u] * naive_softplus(unit);
		}
	}
	return v;
}

/* weight NULL: a plain mean */
static double
naive_mean(int n, const double *loss, const float *weight)
{
	double		sum = 0.0;
	double		weights = 0.0;

	for (int i = 0; i < n; i++)
	{
		sum += weight ? weight[i] * loss[i] : loss[i];
		weights += weight ? weight[i] : 1.0;
	}
	return n > 0 ? sum / weights : 0.0;
}

static double
naive_pairwise(int n, const double *hi, const double *lo, const float *weight, EasqPairwise on)
{
	double		loss[NAIVE_ROWS];

	for (int i = 0; i < n; i++)
		loss[i] = on == EASQ_ON_LOGIT ? naive_softplus(lo[i] - hi[i]) :
			naive_softplus(naive_softplus(lo[i]) - naive_softplus(hi[i]));
	return naive_mean(n, loss, weight);
}

/* y [2 n] keeps the margins of kept [2 n] */
static double
naive_keep(int n, const double *y, const float *kept)
{
	double		sum = 0.0;

	for (int i = 0; i < n; i++)
	{
		double		target = 1.0 / (1.0 + exp((double) kept[n + i] - kept[i]));

		sum += target * naive_softplus(y[n + i] - y[i]) + (1.0 - target) * naive_softplus(y[i] - y[n + i]);
	}
	return n > 0 ? sum / n : 0.0;
}

static double
naive_alignment(const EasqHyper *hyper, int survey, int behaviour, const float *weight,
				const double *y, const double *s)
{
	double		loss[NAIVE_ROWS];
	double		sum = 0.0;
	int			pairs = 0;

	if (hyper->alignment == EASQ_DPO)
	{
		for (int i = 0; i < survey; i++)
		{
			double		chosen = hyper->beta * (naive_log_softplus(y[i]) - naive_log_softplus(s[i]));
			double		rejected = hyper->beta * (naive_log_softplus(y[survey + i]) -
												  naive_log_softplus(s[survey + i]));

			loss[i] = naive_softplus(rejected - chosen) + hyper->anchor * fmax(-chosen, 0.0);
		}
		return naive_mean(survey, loss, weight);
	}
	y += 2 * survey;
	s += 2 * survey;
	for (int half = 0; half < 2; half++)
		for (int i = 0; i + 1 < behaviour; i += 2)
		{
			int			a = half * behaviour + i;
			double		target = 1.0 / (1.0 + exp(s[a + 1] - s[a]));

			sum += target * naive_softplus(y[a + 1] - y[a]) + (1.0 - target) * naive_softplus(y[a] - y[a + 1]);
			pairs++;
		}
	return pairs > 0 ? sum / pairs : 0.0;
}

NaiveLoss
naive_loss(const EasqLayout *layout, const EasqHyper *hyper, const EasqBatch *batch,
		   const double *w, const double *x, const double *w0, const double *x0, const double *s0)
{
	int			survey = batch->survey;
	int			behaviour = batch->behaviour;
	int			rows = 2 * (survey + behaviour);
	int			k = layout->shape.k;
	double		y[NAIVE_ROWS];
	double		s[NAIVE_ROWS];
	const double *yb = y + 2 * survey;
	NaiveLoss	loss;

	for (int i = 0; i < rows; i++)
	{
		y[i] = naive_logit(layout, EASQ_MAIN, hyper->alpha, w, w, x + i * k, w0, x0 + i * k) +
			(batch->offset ? batch->offset[i] : 0.0);
		s[i] = naive_logit(layout, EASQ_SATISFACTION, hyper->alpha, w, w0, x0 + i * k, w, x0 + i * k);
	}
	loss.main = batch->kept ? naive_keep(behaviour, yb, batch->kept) :
		naive_pairwise(behaviour, yb, yb + behaviour, NULL, hyper->pairwise);
	loss.main += hyper->lambda2 * naive_alignment(hyper, survey, behaviour, batch->weight, y, s0);
	loss.satisfaction = hyper->lambda1 * naive_pairwise(survey, s, s + survey, batch->weight, hyper->pairwise);
	return loss;
}
