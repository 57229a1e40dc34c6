/*
 * Products by panels.  W [cols, inner] becomes panels of EASQ_PANEL columns,
 * each [inner, EASQ_PANEL], the last one filled up with zeros.
 *
 * Weights that score are packed once, when they are loaded: scoring multiplies a
 * few hundred rows with small matrices, where a general sgemm spends as much time
 * on packing as on multiplying, and one row at a time, where sgemv waits for its
 * sums.  What learning multiplies changes each time and is packed on the way.
 */
#ifndef EASQ_PANEL_H
#define EASQ_PANEL_H

#include <stddef.h>

#include "core/matrix.h"

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

/*
 * C [rows, cols] = beta C + A [rows, inner] B [inner, cols] or, where there is
 * a bias [cols], that in each row instead of beta C.  No size may be 0.
 */
extern void EasqPanelProduct(int rows, int cols, int inner, EasqMatrix a, EasqMatrix b,
							 float beta, const float *bias, float *c);

#endif
