#include "model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/kernel.h"
#include "core/scorer.h"
#include "core/step.h"
#include "measure.h"

#define BATCH_PAIRS 256
#define PAIRS_PER_CHOSEN 4		/* drawn anew each epoch */
#define EPOCHS_MAX 100
#define PATIENCE 8				/* epochs without a better B_val */
#define LEARNING_RATE 1e-3
#define MAX_GRAD_NORM 1.0
#define TABLE_FLOATS ((SHOPPERS + COATS) * EMBEDDING)

/* All that training moves: weights, then both tables. */
typedef struct Training
{
	const EasqLayout *layout;
	float	   *weights;		/* [total + TABLE_FLOATS] */
	float	   *gradient;
	float	   *m;
	float	   *v;
	float	   *x;
	float	   *dx;
	float	   *work;
	int64_t		steps;
} Training;

static float *
zeros(size_t count)
{
	return calloc(count, sizeof(float));
}

EasqShape
ModelShape(int rank, int main_experts, int satisfaction_experts)
{
	return (EasqShape) {.k = INPUTS, .d = 64, .m = 32, .r = rank, .experts = {main_experts, satisfaction_experts}};
}

/* Where the embedding of a row's shopper and of its coat starts in the tables. */
static size_t
shopper_at(int row)
{
	return (size_t) (row / COATS) * EMBEDDING;
}

static size_t
coat_at(int row)
{
	return (size_t) (SHOPPERS + row % COATS) * EMBEDDING;
}

static void
encode_row(const CoatData *data, const float *tables, int row, float *x)
{
	memcpy(x, tables + shopper_at(row), sizeof(float) * EMBEDDING);
	memcpy(x + EMBEDDING, tables + coat_at(row), sizeof(float) * EMBEDDING);
	memcpy(x + 2 * EMBEDDING, data->person[row / COATS], sizeof(float) * PERSON);
	memcpy(x + 2 * EMBEDDING + PERSON, data->looks[row % COATS], sizeof(float) * LOOKS);
}

static void
train_batch(Training *training, const CoatData *data, const RowPair *pairs, int count)
{
	const EasqLayout *layout = training->layout;
	EasqHyper	hyper = {.alpha = ALPHA, .beta = 1.0, .lambda1 = 1.0, .pairwise = EASQ_ON_LOGIT};
	EasqBatch	batch = {.behaviour = count, .x = training->x};
	float	   *tables = training->weights + layout->total;
	float	   *table_gradient = training->gradient + layout->total;
	size_t		main_end = layout->tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset;
	EasqMetrics metrics;
	double		squares;

	for (int i = 0; i < count; i++)
	{
		encode_row(data, tables, pairs[i].chosen, training->x + (size_t) i * INPUTS);
		encode_row(data, tables, pairs[i].rejected, training->x + (size_t) (count + i) * INPUTS);
	}
	EasqGradient(layout, training->weights, &hyper, &batch, training->gradient, training->dx, &metrics, training->work);
	memset(table_gradient, 0, sizeof(float) * TABLE_FLOATS);
	for (int i = 0; i < 2 * count; i++)
	{
		int			row = i < count ? pairs[i].chosen : pairs[i - count].rejected;
		const float *dx = training->dx + (size_t) i * INPUTS;

		for (int j = 0; j < EMBEDDING; j++)
		{
			table_gradient[shopper_at(row) + j] += dx[j];
			table_gradient[coat_at(row) + j] += dx[EMBEDDING + j];
		}
	}
	/* LoRA and the satisfaction pathway have no gradient here, so that they stay as they are */
	squares = EasqSquares(main_end, training->gradient) + EasqSquares(TABLE_FLOATS, table_gradient);
	EasqAdamUpdate(layout->total + TABLE_FLOATS, training->weights, training->gradient, training->m, training->v,
				   ++training->steps, LEARNING_RATE, EasqClip(sqrt(squares), MAX_GRAD_NORM));
}

static void
encode_all(const CoatData *data, const float *tables, float *x)
{
	for (int row = 0; row < ROWS; row++)
		encode_row(data, tables, row, x + (size_t) row * INPUTS);
}

static void
init_tables(uint64_t seed, float *tables)
{
	float	   *table = zeros((size_t) (COATS + 1) * EMBEDDING);

	/* row 0 is the extension's NULL and is not used here */
	EasqInitEmbedding(seed, 0, SHOPPERS + 1, EMBEDDING, table);
	memcpy(tables, table + EMBEDDING, sizeof(float) * SHOPPERS * EMBEDDING);
	EasqInitEmbedding(seed, 1, COATS + 1, EMBEDDING, table);
	memcpy(tables + SHOPPERS * EMBEDDING, table + EMBEDDING, sizeof(float) * COATS * EMBEDDING);
	free(table);
}

/*
 * A loss on logits leaves their level open; losses on scores are flat where it
 * is far below 0.  So that methods with either start alike: mean 0.
 */
static void
centre_logits(Model *model, const CoatSplit *split, double *logit)
{
	double		sum = 0.0;
	int			count = 0;

	ModelLogits(&model->layout, model->weights, model->x, EASQ_MAIN, split->part, 1 << PART_TRAIN, logit);
	for (int row = 0; row < ROWS; row++)
		if (split->part[row] == PART_TRAIN)
		{
			sum += logit[row];
			count++;
		}
	model->weights[model->layout.tensor[EASQ_MAIN_OUT_BIAS].offset] -= (float) (sum / count);
	for (int row = 0; row < ROWS; row++)
		if (split->part[row] == PART_TRAIN)
			logit[row] -= sum / count;
}

void
ModelTrain(Model *model, const EasqShape *shape, const CoatData *data, const CoatSplit *split, uint64_t seed)
{
	EasqRandom	random = {EasqMix(seed, DRAW_TRAINING)};
	const EasqLayout *layout = &model->layout;
	Training	training = {.layout = layout};
	double	   *logit = calloc(ROWS, sizeof(double));
	float	   *best;
	double		best_accuracy = 0.0;
	size_t		floats;

	EasqLayoutInit(&model->layout, shape);
	floats = layout->total + TABLE_FLOATS;
	training.weights = zeros(floats);
	training.gradient = zeros(floats);
	training.m = zeros(floats);
	training.v = zeros(floats);
	training.x = zeros(2 * BATCH_PAIRS * INPUTS);
	training.dx = zeros(2 * BATCH_PAIRS * INPUTS);
	training.work = zeros(EasqGradientWork(shape, 2 * BATCH_PAIRS));
	best = zeros(floats);
	model->x = zeros((size_t) ROWS * INPUTS);
	EasqInitWeights(layout, EasqMix(seed, DRAW_WEIGHTS), training.weights);
	init_tables(EasqMix(seed, DRAW_WEIGHTS), training.weights + layout->total);

	model->epochs = 0;
	for (int epoch = 1; epoch <= EPOCHS_MAX && epoch - model->epochs <= PATIENCE; epoch++)
	{
		RowPair    *pairs;
		int			count;
		double		accuracy;

		DrawTrainingPairs(data, split, PAIRS_PER_CHOSEN, &random, &pairs, &count);
		for (int start = 0; start < count; start += BATCH_PAIRS)
			train_batch(&training, data, pairs + start, count - start < BATCH_PAIRS ? count - start : BATCH_PAIRS);
		free(pairs);
		encode_all(data, training.weights + layout->total, model->x);
		ModelLogits(layout, training.weights, model->x, EASQ_MAIN, split->part, 1 << PART_VALIDATION, logit);
		accuracy = BehaviourAccuracy(data, split, PART_VALIDATION, logit);
		if (accuracy > best_accuracy)
		{
			best_accuracy = accuracy;
			model->epochs = epoch;
			memcpy(best, training.weights, sizeof(float) * floats);
		}
	}
	encode_all(data, best + layout->total, model->x);
	model->weights = best;
	centre_logits(model, split, logit);
	free(training.weights);
	free(training.gradient);
	free(training.m);
	free(training.v);
	free(training.x);
	free(training.dx);
	free(training.work);
	model->logit = logit;
}

void
ModelFree(Model *model)
{
	free(model->weights);
	free(model->x);
	free(model->logit);
}

void
ModelCopyWeights(const EasqLayout *from_layout, const float *from, const EasqLayout *to_layout, float *to)
{
	for (int i = 0; i < EASQ_TENSORS; i++)
		if (from_layout->tensor[i].count == to_layout->tensor[i].count)
			memcpy(to + to_layout->tensor[i].offset, from + from_layout->tensor[i].offset,
				   sizeof(float) * to_layout->tensor[i].count);
}

/* v from softplus(v) */
static double
logit_of(float score)
{
	return score > 30.0f ? score : log(expm1((double) score));
}

void
ModelLogits(const EasqLayout *layout, const float *weights, const float *x, EasqPathway pathway,
			const unsigned char *mask, int want, double *logit)
{
	float	   *memory = zeros(EasqScorerFloats(layout));
	float	   *work = zeros(EasqScoreWork(&layout->shape, EASQ_SCORE_BLOCK));
	float	   *block = zeros((size_t) EASQ_SCORE_BLOCK * INPUTS);
	float		score[EASQ_SCORE_BLOCK];
	int			rows[EASQ_SCORE_BLOCK];
	int			count = 0;
	EasqScorer	scorer;

	EasqScorerPack(&scorer, layout, weights, (float) ALPHA, memory);
	for (int row = 0; row < ROWS; row++)
	{
		if (want >> mask[row] & 1)
		{
			memcpy(block + (size_t) count * INPUTS, x + (size_t) row * INPUTS, sizeof(float) * INPUTS);
			rows[count++] = row;
		}
		if (count == EASQ_SCORE_BLOCK || (row == ROWS - 1 && count > 0))
		{
			EasqScoreRows(&scorer, pathway, count, block, NULL, score, work);
			for (int i = 0; i < count; i++)
				logit[rows[i]] = logit_of(score[i]);
			count = 0;
		}
	}
	free(memory);
	free(work);
	free(block);
}
