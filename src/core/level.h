/*
 * The loops of scoring and learning for one level of instructions.  panel.c includes this
 * file once for each, with
 *
 *   LEVEL(name)     the name with the level's own ending
 *   LEVEL_TARGET    the attribute that lets the compiler use the level
 *   LANES           floats of a vector
 *   TILE_ROWS       rows, and
 *   TILE_VECTORS    vectors of columns that a tile keeps in registers
 *   GROUP           panels that a single row keeps in registers
 *
 * which are not defined any more afterwards.
 *
 * Every element of a product is one chain of additions in the order of inner,
 * whatever tile it lies in: it does not depend on how many rows come with it.
 */

typedef float LEVEL(vector) __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

#define PANEL_VECTORS (EASQ_PANEL / LANES)
#define HALF_PANEL (EASQ_PANEL / 2)
#define TILE_MOST 16		/* vectors of a tile */
#define UNROLLED _Pragma("GCC unroll 16")

/*
 * y [rows, vectors] = start + x [rows, inner] W^T; element (r, l) of x lies at
 * r * x_stride + l * x_step.  w: where the first panel's columns begin, further
 * panels panel floats apart.  rows and vectors are constants of the caller.
 */
EASQ_INLINE LEVEL_TARGET void
LEVEL(tile) (const int rows, const int vectors, int inner, const float *x, size_t x_stride, size_t x_step,
			 const float *w, size_t panel, const float *start, size_t start_stride,
			 float *y, size_t y_stride)
{
	LEVEL(vector) sum[TILE_MOST];

	UNROLLED for (int r = 0; r < rows; r++)
		UNROLLED for (int v = 0; v < vectors; v++)
			sum[r * vectors + v] = *(const LEVEL(vector) *) (start + (size_t) r * start_stride + v * LANES);
	for (int l = 0; l < inner; l++, w += EASQ_PANEL)
		UNROLLED for (int r = 0; r < rows; r++)
		{
			float		factor = x[(size_t) r * x_stride + (size_t) l * x_step];

			UNROLLED for (int v = 0; v < vectors; v++)
				sum[r * vectors + v] += factor * *(const LEVEL(vector) *) (w + (size_t) (v / PANEL_VECTORS) * panel +
															   v % PANEL_VECTORS * LANES);
		}
	UNROLLED for (int r = 0; r < rows; r++)
		UNROLLED for (int v = 0; v < vectors; v++)
			*(LEVEL(vector) *) (y + (size_t) r * y_stride + v * LANES) = sum[r * vectors + v];
}

/* One row, GROUP panels at once: independent chains hide the latency of an addition. */
static LEVEL_TARGET void
LEVEL(product_row) (int panels, bool half, int inner, const float *x, const float *w, size_t panel,
					const float *start, float *y)
{
	for (; panels >= GROUP; panels -= GROUP)
	{
		LEVEL(tile) (1, GROUP * PANEL_VECTORS, inner, x, 0, 1, w, panel, start, 0, y, 0);
		w += GROUP * panel;
		start += GROUP * EASQ_PANEL;
		y += GROUP * EASQ_PANEL;
	}
	for (; panels > 0; panels--)
	{
		LEVEL(tile) (1, PANEL_VECTORS, inner, x, 0, 1, w, panel, start, 0, y, 0);
		w += panel;
		start += EASQ_PANEL;
		y += EASQ_PANEL;
	}
	if (half)
		LEVEL(tile) (1, HALF_PANEL / LANES, inner, x, 0, 1, w, panel, start, 0, y, 0);
}

/* All rows but the last few by the first width columns of one panel; returns how many. */
EASQ_INLINE LEVEL_TARGET int
LEVEL(tiles) (const int width, int rows, int inner, const float *x, size_t x_stride, size_t x_step, const float *w,
			  const float *start, size_t start_stride, float *y, size_t y_stride)
{
	int			whole = rows - rows % TILE_ROWS;
	int			tiled = rows - rows % (TILE_ROWS / 2);

	const int	vectors = width < TILE_VECTORS * LANES ? width / LANES : TILE_VECTORS;

	for (int column = 0; column < width && tiled > 0; column += vectors * LANES)
	{
		for (int row = 0; row < whole; row += TILE_ROWS)
			LEVEL(tile) (TILE_ROWS, vectors, inner, x + (size_t) row * x_stride, x_stride, x_step, w + column, 0,
						 start + (size_t) row * start_stride + column, start_stride,
						 y + (size_t) row * y_stride + column, y_stride);
		if (whole < tiled)
			LEVEL(tile) (TILE_ROWS / 2, vectors, inner, x + (size_t) whole * x_stride, x_stride, x_step, w + column, 0,
						 start + (size_t) whole * start_stride + column, start_stride,
						 y + (size_t) whole * y_stride + column, y_stride);
	}
	return tiled;
}

static LEVEL_TARGET void
LEVEL(product) (int rows, int cols, int inner, const float *x, size_t x_stride,
				const float *w, size_t panel, const float *start, size_t start_stride,
				float *y, size_t y_stride)
{
	bool		half = cols % EASQ_PANEL > 0 && cols % EASQ_PANEL <= HALF_PANEL;
	int			panels = (cols + EASQ_PANEL - 1) / EASQ_PANEL - half;

	/* panels outside: the slice of one is read by all rows while it is in the cache */
	for (int p = 0; p < panels && rows >= TILE_ROWS / 2; p++)
		(void) LEVEL(tiles) (EASQ_PANEL, rows, inner, x, x_stride, 1, w + (size_t) p * panel,
							 start + p * EASQ_PANEL, start_stride, y + p * EASQ_PANEL, y_stride);
	if (half && rows >= TILE_ROWS / 2)
		(void) LEVEL(tiles) (HALF_PANEL, rows, inner, x, x_stride, 1, w + (size_t) panels * panel,
							 start + panels * EASQ_PANEL, start_stride, y + panels * EASQ_PANEL, y_stride);
	for (int row = rows - rows % (TILE_ROWS / 2); row < rows; row++)
		LEVEL(product_row) (panels, half, inner, x + (size_t) row * x_stride, w, panel,
							start + (size_t) row * start_stride, y + (size_t) row * y_stride);
}

static LEVEL_TARGET void
LEVEL(panel) (int rows, bool half, int inner, const float *x, size_t x_stride, size_t x_step, const float *w,
			  const float *start, size_t start_stride, float *y, size_t y_stride)
{
	int			tiled;

	if (x_step == 1)
		tiled = half ?
			LEVEL(tiles) (HALF_PANEL, rows, inner, x, x_stride, 1, w, start, start_stride, y, y_stride) :
			LEVEL(tiles) (EASQ_PANEL, rows, inner, x, x_stride, 1, w, start, start_stride, y, y_stride);
	else
		tiled = half ?
			LEVEL(tiles) (HALF_PANEL, rows, inner, x, x_stride, x_step, w, start, start_stride, y, y_stride) :
			LEVEL(tiles) (EASQ_PANEL, rows, inner, x, x_stride, x_step, w, start, start_stride, y, y_stride);

	for (int row = tiled; row < rows; row++)
		LEVEL(tile) (1, PANEL_VECTORS, inner, x + (size_t) row * x_stride, 0, x_step, w, 0,
					 start + (size_t) row * start_stride, 0, y + (size_t) row * y_stride, 0);
}

static LEVEL_TARGET void
LEVEL(softplus) (size_t n, const float *x, float *y)
{
	for (size_t i = 0; i < n; i++)
		y[i] = softplus(x[i]);
}

static LEVEL_TARGET void
LEVEL(softplus_backward) (size_t n, const float *x, const float *dy, float *dx)
{
	for (size_t i = 0; i < n; i++)
		dx[i] = dy[i] * sigmoid_of(x[i], exp_minus_abs(x[i]));
}

static LEVEL_TARGET void
LEVEL(mix) (int rows, int experts, int m, const float *gate, size_t gate_stride, const float *expert, size_t expert_stride,
			const float *out, float bias, float *v, float *sum)
{
	for (int row = 0; row < rows; row++)
		v[row] = mix_row(experts, m, gate + (size_t) row * gate_stride, expert + (size_t) row * expert_stride,
						 out, bias, sum);
}

static LEVEL_TARGET void
LEVEL(mix_backward) (int rows, int experts, int m, float *gate, size_t gate_stride, float *expert, size_t expert_stride,
					 const float *out, const float *dv, float *dout, float *work)
{
	for (int row = 0; row < rows; row++)
		mix_row_backward(experts, m, gate + (size_t) row * gate_stride, expert + (size_t) row * expert_stride,
						 out, dv[row], dout, work);
}

#undef LEVEL
#undef LEVEL_TARGET
#undef LANES
#undef TILE_ROWS
#undef TILE_VECTORS
#undef GROUP
#undef PANEL_VECTORS
#undef HALF_PANEL
#undef TILE_MOST
#undef UNROLLED
