#include "core/random.h"

#include <math.h>

static uint64_t
finish(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t
EasqMix(uint64_t a, uint64_t b)
{
	return finish(finish(a + UINT64_C(0x9e3779b97f4a7c15)) + b * UINT64_C(0xd1342543de82ef95) +
				  UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t
EasqNext(EasqRandom *random)
{
	random->state += UINT64_C(0x9e3779b97f4a7c15);
	return finish(random->state);
}

uint64_t
EasqBelow(EasqRandom *random, uint64_t n)
{
	uint64_t	skip = (0 - n) % n; /* 2^64 mod n: the values that would come once too often */
	uint64_t	value;

	do
		value = EasqNext(random);
	while (value < skip);
	return value % n;
}

double
EasqUniform(EasqRandom *random)
{
	/* 52 bits and a half: with 53 the largest would round to 1 */
	return ((double) (EasqNext(random) >> 12) + 0.5) * 0x1p-52;
}

double
EasqNormal(EasqRandom *random)
{
	double		radius = sqrt(-2.0 * log(EasqUniform(random)));

	return radius * cos(6.283185307179586 * EasqUniform(random));
}
