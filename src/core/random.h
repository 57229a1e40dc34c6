/*
 * A small deterministic generator (splitmix64).  What a step draws must
 * depend on committed state alone, so seeds are mixed from numbers the
 * caller names, never from time.
 */
#ifndef EASQ_RANDOM_H
#define EASQ_RANDOM_H

#include <stdint.h>

typedef struct EasqRandom
{
	uint64_t	state;
} EasqRandom;

/* Mixes two numbers into a seed; chain for more. */
extern uint64_t EasqMix(uint64_t a, uint64_t b);
extern uint64_t EasqNext(EasqRandom *random);
/* Uniform in [0, n), n > 0, without modulo bias. */
extern uint64_t EasqBelow(EasqRandom *random, uint64_t n);
/* Uniform in (0, 1). */
extern double EasqUniform(EasqRandom *random);
extern double EasqNormal(EasqRandom *random);

#endif
