/*
 * Beliefs against their reference (test/golden/belief/generate), against the maximum of the posterior found by
 * bisection, and in several orders of the same answers.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/belief.h"
#include "core/metric.h"
#include "core/random.h"

#include "check.h"
#include "fixture.h"
#include "golden.h"
#include "tests.h"

#define MOST_TERMS 16
#define FOR_EVER 1e300			/* a memory */

static double
next_number(char **at)
{
	char	   *end;
	double		value = strtod(*at, &end);

	check(end != *at, "a golden case of beliefs has a number more");
	*at = end;
	return value;
}

static EasqOpinion
opinion_of(int n, const EasqBeliefTerm *term)
{
	EasqOpinion opinion = {0};

	for (int j = 0; j < n; j++)
		EasqOpinionAdd(&opinion, term[j].belief, term[j].x);
	return opinion;
}

static void
test_golden_beliefs(void)
{
	char	   *text = slurp(golden_folder, "belief", "answers.txt");
	char	   *at = text;
	int			count = (int) next_number(&at);
	EasqBelief *belief = allocate((size_t) count, sizeof(EasqBelief));
	double	   *prior = allocate((size_t) count, sizeof(double));
	double	   *memory = allocate((size_t) count, sizeof(double));
	double		scale = 0.7;
	EasqSurprise surprise;

	for (int j = 0; j < count; j++)
	{
		prior[j] = next_number(&at);
		memory[j] = next_number(&at);
		belief[j] = (EasqBelief) {(float) next_number(&at), (float) prior[j]};
	}
	EasqSurpriseInit(&surprise);
	for (int answer = 0; answer < 120; answer++)
	{
		EasqBeliefTerm term[MOST_TERMS];
		double		main = next_number(&at);
		double		pathway = next_number(&at);
		double		known_scale = next_number(&at);
		bool		satisfied = next_number(&at) > 0.5;
		double		weight = next_number(&at);
		int			n = (int) next_number(&at);
		EasqOpinion opinion;

		for (int i = 0; i < n && n <= MOST_TERMS; i++)
		{
			int			j = (int) next_number(&at);

			term[i] = (EasqBeliefTerm) {&belief[j], next_number(&at), prior[j], memory[j]};
		}
		check_near(scale, known_scale, 1e-6 * known_scale, "scale of the pathway");
		check_near(EasqMainTerm(main, 0.4, 1.3), term[1].x, 1e-6, "main's term");
		check_near(EasqPathwayTerm(pathway, scale), term[2].x, 1e-6, "the pathway's term");
		opinion = opinion_of(n, term);
		check_near(opinion.logit, next_number(&at), 2e-5, "log-odds");
		check_near(opinion.variance, next_number(&at), 1e-5, "variance");
		check_near(EasqOpinionProbability(&opinion, 1.0), next_number(&at), 1e-5, "probability");
		EasqBelieve(n, term, satisfied, weight, &surprise);
		scale = EasqPathwayScale(scale, pathway);
	}
	check_near(scale, next_number(&at), 1e-6 * scale, "scale of the pathway at the end");
	for (int j = 0; j < count; j++)
	{
		check_near(belief[j].mean, next_number(&at), 2e-5, "mean");
		check_near(belief[j].variance, next_number(&at), 1e-5, "variance of a belief");
	}
	free(text);
	free(belief);
	free(prior);
	free(memory);
	end_group("beliefs, golden");
}

static double
sigmoid(double x)
{
	return 1.0 / (1.0 + exp(-x));
}

/* Where the log posterior of one coordinate is highest: satisfied of n answers, N(0, prior). */
static double
highest_posterior(int satisfied, int n, double prior)
{
	double		low = -20.0;
	double		high = 20.0;

	for (int i = 0; i < 200; i++)
	{
		double		m = (low + high) / 2.0;

		if (satisfied - n * sigmoid(m) - m / prior > 0.0)
			low = m;
		else
			high = m;
	}
	return low;
}

/* One pass over one coordinate's answers ends where all of them at once would be best explained. */
static void
test_convergence(void)
{
	static const double share[] = {0.5, 0.7, 0.9, 0.99};

	for (int i = 0; i < 4; i++)
	{
		EasqRandom	random = {(uint64_t) i + 1};
		EasqBelief	belief = {0.0f, 0.4f};
		EasqBeliefTerm term = {&belief, 1.0, 0.4, FOR_EVER};
		int			satisfied = 0;
		double		m;
		EasqSurprise surprise;

		EasqSurpriseInit(&surprise);
		for (int n = 0; n < 500; n++)
		{
			bool		is = EasqUniform(&random) < share[i];

			satisfied += is;
			EasqBelieve(1, &term, is, 1.0, &surprise);
		}
		m = highest_posterior(satisfied, 500, 0.4);
		/* Where nearly all answers are alike each one says less than it would in the end: one pass stays short of it. */
		check_near(belief.mean, m, share[i] > 0.95 ? 0.2 * m : 0.05 + 0.04 * fabs(m), "mean after one pass");
		if (share[i] < 0.95)
			check_near(belief.variance, 1.0 / (1.0 / 0.4 + 500 * sigmoid(m) * sigmoid(-m)), 0.15 * belief.variance,
					   "variance after one pass");
	}
	end_group("beliefs, one coordinate");
}

#define PEOPLE 150
#define THINGS 60
#define ANSWERS 3000

typedef struct World
{
	double		person[PEOPLE];
	double		thing[THINGS];
	int			who[ANSWERS];
	int			what[ANSWERS];
	bool		satisfied[ANSWERS];
} World;

static void
make_world(World *world)
{
	EasqRandom	random = {2024};

	for (int i = 0; i < PEOPLE; i++)
		world->person[i] = EasqNormal(&random);
	for (int i = 0; i < THINGS; i++)
		world->thing[i] = EasqNormal(&random);
	for (int i = 0; i < ANSWERS; i++)
	{
		world->who[i] = (int) EasqBelow(&random, PEOPLE);
		world->what[i] = (int) EasqBelow(&random, THINGS);
		world->satisfied[i] = EasqUniform(&random) <
			sigmoid(world->person[world->who[i]] + world->thing[world->what[i]]);
	}
}

/* Mean over people of the share of pairs of things that the beliefs order as the world does. */
static double
taste_learned(const World *world, const int *order)
{
	EasqBelief	bias = {0.0f, 1.0f};
	EasqBelief	person[PEOPLE];
	EasqBelief	thing[THINGS];
	double		right = 0.0;
	double		pairs = 0.0;
	EasqSurprise surprise;

	EasqSurpriseInit(&surprise);
	for (int i = 0; i < PEOPLE; i++)
		person[i] = (EasqBelief) {0.0f, 1.0f};
	for (int i = 0; i < THINGS; i++)
		thing[i] = (EasqBelief) {0.0f, 0.4f};
	for (int i = 0; i < ANSWERS; i++)
	{
		int			answer = order[i];
		EasqBeliefTerm term[3] = {
			{&bias, 1.0, 1.0, EASQ_BELIEF_COMMON_MEMORY},
			{&person[world->who[answer]], 1.0, 1.0, EASQ_BELIEF_MEMORY},
			{&thing[world->what[answer]], 1.0, 0.4, EASQ_BELIEF_MEMORY}
		};

		EasqBelieve(3, term, world->satisfied[answer], 1.0, &surprise);
	}
	for (int a = 0; a < THINGS; a++)
		for (int b = 0; b < a; b++)
		{
			right += (world->thing[a] > world->thing[b]) == (thing[a].mean > thing[b].mean);
			pairs += 1.0;
		}
	return right / pairs;
}

static void
test_order(void)
{
	World	   *world = allocate(1, sizeof(World));
	int		   *order = allocate(ANSWERS, sizeof(int));
	EasqRandom	random = {9};
	double		first;
	double		sum = 0.0;

	make_world(world);
	for (int i = 0; i < ANSWERS; i++)
		order[i] = i;
	first = taste_learned(world, order);
	check(first > 0.88, "things are ordered by what answers say of them");
	for (int n = 0; n < 10; n++)
	{
		for (int i = ANSWERS - 1; i > 0; i--)
		{
			int			j = (int) EasqBelow(&random, (uint64_t) i + 1);
			int			swap = order[i];

			order[i] = order[j];
			order[j] = swap;
		}
		sum += taste_learned(world, order) / 10.0;
		check_near(taste_learned(world, order), first, 0.015, "the same answers in another order");
	}
	check_near(sum, first, 0.005, "the same answers in ten other orders, mean");
	free(world);
	free(order);
	end_group("beliefs, order of answers");
}

/* Beliefs that cannot move say half as much, or twice as much, as is true: probabilities say what is true. */
static void
test_sharpness(void)
{
	static const double true_share[] = {2.0, 1.0, 0.5};

	for (int i = 0; i < 3; i++)
	{
		EasqRandom	random = {42};
		EasqSurprise surprise;
		EasqOpinion opinion = {1.0, 0.0, 0.0};

		EasqSurpriseInit(&surprise);
		for (int answer = 0; answer < 5000; answer++)
		{
			EasqBelief	belief = {answer % 2 ? 1.0f : -1.0f, 0.0f};
			EasqBeliefTerm term = {&belief, 1.0, 0.0, FOR_EVER};

			EasqBelieve(1, &term, EasqUniform(&random) < sigmoid(true_share[i] * belief.mean), 1.0, &surprise);
		}
		check_near(EasqOpinionProbability(&opinion, surprise.sharpness), sigmoid(true_share[i]), 0.03, "probability of beliefs that are too mild, right or too sure");
	}
	end_group("beliefs, sharpness");
}

/* 99 to 1, a taste that turns, and numbers that are not. */
static void
test_belief_extremes(void)
{
	EasqBelief	belief = {0.0f, 1.0f};
	EasqBeliefTerm term = {&belief, 1.0, 1.0, EASQ_BELIEF_MEMORY};
	EasqOpinion opinion = {0};
	int			turned = 0;
	EasqSurprise surprise;

	EasqSurpriseInit(&surprise);
	for (int i = 0; i < 100000; i++)
		EasqBelieve(1, &term, true, 10.0, &surprise);
	check(isfinite(belief.mean) && belief.mean > 5.0f && belief.mean < 50.0f && belief.variance > 0.0f, "always satisfied");
	while (belief.mean > 0.0f && turned < 1000)
	{
		EasqBelieve(1, &term, false, 1.0, &surprise);
		turned++;
	}
	check(turned < 100, "a belief of 100,000 answers turns within 100");
	EasqBelieve(1, &term, false, NAN, &surprise);
	check(isfinite(belief.mean) && isfinite(belief.variance), "a weight that is not a number");
	term.x = INFINITY;
	EasqBelieve(1, &term, false, 1.0, &surprise);
	check(isfinite(belief.mean) && isfinite(belief.variance), "an x that is not finite");
	check(EasqMainTerm(NAN, 0.0, 1.0) == 0.0 && EasqMainTerm(1.0, 0.0, 0.0) == 1.0 && EasqMainTerm(INFINITY, 0.0, 1.0) == 4.0,
		  "main's term of any logit");
	check(EasqPathwayTerm(NAN, 1.0) == 0.0 && EasqPathwayTerm(-INFINITY, 1.0) == -3.0 && EasqPathwayTerm(1.0, 0.0) == 3.0,
		  "the pathway's term of any logit");
	check(EasqPathwayScale(1.0, INFINITY) == 1.0 && EasqPathwayScale(0.0, 0.0) > 0.0, "the pathway's scale after any logit");
	EasqOpinionAdd(&opinion, &(EasqBelief) {2.0f, 0.5f}, -2.0);
	check(opinion.logit == -4.0 && opinion.variance == 2.0, "what a belief adds to an opinion");
	end_group("beliefs, extremes");
}

void
test_beliefs(void)
{
	test_golden_beliefs();
	test_convergence();
	test_order();
	test_sharpness();
	test_belief_extremes();
}
