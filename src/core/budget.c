#include "core/budget.h"
#include "core/scorer.h"

#include <math.h>
#include <stdlib.h>

#define BOUND_QUANTILE 1.645	/* of the normal distribution, 95 %, one-sided */
#define PACE_MIN 0.05			/* alignment never stops for good */
#define PACE_BACK 0.5			/* factors of the pace */
#define PACE_ON 1.1
#define PACE_ON_FAR_BELOW 1.5	/* half of the budget */

#define DYING 0.05				/* of the value after training */
#define SPREAD_FULL 0.3			/* shares of the spread after training where alignment loses strength, and where it has none left */
#define SPREAD_NONE 0.1

double
EasqLogitOfScore(double score)
{
	return score > 30.0 ? score : log(expm1(fmax(score, EASQ_SCORE_MIN)));
}

static int
compare_floats(const void *a, const void *b)
{
	float		x = *(const float *) a;
	float		y = *(const float *) b;

	return x < y ? -1 : x > y;
}

EasqVital
EasqTakeVital(size_t n, const float *v)
{
	EasqVital	vital = {0.0, 0.0};
	float		finite[EASQ_VITAL_ROWS];
	size_t		count = 0;

	for (size_t i = 0; i < n && count < EASQ_VITAL_ROWS; i++)
		if (isfinite(v[i]))
			finite[count++] = v[i];
	if (count == 0)
		return vital;
	for (size_t i = 0; i < count; i++)
	{
		double		t = exp(-fabs(finite[i]));

		vital.activity += (finite[i] < 0.0f ? t : 1.0) / (1.0 + t) / (double) count;
	}
	qsort(finite, count, sizeof(float), compare_floats);
	vital.spread = (double) finite[count * 3 / 4] - finite[count / 4];
	return vital;
}

bool
EasqIsDying(const EasqVital *now, const EasqVital *trained, bool on_scores)
{
	return !(now->spread >= DYING * trained->spread) ||
		(on_scores && !(now->activity >= DYING * trained->activity));
}

float
EasqPairRight(float chosen, float rejected)
{
	return chosen > rejected ? 1.0f : chosen == rejected ? 0.5f : 0.0f;
}

float
EasqPairSoftlyRight(float chosen, float rejected, double scale)
{
	return (float) (1.0 / (1.0 + exp(((double) rejected - chosen) / scale)));
}

double
EasqUnspentAccuracy(double trained, double carried)
{
	return (trained - carried / 2.0) / (1.0 - carried);
}

void
EasqBehaviourCost(int n, const int *group, const float *trained, const float *now,
				  double carried, EasqCost *cost)
{
	double		sum_trained = 0.0;
	double		sum_lost = 0.0;
	double		squares = 0.0;
	double		unspent;
	double		variance;
	int			groups = 0;
	int			end;

	for (int start = 0; start < n; start = end)
	{
		double		before = 0.0;
		double		lost = 0.0;

		for (end = start; end < n && group[end] == group[start]; end++)
		{
			before += trained[end];
			lost += trained[end] - now[end];
		}
		before /= end - start;
		lost /= end - start;
		sum_trained += before;
		sum_lost += lost;
		squares += lost * lost;
		groups++;
	}
	*cost = (EasqCost) {.groups = groups};
	if (groups == 0)
		return;
	cost->trained = sum_trained / groups;
	cost->accuracy = cost->trained - sum_lost / groups;
	unspent = EasqUnspentAccuracy(cost->trained, carried);
	cost->cost = (unspent - cost->accuracy) / (unspent - 0.5);
	variance = groups > 1 ? (squares - sum_lost * sum_lost / groups) / (groups - 1) : 0.0;
	cost->error = sqrt(fmax(variance, 0.0) / groups) / (unspent - 0.5);
}

EasqCost
EasqPoolCosts(const EasqCost *one, const EasqCost *other)
{
	int			groups = one->groups + other->groups;
	double		p = groups > 0 ? (double) one->groups / groups : 0.0;
	double		q = 1.0 - p;

	return (EasqCost) {
		.accuracy = p * one->accuracy + q * other->accuracy,
		.trained = p * one->trained + q * other->trained,
		.cost = p * one->cost + q * other->cost,
		.error = hypot(p * one->error, q * other->error),
		.groups = groups
	};
}

double
EasqCostBound(const EasqCost *cost)
{
	return fmax(cost->cost, 0.0) + BOUND_QUANTILE * cost->error;
}

double
EasqWorseBound(const EasqCost *one, const EasqCost *other)
{
	const EasqCost *many = one->groups >= other->groups ? one : other;
	const EasqCost *few = one->groups >= other->groups ? other : one;

	return fmax(EasqCostBound(many), few->cost);
}

void
EasqStepLoss(int n, const float *weight, const float *before, const float *after,
			 double *loss, double *error)
{
	double		total = 0.0;
	double		lost = 0.0;
	double		squares = 0.0;

	for (int i = 0; i < n; i++)
	{
		total += weight[i];
		lost += weight[i] * (before[i] - after[i]);
	}
	*loss = total > 0.0 ? lost / total : 0.0;
	for (int i = 0; i < n; i++)
	{
		double		residual = weight[i] * (before[i] - after[i] - *loss);

		squares += residual * residual;
	}
	*error = total > 0.0 ? sqrt(squares) / total : 0.0;
}

double
EasqPace(double pace, double bound, double budget)
{
	if (bound > budget)
		return fmax(pace * PACE_BACK, PACE_MIN);
	return fmin(pace * (bound > budget / 2.0 ? PACE_ON : PACE_ON_FAR_BELOW), 1.0);
}

double
EasqAlignmentStrength(double cost, double budget, double pace, double spread)
{
	double		left = 2.0 * (1.0 - cost / budget);
	double		alive = (spread - SPREAD_NONE) / (SPREAD_FULL - SPREAD_NONE);

	return budget > 0.0 ? fmin(fmax(fmin(pace * fmin(left, 1.0), alive), 0.0), 1.0) : 0.0;
}
