#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "stream.h"

#define LEVEL 0.05

const double target_loss[TARGETS] = {0.01, 0.02, 0.05, 0.10};

void
WeightsOnce(Weights *weights, int seeds)
{
	for (int i = 0; i < SEEDS_MAX; i++)
		weights->seed[i] = i < seeds;
	for (int i = 0; i < SHOPPERS; i++)
		weights->shopper[i] = 1;
}

static void
draw_weights(Weights *weights, int seeds, EasqRandom *random)
{
	memset(weights, 0, sizeof(*weights));
	for (int i = 0; i < seeds; i++)
		weights->seed[EasqBelow(random, (uint64_t) seeds)]++;
	for (int i = 0; i < SHOPPERS; i++)
		weights->shopper[EasqBelow(random, SHOPPERS)]++;
}

double
MeanMeasure(const Runs *runs, const Weights *weights, int method, int setting, int share, int knob, Metric metric)
{
	double		sum = 0.0;
	int			seeds = 0;

	for (int seed = 0; seed < runs->plan->seeds; seed++)
	{
		const float *value = (*RunMeasures(runs, seed, method, setting, share, knob))[metric];
		double		of_seed = 0.0;
		int			count = 0;

		if (weights->seed[seed] == 0)
			continue;
		for (int shopper = 0; shopper < SHOPPERS; shopper++)
			if (!isnan(value[shopper]))
			{
				of_seed += weights->shopper[shopper] * value[shopper];
				count += weights->shopper[shopper];
			}
		sum += weights->seed[seed] * of_seed / count;
		seeds += weights->seed[seed];
	}
	return sum / seeds;
}

/* The setting in which the behaviour-only model was run: it is the same in each. */
static int
any_setting(const Runs *runs, int method)
{
	for (int setting = 0; setting < SETTINGS; setting++)
		if (!isnan((*RunMeasures(runs, 0, method, setting, 0, 0))[METRIC_BEHAVIOUR][0]))
			return setting;
	return 0;
}

static double
loss_of(double accuracy, double start)
{
	return (start - accuracy) / (start - 0.5);
}

double
BehaviourLoss(const Runs *runs, const Weights *weights, int method, int setting, int share, int knob)
{
	double		start = MeanMeasure(runs, weights, BEHAVIOUR_ONLY, any_setting(runs, BEHAVIOUR_ONLY), 0, 0, METRIC_BEHAVIOUR);

	return loss_of(MeanMeasure(runs, weights, method, setting, share, knob, METRIC_BEHAVIOUR), start);
}

/* The points of a method's curve, the behaviour-only model first; returns how many. */
static int
curve(const Runs *runs, const Weights *weights, int method, int setting, int share, Metric metric,
	  double *loss, double *value)
{
	int			knobs = runs->plan->method[method].knobs;
	int			base = any_setting(runs, BEHAVIOUR_ONLY);
	double		start = MeanMeasure(runs, weights, BEHAVIOUR_ONLY, base, 0, 0, METRIC_BEHAVIOUR);

	loss[0] = 0.0;
	value[0] = MeanMeasure(runs, weights, BEHAVIOUR_ONLY, base, 0, 0, metric);
	for (int knob = 0; knob < knobs; knob++)
	{
		loss[knob + 1] = loss_of(MeanMeasure(runs, weights, method, setting, share, knob, METRIC_BEHAVIOUR), start);
		value[knob + 1] = MeanMeasure(runs, weights, method, setting, share, knob, metric);
	}
	return knobs + 1;
}

/* Where a curve first passes target. */
static double
value_at(int points, const double *loss, const double *value, double target, bool *reached)
{
	for (int i = 1; i < points; i++)
		if (loss[i - 1] <= target && loss[i] > target)
		{
			if (reached)
				*reached = true;
			return value[i - 1] + (value[i] - value[i - 1]) * (target - loss[i - 1]) / (loss[i] - loss[i - 1]);
		}
	if (reached)
		*reached = false;
	return value[points - 1];
}

double
AtLoss(const Runs *runs, const Weights *weights, int method, int setting, int share, double target,
	   Metric metric, bool *reached)
{
	double		loss[KNOBS_MAX + 1];
	double		value[KNOBS_MAX + 1];
	int			points = curve(runs, weights, method, setting, share, metric, loss, value);

	return value_at(points, loss, value, target, reached);
}

static int
by_value(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* Two-sided, from sorted replicates of a difference. */
static double
p_value(const double *sorted)
{
	int			below = 0;
	int			above = 0;

	for (int i = 0; i < REPLICATES; i++)
	{
		below += sorted[i] <= 0.0;
		above += sorted[i] >= 0.0;
	}
	return fmin(1.0, 2.0 * (1 + (below < above ? below : above)) / (REPLICATES + 1.0));
}

static double
quantile(const double *sorted, double share)
{
	return sorted[(int) (share * (REPLICATES - 1) + 0.5)];
}

/* Holm (1979): from the smallest p on, each at its own level, until one is not separated. */
static void
judge(int count, double *const *sorted, Difference *difference)
{
	bool		done[METHODS] = {false};
	bool		separated = true;

	for (int place = 0; place < count; place++)
	{
		double		level = LEVEL / (count - place);
		int			next = -1;

		for (int i = 0; i < count; i++)
			if (!done[i] && (next < 0 || p_value(sorted[i]) < p_value(sorted[next])))
				next = i;
		done[next] = true;
		difference[next].low = quantile(sorted[next], level / 2.0);
		difference[next].high = quantile(sorted[next], 1.0 - level / 2.0);
		separated = separated && (difference[next].low > 0.0 || difference[next].high < 0.0);
		difference[next].verdict = !separated ? 0 : difference[next].low > 0.0 ? 1 : -1;
	}
}

void
Compare(const Runs *runs, const Choices chosen, int share, double target,
		int count, const int *others, uint64_t seed, Difference *difference)
{
	EasqRandom	random = {EasqMix(seed, DRAW_BOOTSTRAP)};
	double	   *replicate[METHODS];
	Weights		weights;

	for (int i = 0; i < count; i++)
		replicate[i] = malloc(sizeof(double) * REPLICATES);
	for (int r = -1; r < REPLICATES; r++)
	{
		double		ours;

		if (r < 0)
			WeightsOnce(&weights, runs->plan->seeds);
		else
			draw_weights(&weights, runs->plan->seeds, &random);
		ours = AtLoss(runs, &weights, OURS, chosen[OURS][share], share, target, METRIC_ACCURACY, NULL);
		for (int i = 0; i < count; i++)
		{
			double		d = ours - AtLoss(runs, &weights, others[i], chosen[others[i]][share], share, target,
										  METRIC_ACCURACY, NULL);

			if (r < 0)
				difference[i].value = d;
			else
				replicate[i][r] = d;
		}
	}
	for (int i = 0; i < count; i++)
		qsort(replicate[i], REPLICATES, sizeof(double), by_value);
	judge(count, replicate, difference);
	for (int i = 0; i < count; i++)
		free(replicate[i]);
}
