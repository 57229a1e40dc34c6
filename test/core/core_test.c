/*
 * Tests of src/core against the reference's golden cases, finite differences
 * and plain arithmetic.  Run from the top of the tree, or name the folder of
 * the golden cases:  test/core/core_test [test/golden]
 *
 * The objects under test are those that are shipped.  cblas_sgemm is defined
 * here, in front of the library's, so that the test can put a BLAS that errs
 * under them; it passes on to the Fortran name of the same kernel.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

extern void sgemm_(const char *ta, const char *tb, const int *m, const int *n, const int *k,
				   const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
				   const float *beta, float *c, const int *ldc);

static enum
{
	BLAS_RIGHT,
	BLAS_WRONG_GEMM,
	BLAS_WRONG_LARGE_GEMM
}			blas_errs = BLAS_RIGHT;

static int	blas_calls = 0;

void
cblas_sgemm(const enum CBLAS_ORDER order, const enum CBLAS_TRANSPOSE ta, const enum CBLAS_TRANSPOSE tb,
			const int m, const int n, const int k, const float alpha, const float *a, const int lda,
			const float *b, const int ldb, const float beta, float *c, const int ldc)
{
	(void) order;				/* row-major: the transposed product, column-major */
	sgemm_(tb == CblasTrans ? "T" : "N", ta == CblasTrans ? "T" : "N", &n, &m, &k,
		   &alpha, b, &ldb, a, &lda, &beta, c, &ldc);
	blas_calls++;
	if (blas_errs == BLAS_WRONG_GEMM)
		c[(size_t) (m - 1) * ldc + n - 1] = NAN;
	if (blas_errs == BLAS_WRONG_LARGE_GEMM && (double) m * n * k > 1e6)
		c[(size_t) (m - 1) * ldc + n - 1] += 1.0f;
}

#include "core/kernel.h"
#include "core/loss.h"
#include "core/metric.h"
#include "core/pathway.h"
#include "core/random.h"
#include "core/scorer.h"
#include "core/shape.h"
#include "core/step.h"

#include "check.h"
#include "golden.h"
#include "naive.h"

static const char *golden_folder = "test/golden";

static const char *const golden_names[] = {
	"plain", "logit", "distil", "distil_logit", "anchor",
	"smallest", "no_lora", "one_expert", "wide", "clipped"
};
#define GOLDEN_CASES ((int) (sizeof(golden_names) / sizeof(golden_names[0])))

static const char *
label(const char *format, const char *first, const char *second)
{
	static char text[160];

	snprintf(text, sizeof(text), format, first, second);
	return text;
}

static void
fill_normal_floats(uint64_t seed, size_t n, float *x)
{
	EasqRandom	random = {seed};

	for (size_t i = 0; i < n; i++)
		x[i] = (float) EasqNormal(&random);
}

/* Weights with every tensor away from 0, B too; the first gates open. */
static float *
test_weights(const EasqLayout *layout, uint64_t seed)
{
	float	   *w = allocate(layout->total, sizeof(float));
	EasqRandom	random = {seed};

	EasqInitWeights(layout, seed, w);
	for (size_t i = 0; i < layout->total; i++)
		w[i] += (float) (0.1 * EasqNormal(&random));
	return w;
}

static void
init_layout(EasqLayout *layout, int k, int d, int m, int r, int main_experts, int satisfaction_experts)
{
	EasqShape	shape = {k, d, m, r, {main_experts, satisfaction_experts}};

	if (EasqLayoutInit(layout, &shape) != 0)
		die("bad shape", "core_test");
}

/* ---------------------------------------------------------------- random.c */
static void
test_random(void)
{
	EasqRandom	random = {42};
	EasqRandom	again = {42};
	EasqRandom	zero = {0};
	double		sum = 0.0;
	double		squares = 0.0;
	int			bucket[7] = {0};
	const int	n = 70000;
	bool		inside = true;
	bool		same = true;

	check(EasqNext(&zero) == UINT64_C(0xe220a8397b1dcdaf), "splitmix64 of seed 0");
	check(EasqNext(&zero) == UINT64_C(0x6e789e6aa1b965f4), "splitmix64 of seed 0, second");
	for (int i = 0; i < n; i++)
	{
		double		u = EasqUniform(&random);

		same = same && u == EasqUniform(&again);
		inside = inside && u > 0.0 && u < 1.0;
		sum += u;
	}
	check(same, "a seed repeats");
	check(inside, "uniform is inside (0, 1)");
	check_near(sum / n, 0.5, 0.005, "uniform mean");
	for (int i = 0; i < n; i++)
		bucket[EasqBelow(&random, 7)]++;
	for (int i = 0; i < 7; i++)
		check_near(bucket[i], n / 7.0, 500.0, "buckets of EasqBelow");
	for (int i = 0; i < 100; i++)
		check(EasqBelow(&random, 1) == 0, "below 1 is 0");
	sum = 0.0;
	for (int i = 0; i < n; i++)
	{
		double		z = EasqNormal(&random);

		sum += z;
		squares += z * z;
	}
	check_near(sum / n, 0.0, 0.02, "normal mean");
	check_near(squares / n, 1.0, 0.03, "normal variance");
	check(EasqMix(1, 2) != EasqMix(2, 1) && EasqMix(0, 0) != EasqMix(0, 1) &&
		  EasqMix(0, 0) != EasqMix(1, 0), "mixing depends on both and on their order");
	end_group("random");
}

/* ----------------------------------------------------------------- shape.c */
static void
test_layout(void)
{
	static const struct
	{
		EasqShape	shape;
		int			result;
	}			limit[] = {
		{{1, 1, 1, 0, {1, 1}}, 0},
		{{16384, 1, 1, 0, {1, 1}}, 0},
		{{16385, 1, 1, 0, {1, 1}}, -1},
		{{0, 1, 1, 0, {1, 1}}, -1},
		{{-1, 1, 1, 0, {1, 1}}, -1},
		{{1, 4096, 1, 256, {64, 64}}, 0},
		{{1, 4097, 1, 0, {1, 1}}, -1},
		{{1, 0, 1, 0, {1, 1}}, -1},
		{{1, 1, 4096, 0, {64, 64}}, 0},
		{{1, 1, 4097, 0, {1, 1}}, -1},
		{{1, 1, 0, 0, {1, 1}}, -1},
		{{1, 1, 1, 257, {1, 1}}, -1},
		{{1, 1, 1, -1, {1, 1}}, -1},
		{{1, 1, 1, 0, {65, 1}}, -1},
		{{1, 1, 1, 0, {1, 65}}, -1},
		{{1, 1, 1, 0, {0, 1}}, -1},
		{{1, 1, 1, 0, {1, 0}}, -1},
		{{1, 4096, 4096, 0, {64, 64}}, -1}, /* too many parameters */
		{{16384, 4096, 1, 0, {1, 1}}, -1},
		{{2147483647, 2147483647, 2147483647, 2147483647, {2147483647, 2147483647}}, -1},
	};
	EasqLayout	layout;
	size_t		offset = 0;
	float	   *w;
	float	   *again;
	float		table[2][4 * 3];
	bool		zero = true;

	for (size_t i = 0; i < sizeof(limit) / sizeof(limit[0]); i++)
		check(EasqLayoutInit(&layout, &limit[i].shape) == limit[i].result, "limits of a shape");

	init_layout(&layout, 7, 5, 3, 2, 4, 1);
	for (int i = 0; i < EASQ_TENSORS; i++)
	{
		const EasqTensor *tensor = &layout.tensor[i];
		size_t		count = 1;

		for (int j = 0; j < tensor->ndim; j++)
			count *= (size_t) tensor->dim[j];
		check(tensor->offset == offset && tensor->count == count, "tensors follow each other");
		offset += count;
	}
	check(layout.total == offset, "total");
	check(layout.backbone == 7 * 5 + 5, "the adapter starts behind the backbone");
	check(strcmp(layout.tensor[EASQ_SATISFACTION_OUT_BIAS].name, "satisfaction.out.bias") == 0 &&
		  strcmp(layout.tensor[EASQ_LORA_B].name, "lora_B.weight") == 0, "names");

	w = allocate(layout.total, sizeof(float));
	again = allocate(layout.total, sizeof(float));
	EasqInitWeights(&layout, 9, w);
	EasqInitWeights(&layout, 9, again);
	check(memcmp(w, again, layout.total * sizeof(float)) == 0, "a seed gives the same bits");
	EasqInitWeights(&layout, 10, again);
	check(memcmp(w, again, layout.total * sizeof(float)) != 0, "another seed, other weights");
	for (size_t i = 0; i < layout.tensor[EASQ_LORA_B].count; i++)
		zero = zero && w[layout.tensor[EASQ_LORA_B].offset + i] == 0.0f;
	check(zero, "B starts at 0");
	free(w);
	free(again);

	EasqInitEmbedding(9, 0, 4, 3, table[0]);
	EasqInitEmbedding(9, 1, 4, 3, table[1]);
	check(table[0][0] == 0.0f && table[0][1] == 0.0f && table[0][2] == 0.0f, "row 0 of an embedding is 0");
	check(table[0][3] != 0.0f && table[0][3] != table[1][3], "tables differ");
	EasqInitEmbedding(9, 0, 2, 3, table[1]);
	check(memcmp(table[0], table[1], 2 * 3 * sizeof(float)) == 0, "a longer table starts alike");

	init_layout(&layout, 1, 3, 2, 0, 1, 1);
	check(layout.tensor[EASQ_LORA_A].count == 0 && layout.tensor[EASQ_LORA_B].count == 0, "rank 0 has no LoRA");
	end_group("layout and starting weights");
}

/* Every gate of a new model opens for some row, whatever the seed. */
static void
test_start_alive(void)
{
	EasqLayout	layout;
	float		x[32 * 10];
	float	   *w;
	float	   *work;

	for (int wide = 0; wide < 2; wide++)
	{
		init_layout(&layout, 10, wide ? 128 : 2, 4, 2, 4, 1);
		w = allocate(layout.total, sizeof(float));
		work = allocate(EasqGradientWork(&layout.shape, 32), sizeof(float));
		for (uint64_t seed = 0; seed < 20; seed++)
		{
			EasqInitWeights(&layout, seed, w);
			fill_normal_floats(seed + 77, 32 * 10, x);
			for (int p = 0; p < EASQ_PATHWAYS; p++)
				check(EasqGatesAlive(&layout, w, 8.0, p, 32, x, work), "a new model's gates are open");
		}
		free(w);
		free(work);
	}
	end_group("a new model is alive");
}

/* ---------------------------------------------------------------- kernel.c */
#define ULP 1.1920929e-7		/* of a float near 1 */

static void
test_softplus(void)
{
	static float x[1000];
	static float y[1000];
	static float dx[1000];
	const float special[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e30f, -1e30f, -80.0f, -100.0f};
	const int	special_count = sizeof(special) / sizeof(special[0]);

	for (double from = -104.0; from < 120.0; from += 2.0)
	{
		for (int i = 0; i < 1000; i++)
			x[i] = (float) (from + 0.002 * i);
		EasqSoftplus(1000, x, y);
		for (int i = 0; i < 1000; i++)
			dx[i] = 1.0f;
		EasqSoftplusBackward(1000, x, dx, dx);
		for (int i = 0; i < 1000; i++)
		{
			double		want = naive_softplus(x[i]);
			double		slope = 1.0 / (1.0 + exp(-(double) x[i]));

			/* subnormals have an absolute precision of 1.4e-45 */
			check_near(y[i], want, 3.0 * ULP * want + 3e-45, "softplus");
			check_near(dx[i], slope, 3.0 * ULP * slope + 3e-45, "softplus backward");
		}
	}
	/* each value at each place of a vector, so that every tail is met */
	for (int n = 1; n < 40; n++)
		for (int v = 0; v < special_count; v++)
		{
			float		at = special[v];

			for (int i = 0; i < n; i++)
				x[i] = 0.5f;
			x[n - 1] = at;
			x[n] = -7.0f;
			y[n] = 123.0f;
			EasqSoftplus((size_t) n, x, y);
			if (isnan(at))
				check(isnan(y[n - 1]), "softplus(NaN)");
			else if (isinf(at))
				check(y[n - 1] == (at > 0.0f ? INFINITY : 0.0f), "softplus(infinity)");
			else
				check_near(y[n - 1], naive_softplus(at), 3.0 * ULP * naive_softplus(at) + 3e-45, "softplus");
			check(y[n] == 123.0f, "softplus stays in its array");
			EasqSoftplus((size_t) n, x, x);
			check(memcmp(x, y, (size_t) n * sizeof(float)) == 0 || isnan(at), "softplus in place");
			x[n - 1] = at;
			dx[n - 1] = 1.0f;
			EasqSoftplusBackward((size_t) n, x, dx, dx);
			check(isnan(at) ? isnan(dx[n - 1]) : dx[n - 1] >= 0.0f && dx[n - 1] <= 1.0f, "sigmoid of a special value");
		}
	EasqSoftplus(0, x, y);
	end_group("softplus and its derivative");
}

static void
product_by_hand(int rows, int cols, int inner, const float *a, int ta, const float *b, int tb, float beta, double *c)
{
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < cols; j++)
		{
			double		sum = beta == 0.0f ? 0.0 : beta * c[i * cols + j];

			for (int l = 0; l < inner; l++)
				sum += (double) (ta ? a[l * rows + i] : a[i * inner + l]) *
					(tb ? b[j * inner + l] : b[l * cols + j]);
			c[i * cols + j] = sum;
		}
}

/* Random shapes, each kind of product, and 0 of everything; beta 0 forgets NaN. */
static void
test_products(const char *name)
{
	EasqRandom	random = {5};
	const int	most = 60;
	float	   *a = allocate(3600, sizeof(float));
	float	   *b = allocate(3600, sizeof(float));
	float	   *c = allocate(3601, sizeof(float));
	double	   *want = allocate(3600, sizeof(double));

	for (int round = 0; round < 120; round++)
	{
		int			rows = (int) EasqBelow(&random, (uint64_t) most + 1);
		int			cols = (int) EasqBelow(&random, (uint64_t) most + 1);
		int			inner = (int) EasqBelow(&random, (uint64_t) most + 1);
		int			kind = round % 3;
		float		beta = (float) (round / 3 % 3) / 2.0f;

		/* longer than what is multiplied in one go */
		if (round % 7 == 5)
		{
			rows %= 8;
			cols %= 8;
			inner += 380;
		}
		else if (round % 7 == 6)
		{
			rows += 70;
			cols %= 27;
			inner %= 27;
		}
		fill_normal_floats((uint64_t) round + 100, 3600, a);
		fill_normal_floats((uint64_t) round + 500, 3600, b);
		for (int i = 0; i < 3601; i++)
		{
			c[i] = beta == 0.0f ? NAN : (float) i / 1000.0f;
			if (i < 3600)
				want[i] = c[i];
		}
		product_by_hand(rows, cols, inner, a, kind == 2, b, kind == 0, beta, want);
		if (kind == 0)
			EasqGemmNT(rows, cols, inner, a, b, beta, c);
		else if (kind == 1)
			EasqGemmNN(rows, cols, inner, a, b, beta, c);
		else
			EasqGemmTN(rows, cols, inner, a, b, beta, c);
		for (int i = 0; i < rows * cols; i++)
			check_near(c[i], want[i], 1e-4, "product");
		check(beta == 0.0f ? isnan(c[rows * cols]) : c[rows * cols] == (float) (rows * cols) / 1000.0f,
			  "product stays in its array");
	}
	free(a);
	free(b);
	free(c);
	free(want);
	end_group(name);
}

/* A BLAS that errs is found out, and plain loops give what a right one gives. */
static void
test_selftest(void)
{
	int			calls;

	check(EasqKernelSelfTest(EASQ_BY_OPENBLAS), "OpenBLAS is right on this processor");
	blas_errs = BLAS_WRONG_GEMM;
	check(!EasqKernelSelfTest(EASQ_BY_OPENBLAS), "a wrong gemm is found");
	blas_errs = BLAS_WRONG_LARGE_GEMM;
	check(!EasqKernelSelfTest(EASQ_BY_OPENBLAS), "a wrong gemm of a large product is found");
	calls = blas_calls;
	test_products("products by plain loops");
	check(EasqKernelSelfTest(EASQ_BY_PANELS), "panels are right on this processor");
	test_products("products by panels");
	check(blas_calls == calls, "neither needs BLAS");
	blas_errs = BLAS_RIGHT;
	check(EasqKernelSelfTest(EASQ_BY_OPENBLAS), "the self-test can be repeated");
	calls = blas_calls;
	test_products("products by OpenBLAS once more");
	check(blas_calls > calls, "and BLAS is back");
	check(EasqKernelSelfTest(EasqKernelBest()), "the best way is right, and used from here on");
	end_group("self-test and fallback");
}

static void
test_sums(void)
{
	float		x[37];
	double		sum = 0.0;

	fill_normal_floats(4, 37, x);
	for (int n = 0; n < 37; n++)
	{
		check_near(EasqSquares((size_t) n, x), sum, 1e-12, "sum of squares");
		check(EasqAllFinite((size_t) n, x), "finite");
		sum += (double) x[n] * x[n];
	}
	for (int i = 0; i < 37; i++)
	{
		const float bad[3] = {NAN, INFINITY, -INFINITY};
		float		saved = x[i];

		x[i] = bad[i % 3];
		check(!EasqAllFinite(37, x), "not finite");
		x[i] = saved;
	}
	end_group("sums and finiteness");
}

/* ------------------------------------------------------------------ loss.c */
static void
test_losses(void)
{
	const float extreme[] = {-3e38f, -1e5f, -200.0f, -90.0f, -15.0f, 0.0f, 15.0f, 200.0f, 1e5f, 3e38f};
	const int	n = sizeof(extreme) / sizeof(extreme[0]);
	EasqMetrics metrics;
	double		dbias = 0.0;

	check_near(EasqLogSoftplus(-200.0), -200.0, 1e-12, "log softplus(-200)");
	check_near(EasqLogSoftplus(-1e6), -1e6, 1e-6, "log softplus(-1e6)");
	check_near(EasqLogSoftplus(0.0), log(log(2.0)), 1e-14, "log softplus(0)");
	check_near(EasqLogSoftplus(50.0), log(50.0), 1e-14, "log softplus(50)");
	for (double v = -40.0; v < -30.0; v += 0.01)
		check_near(EasqLogSoftplus(v), v - exp(v) / 2.0, 1e-13, "log softplus without a jump");
	check(isnan(EasqLogSoftplus(NAN)), "log softplus(NaN)");

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			float		d[4] = {0};
			double		loss = 0.0;

			loss += EasqPairwiseLoss(1, &extreme[i], &extreme[j], NULL, EASQ_ON_SCORE, 1.0, &d[0], &d[1], &dbias);
			loss += EasqPairwiseLoss(1, &extreme[i], &extreme[j], NULL, EASQ_ON_LOGIT, 1.0, &d[0], &d[1], &dbias);
			loss += EasqDpoLoss(1, &extreme[i], &extreme[j], &extreme[j], &extreme[i], NULL, 1.0, 1.0, 1.0,
								&d[0], &d[1], &dbias, &metrics);
			check(isfinite(loss) && isfinite(d[0]) && isfinite(d[1]) && d[0] <= 0.0f,
				  "no logit is too large or too small for a loss");
		}
	{
		float		hi = -200.0f;
		float		lo = -190.0f;
		float		d[2] = {0};

		check_near(EasqPairwiseLoss(1, &hi, &lo, NULL, EASQ_ON_SCORE, 1.0, &d[0], &d[1], &dbias), log(2.0), 1e-12,
				   "two scores of 0 are a tie");
		check(d[0] == 0.0f && d[1] == 0.0f, "a gradient that underflows is 0");
	}
	{
		float		y[6] = {1.0f, 2.0f, 3.0f, -1.0f, 0.5f, 9.0f};
		float		d[6] = {0};

		/* agreement is rest, up to the entropy of the target */
		EasqDistilLoss(3, y, y, 1.0, d);
		for (int i = 0; i < 6; i++)
			check_near(d[i], 0.0, 1e-9, "distillation rests where both agree");
		check(EasqDistilLoss(1, y, y + 2, 1.0, d) == 0.0 && d[0] == 0.0f, "one pair has no neighbour");
		EasqKeepLoss(3, y, y, 1.0, d);
		for (int i = 0; i < 6; i++)
			check_near(d[i], 0.0, 1e-9, "what is kept is where rehearsal rests");
		check(EasqKeepLoss(0, y, y, 1.0, d) == 0.0, "nothing to keep");
	}
	end_group("losses");
}

/* ------------------------------------------------------ scorer.c and step.c */
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

				EasqScoreRows(&scorer, p, GOLDEN_ROWS, golden.rows, batched, work);
				for (int i = 0; i < GOLDEN_ROWS; i++)
				{
					double		want = golden.score[after][p][i];
					double		allowed = 1e-5 * fabs(want) + 1e-6;

					EasqScoreRows(&scorer, p, 1, golden.rows + i * golden.shape.k, &single, work);
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

		EasqScoreRows(&scorer, EASQ_MAIN, 1, x + i * 5, all + i, work);
		free(work);
	}
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
	{
		float	   *work = allocate(EasqScoreWork(&layout.shape, sizes[s]), sizeof(float));

		EasqScoreRows(&scorer, EASQ_MAIN, sizes[s], x, some, work);
		for (int i = 0; i < sizes[s]; i++)
			check_near(some[i], all[i], 1e-5 * all[i] + 1e-6, "a block of another size");
		free(work);
	}
	/* a NaN in a row shows in its score and in no other */
	{
		float	   *work = allocate(EasqScoreWork(&layout.shape, 10), sizeof(float));

		x[3 * 5 + 1] = NAN;
		EasqScoreRows(&scorer, EASQ_MAIN, 10, x, some, work);
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

/* Every level of instructions against plain loops in double, on shapes that fill no panel and no tile. */
static void
test_levels(void)
{
	/* k, d, m, r, experts */
	static const int shapes[][6] = {
		{1, 1, 1, 0, 1, 1}, {2, 31, 3, 1, 3, 1}, {7, 33, 17, 2, 1, 5}, {42, 128, 64, 8, 4, 2},
		{129, 64, 31, 4, 2, 2}, {300, 200, 5, 0, 7, 3}, {5, 97, 70, 3, 2, 1}, {601, 9, 2, 1, 2, 2}
	};
	static const int blocks[] = {1, 2, 3, 4, 5, 7, 8, 13, 97, 203};
	int			count;
	const EasqLevel *levels = EasqLevels(&count);

	check(EasqBestLevel() == &levels[count - 1], "the last level is in use");
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
	{
		const int  *of = shapes[s];
		const int	rows = 203;
		EasqLayout	layout;
		EasqScorer	scorer;
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
		for (int p = 0; p < EASQ_PATHWAYS; p++)
		{
			for (int i = 0; i < rows; i++)
				want[i] = naive_softplus(naive_logit(&layout, p, 8.0, wd, wd, xd + i * of[0], wd, xd + i * of[0]));
			for (int level = 0; level < count; level++)
				for (size_t b = 0; b < sizeof(blocks) / sizeof(blocks[0]); b++)
				{
					float	   *work = allocate(EasqScoreWork(&layout.shape, blocks[b]), sizeof(float));

					scorer.level = &levels[level];
					EasqScoreRows(&scorer, p, blocks[b], x, score, work);
					for (int i = 0; i < blocks[b]; i++)
						check_near(score[i], want[i], 1e-5 * want[i] + 1e-6, label("%s against plain loops%s", levels[level].name, ""));
					free(work);
				}
		}
		free(w);
		free(wd);
		free(x);
		free(xd);
		free(memory);
	}
	end_group("levels of instructions");
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
			EasqScoreRows(&scorer, EASQ_MAIN, rows, x, score, work);
			EasqSharedInit(&shared, &layout.shape, kept);
			for (int i = 0; i < rows; i++)
			{
				double		want = naive_softplus(naive_logit(&layout, EASQ_MAIN, 8.0, wd, wd, xd + i * k, wd, xd + i * k));

				check_near(score[i], want, 1e-5 * want + 1e-6, "rows of a block share inputs");
				check_near(EasqScoreNext(&scorer, EASQ_MAIN, &shared, x + i * k, work), want, 1e-5 * want + 1e-6,
						   "rows one after the other share inputs");
			}
		}
	/* the last run is all of x: NaN in one row is not handed on */
	x[30 * k + 5] = NAN;
	EasqSharedInit(&shared, &layout.shape, kept);
	for (int i = 0; i < rows; i++)
		check(isnan(EasqScoreNext(&scorer, EASQ_MAIN, &shared, x + i * k, work)) == (i == 30), "NaN stays in its row");
	free(x);
	free(xd);
	free(w);
	free(wd);
	free(memory);
	free(work);
	free(kept);
	end_group("inputs that rows share");
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
		EasqScoreRows(&scorer, EASQ_MAIN, 1, &x, &score, work);
		check_near(score, naive_softplus((float) v), 1e-6 * naive_softplus((float) v), "score far below 0");
	}
	free(memory);
	free(work);
	end_group("scores far below 0");
}

static void
metric_values(const EasqMetrics *metrics, double *value)
{
	value[0] = metrics->loss;
	value[1] = metrics->loss_main;
	value[2] = metrics->loss_satisfaction;
	value[3] = metrics->loss_alignment;
	value[4] = metrics->reward_chosen;
	value[5] = metrics->reward_rejected;
	value[6] = metrics->reward_margin;
	value[7] = metrics->reward_accuracy;
	value[8] = metrics->grad_norm;
	value[9] = metrics->grad_norm_main;
	value[10] = metrics->grad_norm_satisfaction;
}

static void
test_golden_steps(void)
{
	for (int c = 0; c < GOLDEN_CASES; c++)
	{
		const char *name = golden_names[c];
		Golden		golden;
		size_t		total;
		size_t		adapter;
		float	   *w;
		float	   *gradient;
		float	   *work;
		EasqAdam	adam = {0};
		EasqBatch	batch = {.survey = GOLDEN_SURVEY, .behaviour = GOLDEN_BEHAVIOUR};

		golden_read(&golden, golden_folder, name);
		total = golden.layout.total;
		adapter = total - golden.layout.backbone;
		w = allocate(total, sizeof(float));
		gradient = allocate(total, sizeof(float));
		work = allocate(EasqGradientWork(&golden.shape, 2 * (GOLDEN_SURVEY + GOLDEN_BEHAVIOUR)), sizeof(float));
		adam.m = allocate(adapter, sizeof(float));
		adam.v = allocate(adapter, sizeof(float));
		batch.x = golden.batch;
		memcpy(w, golden.before, total * sizeof(float));
		for (int s = 0; s < GOLDEN_STEPS; s++)
		{
			EasqMetrics metrics;
			double		value[11];

			check(EasqOnlineStep(&golden.layout, w, &adam, &golden.hyper, &batch, &metrics, gradient, work),
				  label("%s: the step is finite%s", name, ""));
			metric_values(&metrics, value);
			for (int i = 0; i < 11; i++)
				check_near(value[i], golden.step[s][i], 1e-4 * fabs(golden.step[s][i]) + 1e-5,
						   label("%s: %s", name, step_names[i]));
			check(!metrics.gates_dead[EASQ_MAIN] || golden.step[s][9] < 1.0, label("%s: gates%s", name, ""));
		}
		check(adam.step == GOLDEN_STEPS, "steps are counted");
		check(memcmp(w, golden.before, golden.layout.backbone * sizeof(float)) == 0, "the backbone stays");
		for (int t = EASQ_LORA_A; t < EASQ_TENSORS; t++)
		{
			const EasqTensor *tensor = &golden.layout.tensor[t];

			for (size_t i = 0; i < tensor->count; i++)
				check_near(w[tensor->offset + i], golden.after[tensor->offset + i],
						   1e-4 * fabs(golden.after[tensor->offset + i]) + 0.05 * golden.hyper.learning_rate,
						   label("%s: %s after three steps", name, tensor->name));
		}
		free(w);
		free(gradient);
		free(work);
		free(adam.m);
		free(adam.v);
		golden_free(&golden);
	}
	end_group("golden steps");
}

/*
 * Gradients against central differences of the double model, whose detached
 * parts do not move: so this is the test of the gradients' routing, too.
 */
static void
compare_gradients(const EasqLayout *layout, const EasqHyper *hyper, int survey, int behaviour,
				  const float *weight, bool keeps, uint64_t seed)
{
	int			k = layout->shape.k;
	int			rows = 2 * (survey + behaviour);
	size_t		total = layout->total;
	float	   *w = test_weights(layout, seed);
	float	   *x = allocate((size_t) rows * k, sizeof(float));
	float	   *dx = allocate((size_t) rows * k, sizeof(float));
	float	   *gradient = allocate(total, sizeof(float));
	float	   *without_dx = allocate(total, sizeof(float));
	float	   *work = allocate(EasqGradientWork(&layout->shape, (size_t) rows), sizeof(float));
	double	   *wd = allocate(total, sizeof(double));
	double	   *w0 = allocate(total, sizeof(double));
	double	   *xd = allocate((size_t) rows * k, sizeof(double));
	double	   *x0 = allocate((size_t) rows * k, sizeof(double));
	double		s0[NAIVE_ROWS];
	float		kept[NAIVE_ROWS];
	EasqBatch	batch = {.survey = survey, .behaviour = behaviour, .x = x, .kept = keeps ? kept : NULL, .weight = weight};
	EasqMetrics metrics;
	NaiveLoss	loss;
	const double step = 1e-5;

	fill_normal_floats(seed + 1, (size_t) rows * k, x);
	fill_normal_floats(seed + 2, (size_t) 2 * behaviour, kept);
	for (size_t i = 0; i < total; i++)
		wd[i] = w0[i] = w[i];
	for (int i = 0; i < rows * k; i++)
		xd[i] = x0[i] = x[i];
	for (int i = 0; i < rows; i++)
		s0[i] = naive_logit(layout, EASQ_SATISFACTION, hyper->alpha, w0, w0, x0 + i * k, w0, x0 + i * k);

	/* what is in the arrays before must not show */
	for (size_t i = 0; i < total; i++)
		gradient[i] = without_dx[i] = NAN;
	for (int i = 0; i < rows * k; i++)
		dx[i] = NAN;
	EasqGradient(layout, w, hyper, &batch, without_dx, NULL, &metrics, work);
	EasqGradient(layout, w, hyper, &batch, gradient, dx, &metrics, work);

	loss = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
	check_near(metrics.loss, loss.main + loss.satisfaction, 1e-5 * fabs(metrics.loss) + 1e-6, "loss");
	for (size_t i = 0; i < total; i++)
		check(i < layout->backbone ? isnan(without_dx[i]) : without_dx[i] == gradient[i],
			  "without dx: the same, and the backbone's part left alone");

	for (int t = 0; t < EASQ_TENSORS; t++)
	{
		const EasqTensor *tensor = &layout->tensor[t];
		double		size = 0.0;

		for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
			size = fmax(size, fabs(gradient[i]));
		for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
		{
			NaiveLoss	up;
			NaiveLoss	down;

			wd[i] = w0[i] + step;
			up = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
			wd[i] = w0[i] - step;
			down = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
			wd[i] = w0[i];
			check_near(gradient[i], (up.main - down.main + up.satisfaction - down.satisfaction) / (2.0 * step),
					   1e-4 * size + 1e-7, tensor->name);
		}
	}
	for (int i = 0; i < rows * k; i++)
	{
		NaiveLoss	up;
		NaiveLoss	down;

		xd[i] = x0[i] + step;
		up = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
		xd[i] = x0[i] - step;
		down = naive_loss(layout, hyper, &batch, wd, xd, w0, x0, s0);
		xd[i] = x0[i];
		check_near(dx[i], (up.main - down.main) / (2.0 * step), 1e-4 * fabs(dx[i]) + 1e-5, "dx");
	}
	free(w);
	free(x);
	free(dx);
	free(gradient);
	free(without_dx);
	free(work);
	free(wd);
	free(w0);
	free(xd);
	free(x0);
}

static void
test_gradients(void)
{
	EasqLayout	layout;
	const int	pairs[][2] = {{3, 4}, {2, 5}, {0, 3}, {3, 0}, {1, 1}};
	const float weight[] = {0.25f, 3.0f, 0.7f};
	uint64_t	seed = 100;

	for (int r = 0; r < 2; r++)
	{
		init_layout(&layout, 3, 6, 5, r ? 2 : 0, 3, 2);
		for (int alignment = 0; alignment < 2; alignment++)
			for (int pairwise = 0; pairwise < 2; pairwise++)
				for (size_t p = 0; p < sizeof(pairs) / sizeof(pairs[0]); p++)
				{
					EasqHyper	hyper = {4.0, 0.7, 0.6, 1.7, pairwise ? 0.8 : 0.0, 1e-3, 1.0, alignment, pairwise};

					for (int keeps = 0; keeps < 2; keeps++)
					{
						compare_gradients(&layout, &hyper, pairs[p][0], pairs[p][1], NULL, keeps, seed++);
						compare_gradients(&layout, &hyper, pairs[p][0], pairs[p][1], weight, keeps, seed++);
					}
				}
	}
	end_group("gradients, finite differences");
}

/* Weights of pairs of answers: equal ones change no bit, others are what repeating a pair does. */
static void
test_weights_of_pairs(void)
{
	const int	survey = 4;
	const int	behaviour = 3;
	const float equal[] = {0.3f, 0.3f, 0.3f, 0.3f};
	const float thrice[] = {0.5f, 0.5f, 1.5f, 0.5f};
	EasqLayout	layout;
	EasqMetrics metrics;
	EasqMetrics other_metrics;
	float		x[2 * (4 + 3) * 4];
	float		repeated[2 * (6 + 3) * 4];
	float	   *w;
	float	   *gradient;
	float	   *other;
	float	   *work;

	init_layout(&layout, 4, 7, 6, 2, 3, 2);
	w = test_weights(&layout, 57);
	gradient = allocate(layout.total, sizeof(float));
	other = allocate(layout.total, sizeof(float));
	work = allocate(EasqGradientWork(&layout.shape, 2 * (6 + 3)), sizeof(float));
	fill_normal_floats(58, sizeof(x) / sizeof(x[0]), x);
	/* the third pair three times: rows 0 1 2 2 2 3 of either half */
	for (int half = 0; half < 2; half++)
		for (int i = 0; i < 6; i++)
			memcpy(repeated + (half * 6 + i) * 4, x + (half * survey + (i < 2 ? i : i < 5 ? 2 : 3)) * 4, 4 * sizeof(float));
	memcpy(repeated + 2 * 6 * 4, x + 2 * survey * 4, 2 * (size_t) behaviour * 4 * sizeof(float));
	for (int alignment = 0; alignment < 2; alignment++)
	{
		EasqHyper	hyper = {8.0, 0.7, 0.7, 1.3, 0.4, 1e-3, 1.0, alignment, EASQ_ON_SCORE};
		EasqBatch	batch = {.survey = survey, .behaviour = behaviour, .x = x};
		EasqBatch	long_batch = {.survey = 6, .behaviour = behaviour, .x = repeated};

		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		batch.weight = equal;
		EasqGradient(&layout, w, &hyper, &batch, other, NULL, &other_metrics, work);
		check(memcmp(gradient + layout.backbone, other + layout.backbone,
					 (layout.total - layout.backbone) * sizeof(float)) == 0, "equal weights: the same gradient");
		check(metrics.loss == other_metrics.loss, "equal weights: the same loss");
		batch.weight = thrice;
		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		EasqGradient(&layout, w, &hyper, &long_batch, other, NULL, &other_metrics, work);
		check_near(metrics.loss_satisfaction, other_metrics.loss_satisfaction, 1e-6, "a weight of three: satisfaction");
		check_near(metrics.loss_alignment, other_metrics.loss_alignment, 1e-6, "a weight of three: alignment");
		for (size_t i = layout.backbone; i < layout.total; i++)
			check_near(gradient[i], other[i], 1e-5 * fabs(other[i]) + 1e-6, "a weight of three: gradient");
	}
	free(w);
	free(gradient);
	free(other);
	free(work);
	end_group("weights of pairs");
}

/* Routing once more, and exactly: what may not be reached is 0 to the last bit. */
static void
test_routing(void)
{
	EasqLayout	layout;
	EasqMetrics metrics;
	float		x[16 * 4];
	float		dx[16 * 4];
	float	   *w;
	float	   *gradient;
	float	   *other;
	float	   *work;
	EasqBatch	batch = {.survey = 3, .behaviour = 5, .x = x};
	size_t		main;
	size_t		satisfaction;

	init_layout(&layout, 4, 7, 6, 2, 3, 2);
	main = layout.tensor[EASQ_MAIN_GATE_WEIGHT].offset;
	satisfaction = layout.tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset;
	w = test_weights(&layout, 55);
	gradient = allocate(layout.total, sizeof(float));
	other = allocate(layout.total, sizeof(float));
	work = allocate(EasqGradientWork(&layout.shape, 16), sizeof(float));
	fill_normal_floats(56, 16 * 4, x);
	for (int alignment = 0; alignment < 2; alignment++)
	{
		EasqHyper	hyper = {8.0, 1.0, 0.0, 1.0, 1.0, 1e-3, 1.0, alignment, EASQ_ON_SCORE};
		bool		quiet = true;

		/* without the satisfaction loss, nothing of it or of LoRA moves */
		EasqGradient(&layout, w, &hyper, &batch, gradient, dx, &metrics, work);
		for (size_t i = layout.backbone; i < layout.total; i++)
			if (i < main || i >= satisfaction)
				quiet = quiet && gradient[i] == 0.0f;
		check(quiet, "the main loss and the alignment reach neither LoRA nor satisfaction.*");
		check(EasqSquares(satisfaction - main, gradient + main) > 0.0, "they reach main.*");
		check(EasqSquares(layout.backbone, gradient) > 0.0, "they reach the backbone");
		check(EasqSquares(16 * 4, dx) > 0.0, "they reach x");

		/* the satisfaction loss changes nothing of main.*, backbone and x */
		memcpy(other, gradient, layout.total * sizeof(float));
		hyper.lambda1 = 3.0;
		EasqGradient(&layout, w, &hyper, &batch, gradient, dx, &metrics, work);
		check(memcmp(gradient, other, layout.backbone * sizeof(float)) == 0 &&
			  memcmp(gradient + main, other + main, (satisfaction - main) * sizeof(float)) == 0,
			  "the satisfaction loss reaches neither main.* nor the backbone");
		check(EasqSquares(main - layout.backbone, gradient + layout.backbone) > 0.0 &&
			  EasqSquares(layout.total - satisfaction, gradient + satisfaction) > 0.0,
			  "it reaches LoRA and satisfaction.*");
	}
	/* on logits the losses do not know where 0 is: exactly no gradient for the last bias */
	for (int alignment = 0; alignment < 2; alignment++)
	{
		EasqHyper	hyper = {8.0, 1.0, 0.7, 1.3, 0.0, 1e-3, 1.0, alignment, EASQ_ON_LOGIT};

		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		check(gradient[layout.tensor[EASQ_SATISFACTION_OUT_BIAS].offset] == 0.0f, "satisfaction.out.bias, on logits");
		check((gradient[layout.tensor[EASQ_MAIN_OUT_BIAS].offset] == 0.0f) == (alignment == EASQ_DISTIL),
			  "main.out.bias, on logits");
	}
	free(w);
	free(gradient);
	free(other);
	free(work);
	end_group("routing of gradients");
}

/* A batch of several blocks: the mean of its parts, which fit in one. */
static void
test_large_batch(void)
{
	EasqLayout	layout;
	const int	survey = 3000;
	const int	behaviour = 6000;
	const int	part = 1000;
	const int	k = 3;
	const int	rows = 2 * (survey + behaviour);
	float	   *w;
	float	   *gradient;
	float	   *piece;
	float	   *x = allocate((size_t) rows * k, sizeof(float));
	float	   *px = allocate((size_t) 2 * part * k, sizeof(float));
	float	   *dx = allocate((size_t) rows * k, sizeof(float));
	float	   *pdx = allocate((size_t) 2 * part * k, sizeof(float));
	float	   *work;
	double	   *sum;

	init_layout(&layout, k, 6, 4, 2, 2, 2);
	w = test_weights(&layout, 71);
	gradient = allocate(layout.total, sizeof(float));
	piece = allocate(layout.total, sizeof(float));
	sum = allocate(layout.total, sizeof(double));
	work = allocate(EasqGradientWork(&layout.shape, (size_t) rows), sizeof(float));
	fill_normal_floats(72, (size_t) rows * k, x);
	for (int alignment = 0; alignment < 2; alignment++)
	{
		EasqHyper	hyper = {8.0, 1.0, 0.5, 1.5, 0.5, 1e-3, 1.0, alignment, EASQ_ON_LOGIT};
		EasqBatch	batch = {.survey = survey, .behaviour = behaviour, .x = x};
		EasqMetrics metrics;
		EasqMetrics of_piece;
		double		loss = 0.0;
		double		size = 0.0;

		memset(sum, 0, layout.total * sizeof(double));
		EasqGradient(&layout, w, &hyper, &batch, gradient, dx, &metrics, work);
		for (int kind = 0; kind < 2; kind++)
		{
			int			n = kind ? behaviour : survey;
			const float *from = x + (kind ? (size_t) 2 * survey * k : 0);
			const float *dfrom = dx + (kind ? (size_t) 2 * survey * k : 0);

			for (int start = 0; start < n; start += part)
			{
				EasqBatch	small = {.survey = kind ? 0 : part, .behaviour = kind ? part : 0, .x = px};
				double		share = (double) part / n;
				size_t		half = (size_t) part * k;

				memcpy(px, from + (size_t) start * k, half * sizeof(float));
				memcpy(px + half, from + (size_t) (n + start) * k, half * sizeof(float));
				EasqGradient(&layout, w, &hyper, &small, piece, pdx, &of_piece, work);
				loss += share * of_piece.loss;
				for (size_t i = 0; i < layout.total; i++)
					sum[i] += share * piece[i];
				for (size_t i = 0; i < half; i += 97)
				{
					check_near(dfrom[(size_t) start * k + i], share * pdx[i], 2e-8, "dx of a large batch");
					check_near(dfrom[(size_t) (n + start) * k + i], share * pdx[half + i], 2e-8, "dx of a large batch");
				}
			}
		}
		check_near(metrics.loss, loss, 1e-5, "loss of a large batch");
		for (size_t i = 0; i < layout.total; i++)
			size = fmax(size, fabs(sum[i]));
		for (size_t i = 0; i < layout.total; i++)
			check_near(gradient[i], sum[i], 1e-5 * size + 1e-7, "gradient of a large batch");
	}
	/* main gates that only the first row of the first block opens */
	{
		EasqHyper	hyper = {8.0, 1.0, 0.5, 1.5, 0.5, 1e-3, 1.0, EASQ_DPO, EASQ_ON_LOGIT};
		EasqBatch	batch = {.survey = survey, .behaviour = behaviour, .x = x};
		EasqMetrics metrics;

		for (int i = 0; i < 2; i++)
			w[layout.tensor[EASQ_MAIN_GATE_BIAS].offset + i] = -100.0f;
		for (int i = 0; i < 2 * 6; i++)
			w[layout.tensor[EASQ_MAIN_GATE_WEIGHT].offset + i] = 1.0f;
		for (int i = 0; i < 6; i++)
			w[layout.tensor[EASQ_BACKBONE_WEIGHT].offset + i * k] = 1.0f;
		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		check(metrics.gates_dead[EASQ_MAIN], "gates that no row opens");
		x[0] = 1000.0f;
		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		check(!metrics.gates_dead[EASQ_MAIN], "gates that one row of many opens");
	}
	free(w);
	free(gradient);
	free(piece);
	free(sum);
	free(x);
	free(px);
	free(dx);
	free(pdx);
	free(work);
	end_group("a batch of several blocks");
}

/* Shut gates are reported, and a jump out of range is refused. */
static void
test_death(void)
{
	EasqLayout	layout;
	EasqHyper	hyper = {8.0, 1.0, 1.0, 1.0, 0.0, 1e-3, 1.0, EASQ_DPO, EASQ_ON_SCORE};
	EasqMetrics metrics;
	EasqAdam	adam;
	float		x[16 * 4];
	EasqBatch	batch = {.survey = 3, .behaviour = 5, .x = x};
	EasqBatch	nothing = {.x = x};
	float	   *w;
	float	   *gradient;
	float	   *work;
	bool		finite = true;

	init_layout(&layout, 4, 7, 6, 2, 3, 2);
	gradient = allocate(layout.total, sizeof(float));
	work = allocate(EasqGradientWork(&layout.shape, 16), sizeof(float));
	adam.m = allocate(layout.total, sizeof(float));
	adam.v = allocate(layout.total, sizeof(float));
	fill_normal_floats(91, 16 * 4, x);

	for (int dead = 0; dead < EASQ_PATHWAYS; dead++)
	{
		const EasqTensor *bias = &layout.tensor[EASQ_PATHWAY_TENSOR(dead, EASQ_MAIN_GATE_BIAS)];
		const EasqTensor *weight = &layout.tensor[EASQ_PATHWAY_TENSOR(dead, EASQ_MAIN_GATE_WEIGHT)];

		w = test_weights(&layout, 90);
		for (size_t i = 0; i < bias->count; i++)
			w[bias->offset + i] = -50.0f;
		EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
		check(metrics.gates_dead[dead] && !metrics.gates_dead[!dead], "shut gates show in the metrics");
		check(!EasqGatesAlive(&layout, w, 8.0, dead, 16, x, work), "shut gates are not alive");
		check(EasqGatesAlive(&layout, w, 8.0, !dead, 16, x, work), "the other pathway's are");
		check(EasqSquares(weight->count, gradient + weight->offset) == 0.0, "shut gates have no gradient");
		free(w);
	}
	/* one gate, and only the last row opens it */
	w = test_weights(&layout, 90);
	for (int i = 0; i < 3; i++)
		w[layout.tensor[EASQ_MAIN_GATE_BIAS].offset + i] = -50.0f;
	for (int i = 0; i < 7; i++)
		w[layout.tensor[EASQ_MAIN_GATE_WEIGHT].offset + i] = 1.0f;
	x[15 * 4] = 1000.0f;
	for (int i = 0; i < 7; i++)
		w[layout.tensor[EASQ_BACKBONE_WEIGHT].offset + i * 4] = 1.0f;
	EasqGradient(&layout, w, &hyper, &batch, gradient, NULL, &metrics, work);
	check(!metrics.gates_dead[EASQ_MAIN], "one row is enough");
	check(EasqGatesAlive(&layout, w, 8.0, EASQ_MAIN, 16, x, work), "one row is enough");
	check(!EasqGatesAlive(&layout, w, 8.0, EASQ_MAIN, 15, x, work), "without it they are shut");
	check(!EasqGatesAlive(&layout, w, 8.0, EASQ_MAIN, 0, x, work), "no row opens none");
	free(w);
	fill_normal_floats(91, 16 * 4, x);

	/* nothing to learn from */
	w = test_weights(&layout, 90);
	EasqGradient(&layout, w, &hyper, &nothing, gradient, NULL, &metrics, work);
	check(metrics.loss == 0.0 && !metrics.gates_dead[0] && !metrics.gates_dead[1] &&
		  EasqSquares(layout.total - layout.backbone, gradient + layout.backbone) == 0.0, "an empty batch");
	free(w);

	/* steps far too long: sooner or later not finite, and said so at once */
	for (int kind = 0; kind < 2; kind++)
	{
		w = test_weights(&layout, 90);
		adam.step = 0;
		memset(adam.m, 0, layout.total * sizeof(float));
		memset(adam.v, 0, layout.total * sizeof(float));
		hyper.learning_rate = kind ? 1e39 : 1e25;
		finite = true;
		for (int s = 0; s < 5 && finite; s++)
			finite = EasqOnlineStep(&layout, w, &adam, &hyper, &batch, &metrics, gradient, work);
		check(!finite, "a jump out of range is refused");
		free(w);
	}
	hyper.learning_rate = 1e-3;
	for (int kind = 0; kind < 3; kind++)
	{
		w = test_weights(&layout, 90);
		adam.step = 0;
		memset(adam.m, 0, layout.total * sizeof(float));
		memset(adam.v, 0, layout.total * sizeof(float));
		if (kind == 0)
			w[layout.tensor[EASQ_MAIN_OUT_BIAS].offset] = NAN;
		else if (kind == 1)
			w[layout.tensor[EASQ_SATISFACTION_OUT_WEIGHT].offset + 2] = INFINITY;
		else
			x[5] = NAN;
		check(!EasqOnlineStep(&layout, w, &adam, &hyper, &batch, &metrics, gradient, work),
			  "a weight or input that is not finite is refused");
		free(w);
	}
	free(gradient);
	free(work);
	free(adam.m);
	free(adam.v);

	check_near(EasqClip(0.0, 1.0), 1.0, 1e-12, "clip");
	check_near(EasqClip(10.0, 1.0), 0.1, 1e-6, "clip");
	end_group("dead gates and jumps");
}

/* A step of a batch without answers, or without behaviour, moves what it should. */
static void
test_halves(void)
{
	EasqLayout	layout;
	EasqHyper	hyper = {8.0, 1.0, 1.0, 1.0, 0.0, 1e-3, 1.0, EASQ_DPO, EASQ_ON_SCORE};
	EasqMetrics metrics;
	float		x[16 * 4];
	float	   *w;
	float	   *before;
	float	   *gradient;
	float	   *work;
	size_t		satisfaction;

	init_layout(&layout, 4, 7, 6, 2, 3, 2);
	satisfaction = layout.tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset;
	before = test_weights(&layout, 17);
	w = allocate(layout.total, sizeof(float));
	gradient = allocate(layout.total, sizeof(float));
	work = allocate(EasqGradientWork(&layout.shape, 16), sizeof(float));
	fill_normal_floats(18, 16 * 4, x);
	for (int answers = 0; answers < 2; answers++)
	{
		EasqBatch	batch = {.survey = answers ? 4 : 0, .behaviour = answers ? 0 : 4, .x = x};
		EasqAdam	adam = {allocate(layout.total, sizeof(float)), allocate(layout.total, sizeof(float)), 0};

		memcpy(w, before, layout.total * sizeof(float));
		check(EasqOnlineStep(&layout, w, &adam, &hyper, &batch, &metrics, gradient, work), "finite");
		check((memcmp(w + satisfaction, before + satisfaction,
					  (layout.total - satisfaction) * sizeof(float)) != 0) == (answers == 1),
			  "the satisfaction pathway moves with answers only");
		check(memcmp(w + layout.tensor[EASQ_MAIN_OUT_WEIGHT].offset, before + layout.tensor[EASQ_MAIN_OUT_WEIGHT].offset,
					 6 * sizeof(float)) != 0, "the main pathway moves with either");
		check(answers ? metrics.loss_main == 0.0 : metrics.loss_satisfaction == 0.0 && metrics.loss_alignment == 0.0,
			  "a loss over nothing is 0");
		free(adam.m);
		free(adam.v);
	}
	free(before);
	free(w);
	free(gradient);
	free(work);
	end_group("answers or behaviour alone");
}

/* ---------------------------------------------------------------- metric.c */
typedef struct GroupedRow
{
	EasqRanked	ranked;
	int			group;
} GroupedRow;

static double
metric_of(const char *name, size_t n, const EasqRanked *rows)
{
	if (strncmp(name, "hr@", 3) == 0)
		return EasqHitRate(n, rows, atoi(name + 3));
	if (strncmp(name, "ndcg@", 5) == 0)
		return EasqNdcg(n, rows, atoi(name + 5));
	if (strcmp(name, "mrr") == 0)
		return EasqReciprocalRank(n, rows);
	return EasqAuc(n, rows);
}

static void
test_metrics(void)
{
	char	   *text = slurp(golden_folder, ".", "metrics.txt");
	char	   *at = strchr(text, '\n') + 1;
	char		name[64];
	int			count;
	int			used;

	while (sscanf(at, "case %63s %d%n", name, &count, &used) == 2)
	{
		GroupedRow	row[100];
		EasqRanked	ranked[100];
		int			values;

		at += used;
		for (int i = 0; i < count; i++)
		{
			int			positive;

			sscanf(at, "%lf %d %d%n", &row[i].ranked.score, &positive, &row[i].group, &used);
			row[i].ranked.label = positive != 0;
			at += used;
		}
		sscanf(at, "%d%n", &values, &used);
		at += used;
		for (int v = 0; v < values; v++)
		{
			char		metric[32];
			double		want;
			double		sum = 0.0;
			int			groups = 0;
			int			skipped = 0;
			bool		whole;

			sscanf(at, "%31s %lf %n", metric, &want, &used);
			at += used;
			whole = strcmp(metric, "auc") == 0;
			for (int g = whole ? -1 : 0; g < (whole ? 0 : 8); g++)
			{
				size_t		n = 0;
				size_t		positives = 0;

				for (int i = 0; i < count; i++)
					if (whole || row[i].group == g)
					{
						positives += row[i].ranked.label;
						ranked[n++] = row[i].ranked;
					}
				if (n == 0)
					continue;
				if (positives == 0 || positives == n)
				{
					skipped++;
					continue;
				}
				EasqSortRanked(n, ranked);
				sum += metric_of(metric, n, ranked);
				groups++;
			}
			if (strcmp(metric, "groups") == 0)
				check_near(groups, want, 1e-12, name);
			else if (strcmp(metric, "groups_skipped") == 0)
				check_near(skipped, want, 1e-12, name);
			else
				check_near(sum / groups, want, 1e-12, label("%s: %s", name, metric));
		}
	}
	check(*at == '\0', "metrics.txt is read to its end");
	free(text);
	EasqSortRanked(0, NULL);
	end_group("ranking metrics");
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		golden_folder = argv[1];
	test_random();
	test_layout();
	test_start_alive();
	test_softplus();
	test_products("products by OpenBLAS");
	test_selftest();
	test_sums();
	test_losses();
	test_golden_scores();
	test_block_sizes();
	test_levels();
	test_shared_inputs();
	test_deep_score();
	test_golden_steps();
	test_gradients();
	test_weights_of_pairs();
	test_routing();
	test_large_batch();
	test_death();
	test_halves();
	test_metrics();
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
