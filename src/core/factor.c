#include "core/factor.h"

#include <string.h>

#include "core/random.h"
#include "core/tick.h"

/* Start of the tables' streams of random numbers, clear of the tensors' and of the embeddings'. */
#define FACTOR_STREAM 2000
#define DEVIATION 0.05
#define TICK_ROWS 4096

/* factors is known to the compiler where it is the default: then the sums stay in registers. */
static inline float
logit(int features, int factors, const float *const *part, const float *scale, float *restrict sum)
{
	float		squares[EASQ_MAX_FACTORS] = {0};
	float		products = 0.0f;

	memset(sum, 0, (1 + (size_t) factors) * sizeof(float));
	for (int f = 0; f < features; f++)
	{
		const float *p = part[f];
		float		a = scale[f];

		sum[0] += a * p[0];
		for (int j = 1; j <= factors; j++)
		{
			float		v = a * p[j];

			sum[j] += v;
			squares[j - 1] += v * v;
		}
	}
	for (int j = 0; j < factors; j++)
		products += sum[1 + j] * sum[1 + j] - squares[j];
	return sum[0] + 0.5f * products;
}

float
EasqFactorLogit(int features, int factors, const float *const *part, const float *scale, float *sum)
{
	if (factors == 16)
		return logit(features, 16, part, scale, sum);
	return logit(features, factors, part, scale, sum);
}

void
EasqFactorGradient(int factors, const float *part, float scale, const float *sum, float du, float *restrict gradient)
{
	gradient[0] = du;
	for (int j = 1; j <= factors; j++)
		gradient[j] = du * (sum[j] - scale * part[j]);
}

void
EasqInitFactors(uint64_t seed, int stream, int64_t size, int factors, bool null, float *table)
{
	uint64_t	base = EasqMix(seed, FACTOR_STREAM + (uint64_t) stream);

	for (int64_t row = 0; row < size; row++, table += 1 + factors)
	{
		EasqRandom	random = {EasqMix(base, (uint64_t) row)};

		if (row % TICK_ROWS == 0)
			EasqTick();
		table[0] = 0.0f;
		for (int j = 1; j <= factors; j++)
			table[j] = null && row == 0 ? 0.0f : (float) (DEVIATION * EasqNormal(&random));
	}
}
