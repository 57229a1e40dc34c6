/* The behaviour budget and the calibration, by hand. */
#include <math.h>

#include "core/budget.h"
#include "core/calibration.h"

#include "check.h"
#include "tests.h"

/* Two groups of two pairs: the first loses one pair of two, the second gains half a pair. */
static const int group[] = {7, 7, 9, 9};
static const float trained[] = {1.0f, 1.0f, 1.0f, 0.5f};
static const float now[] = {1.0f, 0.0f, 1.0f, 1.0f};

static void
test_cost(void)
{
	EasqCost	cost;
	EasqCost	pooled;

	/* A0 = (1 + 3/4) / 2, A = (1/2 + 1) / 2; lost 1/2 and -1/4, so the variance of the groups is (3/4)^2 / 2 */
	EasqBehaviourCost(4, group, trained, now, 0.0, &cost);
	check(cost.groups == 2, "groups");
	check_near(cost.trained, 0.875, 1e-12, "A0");
	check_near(cost.accuracy, 0.75, 1e-12, "A");
	check_near(cost.cost, 0.125 / 0.375, 1e-12, "G");
	check_near(cost.error, 0.75 / 2.0 / 0.375, 1e-12, "standard error of G");
	check_near(EasqCostBound(&cost), cost.cost + 1.645 * cost.error, 1e-12, "bound of G");

	/* Half was spent before: A0 was (0.875 - 0.25) / 0.5 */
	EasqBehaviourCost(4, group, trained, now, 0.5, &cost);
	check_near(EasqUnspentAccuracy(0.875, 0.5), 1.25, 1e-12, "A0 before");
	check_near(cost.cost, 0.5 / 0.75, 1e-12, "G carried on");

	/* The other way round it seems to have gained: that pays for no doubt. */
	EasqBehaviourCost(4, group, now, trained, 0.0, &cost);
	check(cost.cost < 0.0, "a gain");
	check_near(EasqCostBound(&cost), 1.645 * cost.error, 1e-12, "bound of a gain");

	pooled = EasqPoolCosts(&cost, &cost);
	check(pooled.groups == 4, "pooled groups");
	check_near(pooled.cost, cost.cost, 1e-12, "pooled G");
	check_near(pooled.error, cost.error / sqrt(2.0), 1e-12, "pooled error");

	EasqBehaviourCost(0, group, trained, now, 0.0, &cost);
	check(cost.groups == 0 && cost.cost == 0.0 && cost.error == 0.0, "no pairs, no cost");
}

/* Few groups count by their estimate, many by their bound. */
static void
test_kinds(void)
{
	EasqCost	few = {.cost = 0.04, .error = 0.05, .groups = 10};
	EasqCost	many = {.cost = 0.02, .error = 0.005, .groups = 1000};
	EasqCost	none = {.groups = 0};

	check_near(EasqWorseBound(&few, &many), 0.04, 1e-12, "the estimate of few groups is above the bound of many");
	few.cost = 0.025;
	check_near(EasqWorseBound(&few, &many), EasqCostBound(&many), 1e-12, "and below it");
	check_near(EasqWorseBound(&none, &few), EasqCostBound(&few), 1e-12, "one kind alone counts by its bound");
}

static void
test_step_loss(void)
{
	static const float weight[] = {1.0f, 3.0f};
	static const float before[] = {0.5f, 0.75f};
	static const float after[] = {0.75f, 0.5f};
	double		loss;
	double		error;

	/* (1 * -1/4 + 3 * 1/4) / 4; residuals -3/8 and 3 * 1/8 */
	EasqStepLoss(2, weight, before, after, &loss, &error);
	check_near(loss, 0.125, 1e-12, "loss of a step");
	check_near(error, 0.375 * sqrt(2.0) / 4.0, 1e-12, "its error");
	check_near(EasqPairSoftlyRight(2.0f, 2.0f, 0.5), 0.5, 1e-7, "equal logits, softly");
	check_near(EasqPairSoftlyRight(1.0f, 0.0f, 0.5), 1.0 / (1.0 + exp(-2.0)), 1e-7, "a margin, softly");
	check(EasqPairRight(NAN, 0.0f) == 0.0f && EasqPairRight(1.0f, 1.0f) == 0.5f, "NaN and equal logits");
}

static void
test_strength(void)
{
	double		pace = 1.0;

	check_near(EasqAlignmentStrength(0.0, 0.05, 1.0, 1.0), 1.0, 1e-12, "nothing spent");
	check_near(EasqAlignmentStrength(-0.4, 0.05, 0.5, 1.0), 0.5, 1e-12, "a gain does not outdo the pace");
	check_near(EasqAlignmentStrength(0.0375, 0.05, 1.0, 1.0), 0.5, 1e-12, "three quarters spent");
	check_near(EasqAlignmentStrength(0.06, 0.05, 1.0, 1.0), 0.0, 1e-12, "all spent");
	check_near(EasqAlignmentStrength(0.0, 0.0, 1.0, 1.0), 0.0, 1e-12, "no budget at all");
	check_near(EasqAlignmentStrength(0.0, 0.05, 1.0, 0.2), 0.5, 1e-12, "logits that become equal");

	check_near(EasqPace(1.0, 0.06, 0.05), 0.5, 1e-12, "an audit that failed");
	check_near(EasqPace(0.5, 0.04, 0.05), 0.55, 1e-12, "one that passed");
	check_near(EasqPace(0.5, 0.02, 0.05), 0.75, 1e-12, "one that passed by far");
	check_near(EasqPace(1.0, 0.02, 0.05), 1.0, 1e-12, "pace is at most 1");
	for (int i = 0; i < 100; i++)
		pace = EasqPace(pace, 1.0, 0.05);
	check(pace > 0.0, "pace never ends");
}

static void
test_calibration(void)
{
	EasqCalibration calibration;
	double		p;

	EasqCalibrationInit(&calibration);
	check_near(EasqProbability(&calibration, 0.0), 0.5, 1e-12, "nothing is known");
	/* three of four are satisfied where v = 1, one of four where v = -1 */
	for (int i = 0; i < 4000; i++)
		EasqCalibrate(&calibration, i % 2 ? 1.0 : -1.0, i % 8 == 0 || (i % 2 && i % 8 != 1));
	check_near(EasqProbability(&calibration, 1.0), 0.75, 0.03, "often satisfied");
	check_near(EasqProbability(&calibration, -1.0), 0.25, 0.03, "seldom satisfied");
	p = EasqProbability(&calibration, 1.0);
	EasqCalibrationFollow(&calibration, -2.5);
	check_near(EasqProbability(&calibration, -1.5), p, 1e-12, "all logits have fallen");
	/* what was learned of the old logits goes with them: an answer as expected moves next to nothing */
	{
		EasqCalibration there = calibration;

		EasqCalibrationFollow(&there, 2.5);
		for (int i = 0; i < 8; i++)
		{
			EasqCalibrate(&calibration, -1.5, i % 4 != 0);
			EasqCalibrate(&there, 1.0, i % 4 != 0);
		}
		check_near(EasqProbability(&calibration, -3.5), EasqProbability(&there, -1.0), 1e-3, "after a fall as before it");
	}
	EasqCalibrationFollow(&calibration, INFINITY);
	EasqCalibrate(&calibration, NAN, true);
	check(isfinite(EasqProbability(&calibration, 1.0)), "what is not finite changes nothing");
}

void
test_budget(void)
{
	test_cost();
	test_kinds();
	test_step_loss();
	test_strength();
	end_group("behaviour budget");
	test_calibration();
	end_group("calibration");
}
