/*
 * What the elementwise kernels share: run-time dispatch, and softplus written
 * so that the compiler vectorises the loop it stands in (no branch, no libm).
 */
#ifndef EASQ_SIMD_H
#define EASQ_SIMD_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The compiler knows the levels of x86-64, v3 (AVX2, FMA) and v4 (AVX-512). */
#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__)
#define EASQ_HAS_LEVELS
#endif

/*
 * One copy of the function per level of x86-64, chosen when the library is
 * loaded.  The resolvers run before a sanitizer is ready, so not under one
 * (-DEASQ_NO_CLONES for those that leave no macro).
 */
#if defined(EASQ_HAS_LEVELS) && defined(__GLIBC__) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
	!defined(EASQ_NO_CLONES)
#define EASQ_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define EASQ_CLONES
#endif

#if defined(__GNUC__)
#define EASQ_INLINE static inline __attribute__((always_inline))
#else
#define EASQ_INLINE static inline
#endif

/* 2^n for n in [-126, 127]; anything for other n. */
EASQ_INLINE float
power_of_two(int32_t n)
{
	uint32_t	bits = ((uint32_t) n + 127u) << 23;
	float		result;

	memcpy(&result, &bits, sizeof(result));
	return result;
}

/* exp(-|x|), right into the subnormals, 0 below them; NaN stays NaN. */
EASQ_INLINE float
exp_minus_abs(float x)
{
	const float round = 12582912.0f;	/* 1.5 * 2^23: adding it rounds to an integer */
	float		a = -fabsf(x);
	float		t;
	int32_t		n;
	int32_t		half;
	float		r;
	float		p;

	/* exp(-105) rounds to 0; a comparison that keeps NaN */
	a = a < -105.0f ? -105.0f : a;
	t = a * 1.44269504f + round;
	memcpy(&n, &t, sizeof(n));
	n -= 0x4B400000;			/* the bits of round */
	/* ln 2 in two parts, the first short enough that n times it is exact */
	r = a - (float) n * 0.693359375f;
	r = r + (float) n * 2.12194440e-4f;
	p = 1.9875691500e-4f;
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * (r * r) + r + 1.0f;
	/* in two halves, because 2^n itself may be subnormal */
	half = n >> 1;
	return p * power_of_two(half) * power_of_two(n - half);
}

/* softplus(x), given t = exp(-|x|): max(x, 0) + log1p(t), where log1p(t) = 2 atanh(t / (2 + t)). */
EASQ_INLINE float
softplus_of(float x, float t)
{
	float		s = t / (2.0f + t);
	float		q = s * s;
	float		p = 0.268514991f;	/* fitted to s^2 <= 1/9, to 2e-8 of the result */

	p = p * q + 0.282366186f;
	p = p * q + 0.400075614f;
	p = p * q + 0.666666389f;
	return (x > 0.0f ? x : 0.0f) + (2.0f * s + s * q * p);
}

/* sigmoid(x), given t = exp(-|x|). */
EASQ_INLINE float
sigmoid_of(float x, float t)
{
	return (x < 0.0f ? t : 1.0f) / (1.0f + t);
}

EASQ_INLINE float
softplus(float x)
{
	return softplus_of(x, exp_minus_abs(x));
}

#define EASQ_LANES 16

/* In EASQ_LANES partial sums, so that it vectorises without leave to reorder. */
EASQ_INLINE float
dot(int n, const float *a, const float *b)
{
	float		lane[EASQ_LANES] = {0};
	float		sum = 0.0f;
	int			i = 0;

	for (; i + EASQ_LANES <= n; i += EASQ_LANES)
		for (int l = 0; l < EASQ_LANES; l++)
			lane[l] += a[i + l] * b[i + l];
	for (; i < n; i++)
		sum += a[i] * b[i];
	for (int l = 0; l < EASQ_LANES; l++)
		sum += lane[l];
	return sum;
}

/* A row of the mixture, see pathway.h; sum [m] is scratch. */
EASQ_INLINE float
mix_row(int experts, int m, const float *gate, const float *restrict expert,
		const float *restrict out, float bias, float *restrict sum)
{
	memset(sum, 0, (size_t) m * sizeof(float));
	for (int i = 0; i < experts; i++, expert += m)
	{
		float		open = gate[i];

		/* a shut gate; NaN is none */
		if (open <= 0.0f)
			continue;
		for (int j = 0; j < m; j++)
			sum[j] += open * softplus(expert[j]);
	}
	return dot(m, out, sum) + bias;
}

/* Backward through a row of the mixture, see pathway.h. */
EASQ_INLINE void
mix_row_backward(int experts, int m, float *gate, float *restrict expert, const float *restrict out, float dv,
				 float *restrict dout, float *restrict work)
{
	for (int i = 0; i < experts; i++, expert += m)
	{
		float		pull = dv * gate[i];

		if (gate[i] <= 0.0f)
		{
			gate[i] = 0.0f;
			memset(expert, 0, (size_t) m * sizeof(float));
			continue;
		}
		for (int j = 0; j < m; j++)
		{
			float		t = exp_minus_abs(expert[j]);

			work[j] = softplus_of(expert[j], t);
			dout[j] += pull * work[j];
			expert[j] = pull * out[j] * sigmoid_of(expert[j], t);
		}
		gate[i] = dv * dot(m, out, work);
	}
}

#endif
