#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/factor.h"
#include "core/scorer.h"

#include "check.h"
#include "fixture.h"
#include "naive.h"
#include "tests.h"

#define FEATURES 7

/* Pair by pair, as it is defined; part [features, 1 + factors], already scaled. */
static double
naive_offset(int features, int factors, const double *part)
{
	int			dim = 1 + factors;
	double		u = 0.0;

	for (int f = 0; f < features; f++)
	{
		u += part[f * dim];
		for (int g = 0; g < f; g++)
			for (int j = 1; j < dim; j++)
				u += part[f * dim + j] * part[g * dim + j];
	}
	return u;
}

static void
compare(int features, int factors, uint64_t seed)
{
	const double step = 1e-5;
	const double du = -0.7;
	int			dim = 1 + factors;
	int			n = features * dim;
	float	   *part = allocate((size_t) n, sizeof(float));
	float	   *sum = allocate((size_t) dim, sizeof(float));
	float	   *gradient = allocate((size_t) dim, sizeof(float));
	double	   *scaled = allocate((size_t) n, sizeof(double));
	const float *pointer[FEATURES];
	float		scale[FEATURES];
	double		want;

	fill_normal_floats(seed, (size_t) n, part);
	fill_normal_floats(seed + 1, (size_t) features, scale);
	for (int f = 0; f < features; f++)
	{
		/* in another order than they lie */
		pointer[f] = part + (features - 1 - f) * dim;
		for (int j = 0; j < dim; j++)
			scaled[f * dim + j] = (double) scale[f] * pointer[f][j];
	}
	memset(sum, 0xff, (size_t) dim * sizeof(float));
	want = naive_offset(features, factors, scaled);
	check_near(EasqFactorLogit(features, factors, pointer, scale, sum), want, 1e-5 * fabs(want) + 1e-4, "u");
	for (int f = 0; f < features; f++)
	{
		EasqFactorGradient(factors, pointer[f], scale[f], sum, (float) du, gradient);
		for (int j = 0; j < dim; j++)
		{
			double	   *x = &scaled[f * dim + j];
			double		was = *x;
			double		up;
			double		down;

			*x = was + step;
			up = naive_offset(features, factors, scaled);
			*x = was - step;
			down = naive_offset(features, factors, scaled);
			*x = was;
			check_near(gradient[j], du * (up - down) / (2 * step), 1e-4, "gradient of a part");
		}
	}
	free(part);
	free(sum);
	free(gradient);
	free(scaled);
}

static void
test_init(void)
{
	enum
	{
		ROWS = 500, FACTORS = 16, DIM = 1 + FACTORS
	};
	float	   *table = allocate(ROWS * DIM, sizeof(float));
	float	   *other = allocate(ROWS * DIM, sizeof(float));
	double		squares = 0.0;
	double		sum = 0.0;
	bool		zeros = true;

	EasqInitFactors(5, 0, ROWS, FACTORS, true, table);
	EasqInitFactors(5, 0, ROWS, FACTORS, true, other);
	check(memcmp(table, other, ROWS * DIM * sizeof(float)) == 0, "same seed, same bits");
	for (int row = 0; row < ROWS; row++)
		for (int j = 0; j < DIM; j++)
		{
			float		x = table[row * DIM + j];

			if (j == 0 || row == 0)
				zeros = zeros && x == 0.0f;
			sum += x;
			squares += x * x;
		}
	check(zeros, "weights and NULL's row start at 0");
	check_near(sum / (ROWS * FACTORS), 0.0, 0.003, "vectors: mean");
	check_near(sqrt(squares / (ROWS * FACTORS)), 0.05, 0.002, "vectors: deviation");
	EasqInitFactors(5, 0, 100, FACTORS, true, other);
	check(memcmp(table, other, 100 * DIM * sizeof(float)) == 0, "a row does not depend on how many there are");
	EasqInitFactors(5, 1, ROWS, FACTORS, true, other);
	check(memcmp(table + DIM, other + DIM, DIM * sizeof(float)) != 0, "each table has a stream of its own");
	EasqInitFactors(5, 0, 1, FACTORS, false, other);
	check(other[0] == 0.0f && other[1] != 0.0f && other[FACTORS] != 0.0f, "a number's row is not NULL's");
	free(table);
	free(other);
}

/* What is added to logits reaches scores, of a block and of rows one after the other. */
static void
test_scores(void)
{
	enum
	{
		ROWS = 203, K = 12
	};
	EasqLayout	layout;
	EasqScorer	scorer;
	EasqShared	shared;
	float	   *x = allocate(ROWS * K, sizeof(float));
	float		offset[ROWS];
	float		logit[ROWS];
	float		moved[ROWS];
	float		score[ROWS];
	float	   *w;
	float	   *memory;
	float	   *work;
	float	   *kept;

	init_layout(&layout, K, 19, 7, 2, 3, 2);
	w = test_weights(&layout, 7);
	memory = allocate(EasqScorerFloats(&layout), sizeof(float));
	work = allocate(EasqScoreWork(&layout.shape, ROWS), sizeof(float));
	EasqScorerPack(&scorer, &layout, w, 8.0f, memory);
	kept = allocate(EasqSharedFloats(&layout.shape), sizeof(float));
	EasqSharedInit(&shared, &layout.shape, kept);
	fill_normal_floats(8, ROWS * K, x);
	fill_normal_floats(9, ROWS, offset);
	EasqLogitRows(&scorer, EASQ_MAIN, ROWS, x, NULL, logit, work);
	EasqLogitRows(&scorer, EASQ_MAIN, ROWS, x, offset, moved, work);
	EasqScoreRows(&scorer, EASQ_MAIN, ROWS, x, offset, score, work);
	for (int i = 0; i < ROWS; i++)
	{
		double		want = naive_softplus((double) logit[i] + offset[i]);

		check(moved[i] == logit[i] + offset[i], "an offset is added to the logit");
		check_near(score[i], want, 1e-5 * want + 1e-6, "and to the score");
		check_near(EasqScoreNext(&scorer, EASQ_MAIN, &shared, x + i * K, offset[i], work), want, 1e-5 * want + 1e-6,
				   "and to that of the next row");
	}
	free(kept);
	free(x);
	free(w);
	free(memory);
	free(work);
}

void
test_factors(void)
{
	static const int factors[] = {1, 2, 3, 7, 15, 16, 17, 31, 64};

	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++)
		for (int features = 1; features <= FEATURES; features++)
			compare(features, factors[i], 100 * i + (uint64_t) features);
	test_init();
	test_scores();
	end_group("factors");
}
