/*
 * The arithmetic alone, without PostgreSQL: the products that any
 * implementation needs (the roofline) and easq's own code, in microseconds.
 *
 *   arithmetic WEIGHTS X WHAT [ROWS [ANSWERS]]
 *
 * WEIGHTS: the flat block of the bench model, X: encoded rows [n, 42], both
 * float32.  WHAT:
 *   gemm    the three products by OpenBLAS, ROWS at a time; a row
 *   gemv    the same, a row at a time
 *   dense   the products of gemm with softplus and gates, ROWS at a time; a row
 *   batch   EasqScoreRows, ROWS at a time; a row
 *   row     EasqScoreRows of one row
 *   step    forward and backward of ROWS / 2 pairs, ANSWERS of them of answers, and Adam; a step
 * One number on standard output: the median of several repetitions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cblas.h>

#include "core/blas.h"
#include "core/kernel.h"
#include "core/pathway.h"
#include "core/scorer.h"
#include "core/step.h"

static const EasqShape shape = {42, 128, 64, 8, {4, 2}};
static EasqLayout layout;
static EasqScorer scorer;
static float *weights;
static float *projection;		/* row-major, as OpenBLAS wants them */
static float *stacked_weight;
static float *stacked_bias;
static float *x;
static int	total;				/* rows of x */
static int	answers;			/* pairs of a step */
static float *moments;			/* of its Adam */
static float *z;
static float *stacked;
static float *score;
static float *work;

static void
die(const char *what)
{
	fprintf(stderr, "arithmetic: %s\n", what);
	exit(1);
}

static float *
floats(size_t n)
{
	float	   *memory = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);

	if (memory == NULL)
		die("out of memory");
	memset(memory, 0, n * sizeof(float));
	return memory;
}

static float *
read_file(const char *path, size_t *count)
{
	FILE	   *file = fopen(path, "rb");
	float	   *data;
	long		bytes;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (bytes = ftell(file)) < 0)
		die(path);
	rewind(file);
	*count = (size_t) bytes / sizeof(float);
	data = floats(*count);
	if (fread(data, sizeof(float), *count, file) != *count)
		die(path);
	fclose(file);
	return data;
}

static double
now(void)
{
	struct timespec t;

	/* of the process: what others do on the machine meanwhile does not count */
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double) t.tv_sec * 1e6 + (double) t.tv_nsec * 1e-3;
}

static void
multiply(int rows, int cols, int inner, const float *a, const float *b, float beta, float *c)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, cols, inner, 1.0f, a, inner, b, inner, beta, c, cols);
}

static void
gemm(int rows)
{
	int			K = shape.experts[EASQ_MAIN];

	for (int start = 0; start + rows <= total; start += rows)
	{
		multiply(rows, shape.d, shape.k, x + (size_t) start * shape.k, projection, 0.0f, z);
		multiply(rows, K, shape.d, z, weights + layout.tensor[EASQ_MAIN_GATE_WEIGHT].offset, 0.0f, stacked);
		multiply(rows, K * shape.m, shape.d, z, weights + layout.tensor[EASQ_MAIN_EXPERTS_WEIGHT].offset, 0.0f, stacked);
	}
}

static void
multiply_row(int rows, int inner, const float *a, const float *b, float *c)
{
	cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, inner, 1.0f, a, inner, b, 1, 0.0f, c, 1);
}

static void
gemv(int rows)
{
	int			K = shape.experts[EASQ_MAIN];

	for (int row = 0; row < rows; row++)
	{
		multiply_row(shape.d, shape.k, projection, x + (size_t) row * shape.k, z);
		multiply_row(K, shape.d, weights + layout.tensor[EASQ_MAIN_GATE_WEIGHT].offset, z, stacked);
		multiply_row(K * shape.m, shape.d, weights + layout.tensor[EASQ_MAIN_EXPERTS_WEIGHT].offset, z, stacked);
	}
}

static void
dense(int rows)
{
	int			K = shape.experts[EASQ_MAIN];
	int			wide = K * (shape.m + 1);

	for (int start = 0; start + rows <= total; start += rows)
	{
		EasqFillRows(rows, shape.d, weights + layout.tensor[EASQ_BACKBONE_BIAS].offset, z, (size_t) shape.d);
		multiply(rows, shape.d, shape.k, x + (size_t) start * shape.k, projection, 1.0f, z);
		EasqSoftplus((size_t) rows * shape.d, z, z);
		EasqFillRows(rows, wide, stacked_bias, stacked, (size_t) wide);
		multiply(rows, wide, shape.d, z, stacked_weight, 1.0f, stacked);
		EasqMixForward(rows, K, shape.m, stacked, (size_t) wide, stacked + K, (size_t) wide,
					   weights + layout.tensor[EASQ_MAIN_OUT_WEIGHT].offset,
					   weights[layout.tensor[EASQ_MAIN_OUT_BIAS].offset], score);
		EasqSoftplus((size_t) rows, score, score);
	}
}

static void
batch(int rows)
{
	for (int start = 0; start + rows <= total; start += rows)
		EasqScoreRows(&scorer, EASQ_MAIN, rows, x + (size_t) start * shape.k, NULL, score, work);
}

static void
row(int rows)
{
	for (int i = 0; i < rows; i++)
		EasqScoreRows(&scorer, EASQ_MAIN, 1, x + (size_t) i * shape.k, NULL, score, work);
}

/* With a rate of 0, so that each step is like the one before. */
static void
step(int rows)
{
	static const EasqHyper hyper = {8.0, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0, EASQ_DISTIL, EASQ_ON_LOGIT};
	size_t		adapter = layout.total - layout.backbone;
	EasqBatch	batch = {.survey = answers, .behaviour = rows / 2 - answers, .x = x};
	EasqAdam	adam = {moments, moments + adapter, 1};
	EasqMetrics metrics;

	(void) EasqOnlineStep(&layout, weights, &adam, &hyper, &batch, &metrics, stacked, work);
}

/* Gates and experts in one matrix; the projection without LoRA, which is folded in before anything is scored. */
static void
stack(void)
{
	int			K = shape.experts[EASQ_MAIN];
	size_t		gates = (size_t) K * (size_t) shape.d;

	projection = weights + layout.tensor[EASQ_BACKBONE_WEIGHT].offset;
	stacked_weight = floats(gates * (size_t) (shape.m + 1));
	memcpy(stacked_weight, weights + layout.tensor[EASQ_MAIN_GATE_WEIGHT].offset, gates * sizeof(float));
	memcpy(stacked_weight + gates, weights + layout.tensor[EASQ_MAIN_EXPERTS_WEIGHT].offset,
		   gates * (size_t) shape.m * sizeof(float));
	stacked_bias = floats((size_t) K * (size_t) (shape.m + 1));
	memcpy(stacked_bias, weights + layout.tensor[EASQ_MAIN_GATE_BIAS].offset, (size_t) K * sizeof(float));
	memcpy(stacked_bias + K, weights + layout.tensor[EASQ_MAIN_EXPERTS_BIAS].offset,
		   (size_t) (K * shape.m) * sizeof(float));
}

static int
ascending(const void *a, const void *b)
{
	double		d = *(const double *) a - *(const double *) b;

	return (d > 0) - (d < 0);
}

#define REPEATS 9

/* Median time of what(rows), divided by per. */
static double
measure(void (*what) (int), int rows, int per)
{
	double		times[REPEATS];

	what(rows);
	for (int i = 0; i < REPEATS; i++)
	{
		double		start = now();

		what(rows);
		times[i] = now() - start;
	}
	qsort(times, REPEATS, sizeof(double), ascending);
	return times[REPEATS / 2] / per;
}

int
main(int argc, char **argv)
{
	size_t		count;
	int			rows;
	int			whole;
	double		result;

	if (argc < 4 || EasqLayoutInit(&layout, &shape) != 0)
		die("usage: arithmetic WEIGHTS X WHAT [ROWS]");
	if (!EasqBlasSelfTest())
		die("OpenBLAS is wrong on this processor");
	weights = read_file(argv[1], &count);
	if (count != layout.total)
		die("the weights are of another shape");
	x = read_file(argv[2], &count);
	total = (int) (count / (size_t) shape.k);
	rows = argc > 4 ? atoi(argv[4]) : 512;
	answers = argc > 5 ? atoi(argv[5]) : rows / 10;
	if (rows < 8 || rows > total || answers < 0 || answers > rows / 2)
		die("as many rows as X has, 8 at least, and as many pairs of answers as there are pairs");
	stack();
	EasqScorerPack(&scorer, &layout, weights, 8.0f, floats(EasqScorerFloats(&layout)));
	z = floats((size_t) rows * (size_t) shape.d);
	stacked = floats((size_t) rows * 260 + layout.total);
	score = floats((size_t) rows);
	moments = floats(2 * (layout.total - layout.backbone));
	work = floats(EasqScoreWork(&shape, EASQ_SCORE_BLOCK) + EasqGradientWork(&shape, (size_t) rows));

	whole = total / rows * rows;
	if (strcmp(argv[3], "gemm") == 0)
		result = measure(gemm, rows, whole);
	else if (strcmp(argv[3], "gemv") == 0)
		result = measure(gemv, total, total);
	else if (strcmp(argv[3], "dense") == 0)
		result = measure(dense, rows, whole);
	else if (strcmp(argv[3], "batch") == 0 && rows <= EASQ_SCORE_BLOCK)
		result = measure(batch, rows, whole);
	else if (strcmp(argv[3], "row") == 0)
		result = measure(row, total, total);
	else if (strcmp(argv[3], "step") == 0)
		result = measure(step, rows, 1);
	else
		die("what is it to measure?");
	printf("%.4f\n", result);
	return 0;
}
