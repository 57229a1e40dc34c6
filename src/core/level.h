/*
 * A level of instructions, and all loops that are compiled once for each: the
 * one place where the processor at hand is asked for.  The level is chosen at
 * the first use: the best that the processor has, the build allows
 * (EASQ_LEVEL_MOST) and, where the environment variable EASQ_LEVEL names one,
 * that.
 */
#ifndef EASQ_LEVEL_H
#define EASQ_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a step of Adam takes all floats by. */
typedef struct EasqAdamFactors
{
	float		clip;
	float		rate;
	float		first;			/* bias corrections */
	float		second;
} EasqAdamFactors;

typedef struct EasqLevel
{
	const char *name;			/* "plain", "x86-64-v3" (AVX2, FMA), "x86-64-v4" (AVX-512) */

	/*
	 * Products of matrices that are not packed beforehand are OpenBLAS' turn where they take more multiplications
	 * than this, and below that of panels that are packed on the way.  See level.c for what was measured.
	 */
	size_t		panels_most;

	/*
	 * y [rows, cols] = start + x [rows, inner] W^T.  w is the first panel's
	 * row of the first input; panels (see panel.h) are panel floats apart.  start: a bias
	 * where start_stride is 0, or what is in y already.  What fills up the last
	 * panel of y is written or not.
	 */
	void		(*product) (int rows, int cols, int inner, const float *x, size_t x_stride,
							const float *w, size_t panel, const float *start, size_t start_stride,
							float *y, size_t y_stride);
	/* The same for one panel or, at least, its first half, where element (r, l) of x lies at r * x_stride + l * x_step. */
	void		(*panel) (int rows, bool half, int inner, const float *x, size_t x_stride, size_t x_step, const float *w,
						  const float *start, size_t start_stride, float *y, size_t y_stride);

	/* As the functions of kernel.h, pathway.h and adam.h. */
	void		(*softplus) (size_t n, const float *x, float *y);
	void		(*softplus_backward) (size_t n, const float *x, const float *dy, float *dx);
	void		(*mix) (int rows, int experts, int m, const float *gate, size_t gate_stride,
						const float *expert, size_t expert_stride, const float *out, float bias, float *v);
	void		(*mix_backward) (int rows, int experts, int m, float *gate, size_t gate_stride,
								 float *expert, size_t expert_stride, const float *out, const float *dv, float *dout);
	void		(*add_rows) (int rows, int cols, const float *dy, float *dbias);
	double		(*squares) (size_t n, const float *x);
	bool		(*all_finite) (size_t n, const float *x);
	void		(*adam) (EasqAdamFactors at, size_t n, float *w, const float *g, float *m, float *v);
	void		(*adam_rows) (EasqAdamFactors at, size_t count, size_t dim, const int64_t *row,
							  float *w, const float *g, float *m, float *v);
} EasqLevel;

/* Levels that this processor has and the build allows, plain first. */
extern const EasqLevel *EasqLevels(int *count);

/* The one in use. */
extern const EasqLevel *EasqLevelInUse(void);

/* For tests, which run each: another one is in use from now on; NULL: the choice is made again. */
extern void EasqUseLevel(const EasqLevel *level);

#endif
