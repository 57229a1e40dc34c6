#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/budget.h"
#include "core/scorer.h"

#include "check.h"
#include "fixture.h"
#include "golden.h"
#include "naive.h"
#include "tests.h"

static void
test_golden_scores(void)
{
	for (int c = 0; c < GOLDEN_CASES; c++)
	{
		const char *name = golden_names[c];
		Golden		golden;
		float	   *memory;
		float	   *work;

		golden_read(&golden, golden_folder, name);
		memory = allocate(EasqScorerFloats(&golden.layout), sizeof(float));
		work = allocate(EasqScoreWork(&golden.shape, GOLDEN_ROWS), sizeof(float));
		for (int after = 0; after < 2; after++)
		{
			EasqScorer	scorer;

			EasqScorerPack(&scorer, &golden.layout, after ? golden.after : golden.before,
						   (float) golden.hyper.alpha, memory);
			for (int p = 0; p < EASQ_PATHWAYS; p++)
			{
				float		batched[GOLDEN_ROWS];
				float		single;

				EasqScoreRows(&scorer, p, GOLDEN_ROWS, golden.rows, NULL, batched, work);
				for (int i = 0; i < GOLDEN_ROWS; i++)
				{
					double		want = golden.score[after][p][i];
					double		allowed = 1e-5 * fabs(want) + 1e-6;

					EasqScoreRows(&scorer, p, 1, golden.rows + i * golden.shape.k, NULL, &single, work);
					check_near(batched[i], want, allowed, label("%s: %s score, batched", name, p ? "satisfaction" : "main"));
					check_near(single, want, allowed, label("%s: %s score, a row", name, p ? "satisfaction" : "main"));
					check_near(single, batched[i], allowed, label("%s: %s score, a row and batched", name, p ? "satisfaction" : "main"));
				}
			}
		}
		free(memory);
		free(work);
		golden_free(&golden);
	}
	end_group("golden scores");
}

/* Every size of a block, in a scratch of just what was asked for. */
static void
test_block_sizes(void)
{
	EasqLayout	layout;
	EasqScorer	scorer;
	float	   *w;
	float	   *memory;
	float	   *x = allocate(EASQ_SCORE_BLOCK * 5, sizeof(float));
	float	   *all = allocate(EASQ_SCORE_BLOCK, sizeof(float));
	float	   *some = allocate(EASQ_SCORE_BLOCK, sizeof(float));
	const int	sizes[] = {0, 1, 2, 3, 7, 127, 128, 129, 255, 256, 257, 511, 512};

	init_layout(&layout, 5, 18, 6, 2, 4, 2);
	w = test_weights(&layout, 31);
	memory = allocate(EasqScorerFloats(&layout), sizeof(float));
	EasqScorerPack(&scorer, &layout, w, 8.0f, memory);
	fill_normal_floats(32, EASQ_SCORE_BLOCK * 5, x);
	for (int i = 0; i < EASQ_SCORE_BLOCK; i++)
	{
		float	   *work = allocate(EasqScoreWork(&layout.shape, 1), sizeof(float));

		EasqScoreRows(&scorer, EASQ_MAIN, 1, x + i * 5, NULL, all + i, work);
		free(work);
	}
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
	{
		float	   *work = allocate(EasqScoreWork(&layout.shape, sizes[s]), sizeof(float));

		EasqScoreRows(&scorer, EASQ_MAIN, sizes[s], x, NULL, some, work);
		/* to the last bit: what a row scores does not depend on its neighbours */
		check(memcmp(some, all, (size_t) sizes[s] * sizeof(float)) == 0, "a block of another size");
		free(work);
	}
	/* a NaN in a row shows in its score and in no other */
	{
		float	   *work = allocate(EasqScoreWork(&layout.shape, 10), sizeof(float));

		x[3 * 5 + 1] = NAN;
		EasqScoreRows(&scorer, EASQ_MAIN, 10, x, NULL, some, work);
		for (int i = 0; i < 10; i++)
			check(i == 3 ? isnan(some[i]) : isfinite(some[i]), "NaN stays in its row");
		free(work);
	}
	free(w);
	free(memory);
	free(x);
	free(all);
	free(some);
	end_group("blocks of every size");
}

/* Against plain loops in double, on shapes that fill no panel and no tile. */
static void
test_shapes(void)
{
	/* k, d, m, r, experts */
	static const int shapes[][6] = {
		{1, 1, 1, 0, 1, 1}, {2, 31, 3, 1, 3, 1}, {7, 33, 17, 2, 1, 5}, {42, 128, 64, 8, 4, 2},
		{129, 64, 31, 4, 2, 2}, {300, 200, 5, 0, 7, 3}, {5, 97, 70, 3, 2, 1}, {601, 9, 2, 1, 2, 2}
	};
	static const int blocks[] = {1, 2, 3, 4, 5, 7, 8, 13, 97, 203};

	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
	{
		const int  *of = shapes[s];
		const int	rows = 203;
		EasqLayout	layout;
		EasqScorer	scorer;
		EasqScorer	opened;
		float	   *w;
		float	   *memory;
		float	   *x = allocate((size_t) (rows * of[0]), sizeof(float));
		double	   *wd;
		double	   *xd = allocate((size_t) (rows * of[0]), sizeof(double));
		double		want[203];
		float		score[203];

		init_layout(&layout, of[0], of[1], of[2], of[3], of[4], of[5]);
		w = test_weights(&layout, 300 + s);
		wd = allocate(layout.total, sizeof(double));
		memory = allocate(EasqScorerFloats(&layout), sizeof(float));
		fill_normal_floats(400 + s, (size_t) (rows * of[0]), x);
		for (size_t i = 0; i < layout.total; i++)
			wd[i] = w[i];
		for (int i = 0; i < rows * of[0]; i++)
			xd[i] = x[i];
		EasqScorerPack(&scorer, &layout, w, 8.0f, memory);
		EasqScorerOpen(&opened, &layout, w, memory);
		for (int p = 0; p < EASQ_PATHWAYS; p++)
		{
			check(opened.stacked[p] == scorer.stacked[p] && opened.stacked_bias[p] == scorer.stacked_bias[p] &&
				  opened.out[p] == scorer.out[p] && opened.out_bias[p] == scorer.out_bias[p], "what was packed is found again");
			for (int i = 0; i < rows; i++)
				want[i] = naive_softplus(naive_logit(&layout, p, 8.0, wd, wd, xd + i * of[0], wd, xd + i * of[0]));
			for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b++)
			{
				float	   *work = allocate(EasqScoreWork(&layout.shape, blocks[b]), sizeof(float));

				EasqScoreRows(&scorer, p, blocks[b], x, NULL, score, work);
				for (int i = 0; i < blocks[b]; i++)
					check_near(score[i], want[i], 1e-5 * want[i] + 1e-6, "against plain loops");
				free(work);
			}
		}
		free(w);
		free(wd);
		free(x);
		free(xd);
		free(memory);
	}
	end_group("shapes of every kind");
}

/* Rows that share inputs: at the start, in the middle, at the end, all of them; and a NaN among them. */
static void
test_shared_inputs(void)
{
	static const int runs[][2] = {{0, 16}, {0, 300}, {20, 45}, {60, 70}, {3, 7}, {0, 70}};
	const int	k = 70;
	const int	rows = 60;
	EasqLayout	layout;
	EasqScorer	scorer;
	EasqShared	shared;
	float	   *x = allocate((size_t) (rows * k), sizeof(float));
	double	   *xd = allocate((size_t) (rows * k), sizeof(double));
	float	   *w;
	double	   *wd;
	float	   *memory;
	float	   *work;
	float	   *kept;
	float		score[60];

	init_layout(&layout, k, 37, 9, 2, 3, 2);
	w = test_weights(&layout, 91);
	wd = allocate(layout.total, sizeof(double));
	for (size_t i = 0; i < layout.total; i++)
		wd[i] = w[i];
	memory = allocate(EasqScorerFloats(&layout), sizeof(float));
	EasqScorerPack(&scorer, &layout, w, 8.0f, memory);
	work = allocate(EasqScoreWork(&layout.shape, rows), sizeof(float));
	kept = allocate(EasqSharedFloats(&layout.shape), sizeof(float));
	for (size_t r = 0; r < sizeof(runs) / sizeof(runs[0]); r++)
		for (int change = 1; change <= rows; change += 13)
		{
			fill_normal_floats(92 + r, (size_t) (rows * k), x);
			/* the run has other values after every change rows */
			for (int i = 0; i < rows; i++)
				for (int j = runs[r][0]; j < runs[r][1] && j < k; j++)
					x[i * k + j] = x[i / change * change * k + j];
			for (int i = 0; i < rows * k; i++)
				xd[i] = x[i];
			EasqScoreRows(&scorer, EASQ_MAIN, rows, x, NULL, score, work);
			EasqSharedInit(&shared, &layout.shape, kept);
			for (int i = 0; i < rows; i++)
			{
				double		want = naive_softplus(naive_logit(&layout, EASQ_MAIN, 8.0, wd, wd, xd + i * k, wd, xd + i * k));
				float		next;
				float		alone;

				check_near(score[i], want, 1e-5 * want + 1e-6, "rows of a block share inputs");
				next = EasqScoreNext(&scorer, EASQ_MAIN, &shared, x + i * k, 0, work);
				EasqScoreRows(&scorer, EASQ_MAIN, 1, x + i * k, NULL, &alone, work);
				check(memcmp(&next, &score[i], sizeof(float)) == 0 && memcmp(&alone, &score[i], sizeof(float)) == 0,
					  "a row by itself, after others and among them: the same to the last bit");
			}
		}
	/* the last run is all of x: NaN in one row is not handed on */
	x[30 * k + 5] = NAN;
	EasqSharedInit(&shared, &layout.shape, kept);
	for (int i = 0; i < rows; i++)
		check(isnan(EasqScoreNext(&scorer, EASQ_MAIN, &shared, x + i * k, 0, work)) == (i == 30), "NaN stays in its row");
	free(x);
	free(xd);
	free(w);
	free(wd);
	free(memory);
	free(work);
	free(kept);
	end_group("inputs that rows share");
}

/* No score is 0: below the floats there is one, in a block and alone, and its logit is as far down as it says. */
static void
test_least_score(void)
{
	EasqLayout	layout;
	EasqScorer	scorer;
	EasqShared	shared;
	float	   *memory;
	float	   *work;
	float	   *kept;
	float		w[64] = {0};
	float		x[9] = {0};
	float		score[9];
	const float below[] = {-103.5f, -110.0f, -1e4f, -3e38f, -INFINITY};

	init_layout(&layout, 1, 1, 1, 0, 1, 1);
	memory = allocate(EasqScorerFloats(&layout), sizeof(float));
	work = allocate(EasqScoreWork(&layout.shape, 9), sizeof(float));
	kept = allocate(EasqSharedFloats(&layout.shape), sizeof(float));
	for (size_t b = 0; b < sizeof(below) / sizeof(below[0]); b++)
	{
		w[layout.tensor[EASQ_MAIN_OUT_BIAS].offset] = below[b];
		EasqScorerPack(&scorer, &layout, w, 8.0f, memory);
		EasqSharedInit(&shared, &layout.shape, kept);
		EasqScoreRows(&scorer, EASQ_MAIN, 9, x, NULL, score, work);
		for (int i = 0; i < 9; i++)
			check(score[i] > 0.0f && score[i] == EASQ_SCORE_MIN, "a score of a block is above 0");
		check(EasqScoreNext(&scorer, EASQ_MAIN, &shared, x, 0, work) == EASQ_SCORE_MIN, "a score by itself is above 0");
	}
	check_near(EasqLogitOfScore(EASQ_SCORE_MIN), -103.2789, 1e-3, "the logit of the least score");
	free(memory);
	free(work);
	free(kept);
	end_group("the least score");
}

/* A score of 1e-20 is exp(v), not 0. */
static void
test_deep_score(void)
{
	EasqLayout	layout;
	EasqScorer	scorer;
	float	   *memory;
	float	   *work;
	float		w[64] = {0};
	float		x = 0.0f;
	float		score;

	init_layout(&layout, 1, 1, 1, 0, 1, 1);
	memory = allocate(EasqScorerFloats(&layout), sizeof(float));
	work = allocate(EasqScoreWork(&layout.shape, 1), sizeof(float));
	for (double v = -87.0; v < 40.0; v += 0.37)
	{
		w[layout.tensor[EASQ_MAIN_OUT_BIAS].offset] = (float) v;
		EasqScorerPack(&scorer, &layout, w, 8.0f, memory);
		EasqScoreRows(&scorer, EASQ_MAIN, 1, &x, NULL, &score, work);
		check_near(score, naive_softplus((float) v), 1e-6 * naive_softplus((float) v), "score far below 0");
	}
	free(memory);
	free(work);
	end_group("scores far below 0");
}

void
test_scorer(void)
{
	test_golden_scores();
	test_block_sizes();
	test_shapes();
	test_shared_inputs();
	test_least_score();
	test_deep_score();
}
