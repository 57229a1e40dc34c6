/*
 * What a factorisation machine says beside the main pathway: a weight and a
 * vector of numbers for each feature of a row, and the products of all pairs
 * of vectors.
 *
 *   u = sum_f w_f + sum_{f < g} v_f . v_g = sum_f w_f + 1/2 (|S|^2 - sum_f |v_f|^2),   S = sum_f v_f
 *
 * A part is 1 + factors floats: the weight, then the vector; (w_f, v_f) is
 * scale[f] * part[f].  The loops are short and wait for memory: there is one
 * copy of them for all processors.
 */
#ifndef EASQ_FACTOR_H
#define EASQ_FACTOR_H

#include <stdbool.h>
#include <stdint.h>

#define EASQ_MAX_FACTORS 64

/* u.  sum [1 + factors] gets the sum of the weights and S. */
extern float EasqFactorLogit(int features, int factors, const float *const *part, const float *scale, float *sum);

/* du -> gradient [1 + factors] of (w_f, v_f) of one feature: du, and du (S - v_f). */
extern void EasqFactorGradient(int factors, const float *part, float scale, const float *sum, float du,
							   float *gradient);

/*
 * A table [size, 1 + factors] to start from: weights are 0, vectors small.
 * stream: its number among the tables.  null: row 0 stands for NULL and is zeros.
 */
extern void EasqInitFactors(uint64_t seed, int stream, int64_t size, int factors, bool null, float *table);

#endif
