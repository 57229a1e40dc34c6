/*
 * Products with weights that were packed when they were loaded, for the
 * processor at hand.  Scoring multiplies a few hundred rows with small
 * matrices, where a general sgemm spends as much time on packing as on
 * multiplying, and one row at a time, where sgemv waits for its sums.
 *
 * W [cols, inner] becomes panels of EASQ_PANEL columns, each [inner,
 * EASQ_PANEL], the last one filled up with zeros.
 */
#ifndef EASQ_PANEL_H
#define EASQ_PANEL_H

#include <stdbool.h>
#include <stddef.h>

#define EASQ_PANEL 32

/* Columns with those that fill up the last panel. */
extern int	EasqPanelColumns(int cols);

/* Floats of the packed matrix. */
extern size_t EasqPanelFloats(int cols, int inner);

/*
 * Puts the rows of weight [cols, inner] at columns first, first + 1, ... of
 * packed, which has inner rows a panel.  The caller has set packed to zeros.
 */
extern void EasqPanelPack(int cols, int inner, const float *weight, int first, float *packed);

/* A level of instructions: "plain", or "x86-64-v3" and "x86-64-v4" where the processor has it. */
typedef struct EasqLevel
{
	const char *name;
	bool		wide;			/* vectors of 16 floats */

	/*
	 * y [rows, cols] = start + x [rows, inner] W^T.  w is the first panel's
	 * row of the first input; panels are panel floats apart.  start: a bias
	 * where start_stride is 0, or what is in y already.  What fills up the last
	 * panel of y is written or not.
	 */
	void		(*product) (int rows, int cols, int inner, const float *x, size_t x_stride,
							const float *w, size_t panel, const float *start, size_t start_stride,
							float *y, size_t y_stride);
	/* The same for one panel or, at least, its first half, where element (r, l) of x lies at r * x_stride + l * x_step. */
	void		(*panel) (int rows, bool half, int inner, const float *x, size_t x_stride, size_t x_step, const float *w,
						  const float *start, size_t start_stride, float *y, size_t y_stride);
	/* As the functions of kernel.h and pathway.h. */
	void		(*softplus) (size_t n, const float *x, float *y);
	void		(*softplus_backward) (size_t n, const float *x, const float *dy, float *dx);
	void		(*mix) (int rows, int experts, int m, const float *gate, size_t gate_stride,
						const float *expert, size_t expert_stride, const float *out, float bias, float *v, float *sum);
	void		(*mix_backward) (int rows, int experts, int m, float *gate, size_t gate_stride,
								 float *expert, size_t expert_stride, const float *out, const float *dv,
								 float *dout, float *work);
} EasqLevel;

/* Levels that this processor has, plain first; the last is the one in use. */
extern const EasqLevel *EasqLevels(int *count);
/* The best of them. */
extern const EasqLevel *EasqBestLevel(void);

#endif
