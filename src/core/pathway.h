/*
 * The mixture of a pathway: what follows its two products.  Shared by scoring
 * and learning; one pass over the experts' pre-activations.
 *
 *   v = sum_i relu(gate_i) (out . softplus(expert_i)) + bias
 *
 * gate [rows, experts] and expert [rows, experts * m] hold pre-activations;
 * their rows lie gate_stride and expert_stride floats apart.
 */
#ifndef EASQ_PATHWAY_H
#define EASQ_PATHWAY_H

#include <stddef.h>

/* v [rows] */
extern void EasqMixForward(int rows, int experts, int m,
						   const float *gate, size_t gate_stride,
						   const float *expert, size_t expert_stride,
						   const float *out, float bias, float *v);

/*
 * dv [rows] -> gate and expert become the gradients of the pre-activations;
 * adds to dout [m].
 */
extern void EasqMixBackward(int rows, int experts, int m,
							float *gate, size_t gate_stride,
							float *expert, size_t expert_stride,
							const float *out, const float *dv, float *dout);

/* Adds the sum of the rows of dy [rows, cols] to dbias [cols]. */
extern void EasqAddRows(int rows, int cols, const float *dy, float *dbias);

#endif
