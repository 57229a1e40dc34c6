#include "core/scorer.h"

#include <string.h>

#include "core/kernel.h"
#include "core/pathway.h"

/* Most rows of one pass through both products: what is between them stays in the cache. */
#define PASS_ROWS 256
#define PASS_ROWS_MIN 8
#define PASS_FLOATS ((size_t) 1 << 22)	/* what a pass of fewer rows is kept under */

/* Floats of a row after the second product. */
static size_t
stacked_rows(const EasqShape *shape, int pathway)
{
	return (size_t) shape->experts[pathway] * ((size_t) shape->m + 1);
}

size_t
EasqScorerFloats(const EasqLayout *layout)
{
	const EasqShape *shape = &layout->shape;
	size_t		d = (size_t) shape->d;
	size_t		floats = d * (size_t) shape->k + d;

	for (int p = 0; p < EASQ_PATHWAYS; p++)
		floats += stacked_rows(shape, p) * (d + 1) + (size_t) shape->m;
	return floats;
}

/* Copies a tensor to the end of what is packed. */
static float *
append(float *end, const EasqLayout *layout, const float *weights, EasqTensorId id)
{
	const EasqTensor *tensor = &layout->tensor[id];

	memcpy(end, weights + tensor->offset, tensor->count * sizeof(float));
	return end + tensor->count;
}

void
EasqScorerPack(EasqScorer *scorer, const EasqLayout *layout, const float *weights,
			   float alpha, float *memory)
{
	const EasqShape *shape = &layout->shape;
	float	   *end = memory;

	scorer->shape = *shape;
	scorer->projection = end;
	end = append(end, layout, weights, EASQ_BACKBONE_WEIGHT);
	if (shape->r > 0)
	{
		const float *A = weights + layout->tensor[EASQ_LORA_A].offset;
		const float *B = weights + layout->tensor[EASQ_LORA_B].offset;
		float		scale = alpha / (float) shape->r;

		for (int i = 0; i < shape->d; i++)
			for (int l = 0; l < shape->r; l++)
			{
				float		factor = scale * B[(size_t) i * shape->r + l];
				const float *from = A + (size_t) l * shape->k;
				float	   *to = memory + (size_t) i * shape->k;

				for (int j = 0; j < shape->k; j++)
					to[j] += factor * from[j];
			}
	}
	scorer->projection_bias = end;
	end = append(end, layout, weights, EASQ_BACKBONE_BIAS);

	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		scorer->stacked[p] = end;
		end = append(end, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_WEIGHT));
		end = append(end, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_EXPERTS_WEIGHT));
		scorer->stacked_bias[p] = end;
		end = append(end, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_GATE_BIAS));
		end = append(end, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_EXPERTS_BIAS));
		scorer->out[p] = end;
		end = append(end, layout, weights, EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_WEIGHT));
		scorer->out_bias[p] = weights[layout->tensor[EASQ_PATHWAY_TENSOR(p, EASQ_MAIN_OUT_BIAS)].offset];
	}
}

/* Floats of a row between the products, in the wider pathway. */
static size_t
row_floats(const EasqShape *shape)
{
	size_t		main = stacked_rows(shape, EASQ_MAIN);
	size_t		satisfaction = stacked_rows(shape, EASQ_SATISFACTION);

	return (size_t) shape->d + (main > satisfaction ? main : satisfaction);
}

static int
pass_rows(const EasqShape *shape, int rows)
{
	size_t		most = PASS_FLOATS / row_floats(shape);

	if (most > PASS_ROWS)
		most = PASS_ROWS;
	if (most < PASS_ROWS_MIN)
		most = PASS_ROWS_MIN;
	return rows < (int) most ? rows : (int) most;
}

size_t
EasqScoreWork(const EasqShape *shape, int rows)
{
	return (size_t) pass_rows(shape, rows) * row_floats(shape) + (size_t) shape->m;
}

/* y [rows, cols] = x [rows, inner] weight [cols, inner]^T + bias */
static void
linear(int rows, int cols, int inner, const float *x, const float *weight, const float *bias, float *y)
{
	EasqFillRows(rows, cols, bias, y, (size_t) cols);
	if (rows == 1)
		EasqGemv(cols, inner, weight, x, 1.0f, y);
	else
		EasqGemmNT(rows, cols, inner, x, weight, 1.0f, y);
}

void
EasqLogitRows(const EasqScorer *scorer, EasqPathway pathway, int rows,
			  const float *x, float *logit, float *work)
{
	const EasqShape *shape = &scorer->shape;
	int			K = shape->experts[pathway];
	size_t		wide = stacked_rows(shape, pathway);
	int			pass;

	for (int start = 0; start < rows; start += pass)
	{
		float	   *z = work;
		float	   *stacked;
		float	   *sum;

		pass = pass_rows(shape, rows - start);
		stacked = z + (size_t) pass * shape->d;
		sum = stacked + (size_t) pass * wide;
		linear(pass, shape->d, shape->k, x + (size_t) start * shape->k,
			   scorer->projection, scorer->projection_bias, z);
		EasqSoftplus((size_t) pass * shape->d, z, z);
		linear(pass, (int) wide, shape->d, z, scorer->stacked[pathway], scorer->stacked_bias[pathway], stacked);
		EasqMixForward(pass, K, shape->m, stacked, wide, stacked + K, wide,
					   scorer->out[pathway], scorer->out_bias[pathway], logit + start, sum);
	}
}

void
EasqScoreRows(const EasqScorer *scorer, EasqPathway pathway, int rows,
			  const float *x, float *score, float *work)
{
	EasqLogitRows(scorer, pathway, rows, x, score, work);
	EasqSoftplus((size_t) rows, score, score);
}
