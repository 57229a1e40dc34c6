/*
 * Adam, over a block of floats and over rows of an embedding table.
 */
#ifndef EASQ_ADAM_H
#define EASQ_ADAM_H

#include <stddef.h>
#include <stdint.h>

#define EASQ_ADAM_BETA1 0.9
#define EASQ_ADAM_BETA2 0.999
#define EASQ_ADAM_EPSILON 1e-8

/* What one tier's Adam remembers; m and v as long as the part they belong to. */
typedef struct EasqAdam
{
	float	   *m;
	float	   *v;
	int64_t		step;			/* steps taken so far */
} EasqAdam;

/* w -= lr * mhat / (sqrt(vhat) + 1e-8) over n floats with gradient g * clip; step counts from 1. */
extern void EasqAdamUpdate(size_t n, float *w, const float *g, float *m, float *v,
						   int64_t step, double learning_rate, double clip);

/* The same for count rows of dim floats of w, m and v, with their gradients one after another. */
extern void EasqAdamUpdateRows(size_t count, size_t dim, const int64_t *row, float *w, const float *gradient,
							   float *m, float *v, int64_t step, double learning_rate, double clip);

/* Factor that brings a norm down to max_norm: min(1, max_norm / (norm + 1e-6)). */
extern double EasqClip(double norm, double max_norm);

#endif
