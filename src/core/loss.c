#include "core/loss.h"

#include <math.h>

#include "core/budget.h"

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

/* Without shares each pair has 1, which changes no bit of a product. */
static double
share_of(const float *share, int i)
{
	return share ? share[i] : 1.0;
}

static double
sum_of_shares(int n, const float *share)
{
	double		sum = n;

	if (share)
	{
		sum = 0.0;
		for (int i = 0; i < n; i++)
			sum += share[i];
	}
	return sum;
}

double
EasqPairwiseLoss(int n, const float *hi, const float *lo, const float *share, EasqPairwise on,
				 double weight, float *dhi, float *dlo, double *dbias)
{
	double		sum = sum_of_shares(n, share);
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
		loss += share_of(share, i) * softplus(-margin);
		pull = share_of(share, i) * weight * sigmoid(-margin) / sum;
		add(&dhi[i], -pull * slope_hi);
		add(&dlo[i], pull * slope_lo);
		*dbias += pull * (slope_lo - slope_hi);
	}
	return n > 0 ? loss / sum : 0.0;
}

double
EasqDpoLoss(int n, const float *y_hi, const float *y_lo, const float *s_hi, const float *s_lo,
			const float *share, double beta, double anchor, double weight, float *dy_hi, float *dy_lo, double *dbias,
			EasqMetrics *metrics)
{
	double		sum = sum_of_shares(n, share);
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
		double		part = share_of(share, i);
		double		dhi = -part * weight * beta * (pull + price) * log_softplus_slope(y_hi[i]) / sum;
		double		dlo = part * weight * beta * pull * log_softplus_slope(y_lo[i]) / sum;

		loss += part * (softplus(rejected - chosen) - price * chosen);
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
	return loss / sum;
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

/* ------------------------------------------------------ what a batch has of them */

const char *const EasqAlignmentNames[] = {
#define NAME(id, name, pairs, least, function) [id] = name,
	EASQ_ALIGNMENT_LOSSES(NAME)
#undef NAME
	NULL
};

#define NAME(id, name) [id] = name,
const char *const EasqPairwiseNames[] = {EASQ_PAIRWISE_LOSSES(NAME) NULL};
const char *const EasqRehearsalNames[] = {EASQ_REHEARSALS(NAME) NULL};
#undef NAME

/* What an alignment loss may read of a batch, and where its gradient goes. */
typedef struct Aligned
{
	const EasqHyper *hyper;
	int			survey;
	int			behaviour;
	const float *y;				/* [2 survey + 2 behaviour] */
	const float *s;
	const float *share;			/* [survey] or NULL */
	double		weight;
	float	   *dy;
	double	   *dbias;			/* of the main pathway */
	EasqMetrics *metrics;
} Aligned;

static double
align_by_dpo(const Aligned *of)
{
	int			n = of->survey;

	return EasqDpoLoss(n, of->y, of->y + n, of->s, of->s + n, of->share, of->hyper->beta, of->hyper->anchor,
					   of->weight, of->dy, of->dy + n, of->dbias, of->metrics);
}

static double
align_by_distil(const Aligned *of)
{
	int			start = 2 * of->survey;

	return EasqDistilLoss(of->behaviour, of->y + start, of->s + start, of->weight, of->dy + start);
}

static const struct
{
	EasqPairsOf pairs;
	int			least;
	double		(*loss) (const Aligned *of);
}			alignments[] = {
#define ROW(id, name, pairs, least, function) [id] = {pairs, least, function},
	EASQ_ALIGNMENT_LOSSES(ROW)
#undef ROW
};

int
EasqAlignedPairs(EasqAlignment alignment, int survey, int behaviour)
{
	int			pairs = alignments[alignment].pairs == EASQ_OF_ANSWERS ? survey : behaviour;

	return pairs < alignments[alignment].least ? 0 : pairs;
}

bool
EasqAlignsBehaviour(EasqAlignment alignment)
{
	return alignments[alignment].pairs == EASQ_OF_BEHAVIOUR;
}

EasqAlignment
EasqAlignmentFor(EasqAlignment wanted, int survey, int behaviour)
{
	return EasqAlignsBehaviour(wanted) && EasqAlignedPairs(wanted, survey, behaviour) == 0 ? EASQ_DPO : wanted;
}

/* Share of pairs whose first row has the higher logit, equal ones half. */
static double
pair_accuracy(int n, const float *hi, const float *lo)
{
	double		right = 0.0;

	for (int i = 0; i < n; i++)
		right += EasqPairRight(hi[i], lo[i]);
	return n > 0 ? right / n : 0.0;
}

/* A batch's weights, NULL where they are all equal: the same bits as without. */
static const float *
uneven(const EasqBatch *batch)
{
	if (batch->weight != NULL)
		for (int i = 1; i < batch->survey; i++)
			if (batch->weight[i] != batch->weight[0])
				return batch->weight;
	return NULL;
}

/* Losses of all rows, the gradients of their logits and of the pathways' last biases. */
void
EasqLosses(const EasqHyper *hyper, const EasqBatch *batch, const float *y, const float *s,
	   float *dy, float *ds, double *dbias, EasqMetrics *metrics)
{
	int			survey = batch->survey;
	int			behaviour = batch->behaviour;
	int			tested = batch->tested > 0 ? batch->tested : survey;
	const float *share = uneven(batch);
	const float *yb = y + 2 * survey;
	float	   *dyb = dy + 2 * survey;
	Aligned		aligned = {
		.hyper = hyper, .survey = survey, .behaviour = behaviour, .y = y, .s = s, .share = share,
		.dy = dy, .dbias = &dbias[EASQ_MAIN], .metrics = metrics
	};

	metrics->accuracy[EASQ_MAIN] = pair_accuracy(tested, y, y + survey);
	metrics->accuracy[EASQ_SATISFACTION] = pair_accuracy(tested, s, s + survey);
	if (batch->kept != NULL)
		metrics->loss_main = EasqKeepLoss(behaviour, yb, batch->kept, 1.0, dyb);
	else
		metrics->loss_main = EasqPairwiseLoss(behaviour, yb, yb + behaviour, NULL, hyper->pairwise,
											  1.0, dyb, dyb + behaviour, &dbias[EASQ_MAIN]);
	metrics->loss_satisfaction = EasqPairwiseLoss(survey, s, s + survey, share, hyper->pairwise,
												  hyper->lambda1, ds, ds + survey, &dbias[EASQ_SATISFACTION]);
	/* the rewards of dpo are reported whatever aligns */
	if (hyper->alignment != EASQ_DPO)
		(void) align_by_dpo(&aligned);
	aligned.weight = hyper->lambda2;
	metrics->loss_alignment = alignments[hyper->alignment].loss(&aligned);
	metrics->loss = metrics->loss_main + hyper->lambda1 * metrics->loss_satisfaction +
		hyper->lambda2 * metrics->loss_alignment;
}

