#include "core/shape.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/random.h"
#include "core/tick.h"

/* Start of the embeddings' streams of random numbers, clear of the tensors'. */
#define EMBEDDING_STREAM 1000

#define TICK_NUMBERS 65536		/* that are drawn between two ticks */

static bool
within(int value, int low, int high)
{
	return value >= low && value <= high;
}

/* Appends a tensor to the block; unused dimensions are 1. */
static void
place(EasqLayout *layout, EasqTensorId id, const char *name, int ndim, int dim0, int dim1, int dim2)
{
	EasqTensor *tensor = &layout->tensor[id];

	tensor->name = name;
	tensor->ndim = ndim;
	tensor->dim[0] = dim0;
	tensor->dim[1] = dim1;
	tensor->dim[2] = dim2;
	tensor->offset = layout->total;
	tensor->count = (size_t) dim0 * (size_t) dim1 * (size_t) dim2;
	layout->total += tensor->count;
}

int
EasqLayoutInit(EasqLayout *layout, const EasqShape *shape)
{
	static const char *const pathway_names[EASQ_PATHWAYS][6] = {
		{"main.gate.weight", "main.gate.bias", "main.experts.weight",
		"main.experts.bias", "main.out.weight", "main.out.bias"},
		{"satisfaction.gate.weight", "satisfaction.gate.bias", "satisfaction.experts.weight",
		"satisfaction.experts.bias", "satisfaction.out.weight", "satisfaction.out.bias"},
	};
	int			k = shape->k;
	int			d = shape->d;
	int			m = shape->m;
	int			r = shape->r;
	uint64_t	parameters;

	memset(layout, 0, sizeof(*layout));
	if (!within(k, 1, EASQ_MAX_INPUTS) || !within(d, 1, EASQ_MAX_HIDDEN) ||
		!within(m, 1, EASQ_MAX_EXPERT_HIDDEN) || !within(r, 0, EASQ_MAX_RANK) ||
		!within(shape->experts[EASQ_MAIN], 1, EASQ_MAX_EXPERTS) ||
		!within(shape->experts[EASQ_SATISFACTION], 1, EASQ_MAX_EXPERTS))
		return -1;

	/* in 64 bits first: size_t may be shorter */
	parameters = (uint64_t) d * (k + 1) + (uint64_t) r * (k + d);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		parameters += (uint64_t) shape->experts[p] * ((uint64_t) d + 1 + (uint64_t) m * d + m) + m + 1;
	if (parameters > EASQ_MAX_PARAMETERS)
		return -1;

	layout->shape = *shape;
	place(layout, EASQ_BACKBONE_WEIGHT, "backbone.weight", 2, d, k, 1);
	place(layout, EASQ_BACKBONE_BIAS, "backbone.bias", 1, d, 1, 1);
	layout->backbone = layout->total;
	place(layout, EASQ_LORA_A, "lora_A.weight", 2, r, k, 1);
	place(layout, EASQ_LORA_B, "lora_B.weight", 2, d, r, 1);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		const char *const *name = pathway_names[p];
		int			K = shape->experts[p];

		place(layout, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_WEIGHT), name[0], 2, K, d, 1);
		place(layout, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_BIAS), name[1], 1, K, 1, 1);
		place(layout, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_EXPERTS_WEIGHT), name[2], 3, K, m, d);
		place(layout, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_EXPERTS_BIAS), name[3], 2, K, m, 1);
		place(layout, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_WEIGHT), name[4], 1, m, 1, 1);
		place(layout, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_BIAS), name[5], 1, 1, 1, 1);
	}
	layout->adapter = layout->total - layout->backbone;
	layout->ranking = layout->tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset - layout->backbone;
	return 0;
}

/* Normal numbers; each tensor has its own stream, so that one's size does not shift another. */
static void
fill_normal(const EasqLayout *layout, EasqTensorId id, uint64_t seed, double deviation, float *weights)
{
	EasqRandom	random = {EasqMix(seed, (uint64_t) id)};
	float	   *w = weights + layout->tensor[id].offset;

	for (size_t i = 0; i < layout->tensor[id].count; i++)
	{
		if (i % TICK_NUMBERS == 0)
			EasqTick();
		w[i] = (float) (deviation * EasqNormal(&random));
	}
}

void
EasqInitWeights(const EasqLayout *layout, uint64_t seed, float *weights)
{
	const EasqShape *shape = &layout->shape;
	int			d = shape->d;

	/* biases and B start at 0: LoRA says nothing before the first answer */
	memset(weights, 0, layout->total * sizeof(float));
	fill_normal(layout, EASQ_BACKBONE_WEIGHT, seed, 1.0 / sqrt(shape->k), weights);
	fill_normal(layout, EASQ_LORA_A, seed, 1.0 / sqrt(shape->k), weights);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		EasqTensorId gate = EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_WEIGHT);
		int			K = shape->experts[p];
		float	   *bias = weights + layout->tensor[EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_BIAS)].offset;

		/*
		 * z is positive throughout, so a gate whose weights do not sum to
		 * about 0 would start open or shut for every row alike; one that is
		 * shut for every row never learns.
		 */
		fill_normal(layout, gate, seed, 0.5 / (K * sqrt(d)), weights);
		for (int i = 0; i < K; i++)
		{
			float	   *w = weights + layout->tensor[gate].offset + (size_t) i * d;
			double		mean = 0.0;

			for (int j = 0; j < d; j++)
				mean += w[j];
			mean /= d;
			for (int j = 0; j < d; j++)
				w[j] -= (float) mean;
			bias[i] = 1.0f / (float) K;
		}
		fill_normal(layout, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_EXPERTS_WEIGHT), seed, 1.0 / sqrt(d), weights);
		fill_normal(layout, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_WEIGHT), seed, 1.0 / sqrt(shape->m), weights);
	}
}

void
EasqInitEmbedding(uint64_t seed, int stream, int64_t size, int dim, float *table)
{
	uint64_t	base = EasqMix(seed, EMBEDDING_STREAM + (uint64_t) stream);

	for (int64_t row = 0; row < size; row++)
	{
		EasqRandom	random = {EasqMix(base, (uint64_t) row)};
		float	   *w = table + (size_t) row * (size_t) dim;

		if (row % (TICK_NUMBERS / 64) == 0)
			EasqTick();
		for (int j = 0; j < dim; j++)
			w[j] = row == 0 ? 0.0f : (float) (0.3 * EasqNormal(&random));
	}
}
