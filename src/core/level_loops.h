/*
 * The loops of scoring and learning for one level of instructions.  level.c includes this
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
INLINE LEVEL_TARGET void
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
INLINE LEVEL_TARGET int
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

/*
 * The elementwise functions work on two vectors at a time, side by side: one by itself is a long chain of
 * instructions, of which a processor sees too little ahead to overlap it with the next.  No lane needs a branch or a
 * library.
 */
#define WIDE (2 * LANES)
#define BOTH UNROLLED for (int i = 0; i < 2; i++)
typedef int32_t LEVEL(mask) __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef uint32_t LEVEL(bits) __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef struct LEVEL(wide)
{
	LEVEL(vector) of[2];
} LEVEL(wide);

/* The next of n floats that are left; zeros where there are fewer than a pair of vectors takes. */
INLINE LEVEL_TARGET void
LEVEL(get) (size_t n, const float *x, LEVEL(wide) *to)
{
	if (n >= WIDE)
		BOTH to->of[i] = *(const LEVEL(vector) *) (x + i * LANES);
	else
	{
		float		rest[WIDE] = {0};

		memcpy(rest, x, n * sizeof(float));
		BOTH to->of[i] = *(const LEVEL(vector) *) (rest + i * LANES);
	}
}

INLINE LEVEL_TARGET void
LEVEL(put) (size_t n, const LEVEL(wide) *from, float *y)
{
	if (n >= WIDE)
		BOTH *(LEVEL(vector) *) (y + i * LANES) = from->of[i];
	else
	{
		float		rest[WIDE];

		BOTH *(LEVEL(vector) *) (rest + i * LANES) = from->of[i];
		memcpy(y, rest, n * sizeof(float));
	}
}

INLINE LEVEL_TARGET float
LEVEL(total) (const LEVEL(wide) *x)
{
	LEVEL(vector) sum = x->of[0] + x->of[1];
	float		result = 0.0f;

	UNROLLED for (int l = 0; l < LANES; l++)
		result += sum[l];
	return result;
}

/* t = exp(-|x|), right into the subnormals, 0 below them; NaN stays NaN. */
INLINE LEVEL_TARGET void
LEVEL(exp_minus_abs) (const LEVEL(wide) *x, LEVEL(wide) *t)
{
	const float round = 12582912.0f;	/* 1.5 * 2^23: adding it rounds to an integer, which lies in the last bits */
	LEVEL(vector) a[2];
	LEVEL(vector) shifted[2];
	LEVEL(vector) n[2];
	LEVEL(vector) r[2];
	LEVEL(vector) p[2];
	LEVEL(bits) power[2];

	BOTH a[i] = (LEVEL(vector)) ((LEVEL(bits)) x->of[i] | UINT32_C(0x80000000));
	BOTH shifted[i] = a[i] * 1.44269504f + round;
	BOTH n[i] = shifted[i] - round;
	/* 2^(n + 32), with the 127 of an exponent: 2^n itself may be subnormal */
	BOTH power[i] = ((LEVEL(bits)) shifted[i] << 23) + (UINT32_C(159) << 23);
	/* ln 2 in two parts, the first short enough that n times it is exact */
	BOTH r[i] = a[i] - n[i] * 0.693359375f;
	BOTH r[i] = r[i] + n[i] * 2.12194440e-4f;
	BOTH p[i] = r[i] * 1.9875691500e-4f + 1.3981999507e-3f;
	BOTH p[i] = p[i] * r[i] + 8.3334519073e-3f;
	BOTH p[i] = p[i] * r[i] + 4.1665795894e-2f;
	BOTH p[i] = p[i] * r[i] + 1.6666665459e-1f;
	BOTH p[i] = p[i] * r[i] + 5.0000001201e-1f;
	BOTH p[i] = p[i] * (r[i] * r[i]) + r[i];
	BOTH p[i] = (p[i] + 1.0f) * (LEVEL(vector)) power[i] * 0x1p-32f;
	/* exp(-105) rounds to 0 */
	BOTH t->of[i] = (LEVEL(vector)) ((LEVEL(mask)) p[i] & ~(LEVEL(mask)) (a[i] < -105.0f));
}

/* y = softplus(x), given t = exp(-|x|): max(x, 0) + log1p(t), where log1p(t) = 2 atanh(t / (2 + t)). */
INLINE LEVEL_TARGET void
LEVEL(softplus_of) (const LEVEL(wide) *x, const LEVEL(wide) *t, LEVEL(wide) *y)
{
	LEVEL(vector) s[2];
	LEVEL(vector) q[2];
	LEVEL(vector) p[2];

	BOTH s[i] = t->of[i] / (2.0f + t->of[i]);
	BOTH q[i] = s[i] * s[i];
	/* fitted to s^2 <= 1/9, to 2e-8 of the result */
	BOTH p[i] = q[i] * 0.268514991f + 0.282366186f;
	BOTH p[i] = p[i] * q[i] + 0.400075614f;
	BOTH p[i] = p[i] * q[i] + 0.666666389f;
	BOTH p[i] = 2.0f * s[i] + s[i] * q[i] * p[i];
	BOTH y->of[i] = (LEVEL(vector)) ((LEVEL(mask)) x->of[i] & (LEVEL(mask)) (x->of[i] > 0.0f)) + p[i];
}

/* y = sigmoid(x), given t = exp(-|x|). */
INLINE LEVEL_TARGET void
LEVEL(sigmoid_of) (const LEVEL(wide) *x, const LEVEL(wide) *t, LEVEL(wide) *y)
{
	const LEVEL(vector) zero = {0};
	LEVEL(mask) below[2];
	LEVEL(mask) above[2];

	BOTH below[i] = (LEVEL(mask)) t->of[i] & (LEVEL(mask)) (x->of[i] < 0.0f);
	BOTH above[i] = (LEVEL(mask)) (zero + 1.0f) & ~(LEVEL(mask)) (x->of[i] < 0.0f);
	BOTH y->of[i] = (LEVEL(vector)) (below[i] | above[i]) / (1.0f + t->of[i]);
}

static LEVEL_TARGET void
LEVEL(softplus) (size_t n, const float *x, float *y)
{
	for (size_t at = 0; at < n; at += WIDE)
	{
		LEVEL(wide) v;
		LEVEL(wide) t;

		LEVEL(get) (n - at, x + at, &v);
		LEVEL(exp_minus_abs) (&v, &t);
		LEVEL(softplus_of) (&v, &t, &v);
		LEVEL(put) (n - at, &v, y + at);
	}
}

static LEVEL_TARGET void
LEVEL(softplus_backward) (size_t n, const float *x, const float *dy, float *dx)
{
	for (size_t at = 0; at < n; at += WIDE)
	{
		LEVEL(wide) v;
		LEVEL(wide) t;
		LEVEL(wide) d;

		LEVEL(get) (n - at, x + at, &v);
		LEVEL(exp_minus_abs) (&v, &t);
		LEVEL(sigmoid_of) (&v, &t, &v);
		LEVEL(get) (n - at, dy + at, &d);
		BOTH d.of[i] *= v.of[i];
		LEVEL(put) (n - at, &d, dx + at);
	}
}

/* A row of the mixture, see pathway.h. */
INLINE LEVEL_TARGET float
LEVEL(mix_row) (int experts, int m, const float *gate, const float *expert, const float *out, float bias)
{
	LEVEL(wide) sum = {0};

	for (int e = 0; e < experts; e++, expert += m)
	{
		LEVEL(wide) part = {0};

		/* a shut gate; NaN is none */
		if (gate[e] <= 0.0f)
			continue;
		for (int j = 0; j < m; j += WIDE)
		{
			LEVEL(wide) v;
			LEVEL(wide) t;
			LEVEL(wide) factor;

			LEVEL(get) ((size_t) (m - j), expert + j, &v);
			LEVEL(exp_minus_abs) (&v, &t);
			LEVEL(softplus_of) (&v, &t, &v);
			LEVEL(get) ((size_t) (m - j), out + j, &factor);
			BOTH part.of[i] += v.of[i] * factor.of[i];
		}
		BOTH sum.of[i] += gate[e] * part.of[i];
	}
	return LEVEL(total) (&sum) + bias;
}

static LEVEL_TARGET void
LEVEL(mix) (int rows, int experts, int m, const float *gate, size_t gate_stride, const float *expert, size_t expert_stride,
			const float *out, float bias, float *v)
{
	for (int row = 0; row < rows; row++)
		v[row] = LEVEL(mix_row) (experts, m, gate + (size_t) row * gate_stride, expert + (size_t) row * expert_stride,
								 out, bias);
}

/* Backward through a row of the mixture, see pathway.h. */
INLINE LEVEL_TARGET void
LEVEL(mix_row_backward) (int experts, int m, float *gate, float *expert, const float *out, float dv, float *dout)
{
	for (int e = 0; e < experts; e++, expert += m)
	{
		float		pull = dv * gate[e];
		LEVEL(wide) part = {0};

		if (gate[e] <= 0.0f)
		{
			gate[e] = 0.0f;
			memset(expert, 0, (size_t) m * sizeof(float));
			continue;
		}
		for (int j = 0; j < m; j += WIDE)
		{
			size_t		left = (size_t) (m - j);
			LEVEL(wide) v;
			LEVEL(wide) t;
			LEVEL(wide) y;
			LEVEL(wide) factor;
			LEVEL(wide) sum;

			LEVEL(get) (left, expert + j, &v);
			LEVEL(get) (left, out + j, &factor);
			LEVEL(get) (left, dout + j, &sum);
			LEVEL(exp_minus_abs) (&v, &t);
			LEVEL(softplus_of) (&v, &t, &y);
			LEVEL(sigmoid_of) (&v, &t, &v);
			BOTH part.of[i] += y.of[i] * factor.of[i];
			BOTH sum.of[i] += pull * y.of[i];
			BOTH v.of[i] *= pull * factor.of[i];
			LEVEL(put) (left, &sum, dout + j);
			LEVEL(put) (left, &v, expert + j);
		}
		gate[e] = dv * LEVEL(total) (&part);
	}
}

static LEVEL_TARGET void
LEVEL(mix_backward) (int rows, int experts, int m, float *gate, size_t gate_stride, float *expert, size_t expert_stride,
					 const float *out, const float *dv, float *dout)
{
	for (int row = 0; row < rows; row++)
		LEVEL(mix_row_backward) (experts, m, gate + (size_t) row * gate_stride, expert + (size_t) row * expert_stride,
								 out, dv[row], dout);
}

static LEVEL_TARGET void
LEVEL(add_rows) (int rows, int cols, const float *restrict dy, float *restrict dbias)
{
	for (int row = 0; row < rows; row++, dy += cols)
		for (int j = 0; j < cols; j++)
			dbias[j] += dy[j];
}

static LEVEL_TARGET double
LEVEL(squares) (size_t n, const float *x)
{
	/* in partial sums, so that it vectorises without leave to reorder */
	double		lane[8] = {0};
	double		sum = 0.0;
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
		for (int l = 0; l < 8; l++)
			lane[l] += (double) x[i + l] * x[i + l];
	for (; i < n; i++)
		sum += (double) x[i] * x[i];
	for (int l = 0; l < 8; l++)
		sum += lane[l];
	return sum;
}

static LEVEL_TARGET bool
LEVEL(all_finite) (size_t n, const float *x)
{
	uint32_t	largest = 0;

	for (size_t i = 0; i < n; i++)
	{
		uint32_t	bits;

		memcpy(&bits, &x[i], sizeof(bits));
		bits &= 0x7fffffffu;
		largest = bits > largest ? bits : largest;
	}
	return largest < 0x7f800000u;
}

INLINE LEVEL_TARGET void
LEVEL(adam_floats) (EasqAdamFactors at, size_t n, float *restrict w, const float *restrict g,
					float *restrict m, float *restrict v)
{
	for (size_t i = 0; i < n; i++)
	{
		float		gi = g[i] * at.clip;

		m[i] = (float) EASQ_ADAM_BETA1 * m[i] + (float) (1.0 - EASQ_ADAM_BETA1) * gi;
		v[i] = (float) EASQ_ADAM_BETA2 * v[i] + (float) (1.0 - EASQ_ADAM_BETA2) * gi * gi;
		w[i] -= at.rate * (m[i] * at.first) / (sqrtf(v[i] * at.second) + (float) EASQ_ADAM_EPSILON);
	}
}

static LEVEL_TARGET void
LEVEL(adam) (EasqAdamFactors at, size_t n, float *w, const float *g, float *m, float *v)
{
	LEVEL(adam_floats) (at, n, w, g, m, v);
}

static LEVEL_TARGET void
LEVEL(adam_rows) (EasqAdamFactors at, size_t count, size_t dim, const int64_t *row,
				  float *w, const float *g, float *m, float *v)
{
	const size_t ahead = 4;		/* rows of a table that are fetched before their turn: they lie anywhere */

	for (size_t i = 0; i < count; i++, g += dim)
	{
		size_t		place = (size_t) row[i] * dim;

		if (i + ahead < count)
		{
			size_t		next = (size_t) row[i + ahead] * dim;

			EASQ_PREFETCH(w + next);
			EASQ_PREFETCH(m + next);
			EASQ_PREFETCH(v + next);
		}
		LEVEL(adam_floats) (at, dim, w + place, g, m + place, v + place);
	}
}

#undef LEVEL
#undef LEVEL_TARGET
#undef LANES
#undef TILE_ROWS
#undef TILE_VECTORS
#undef GROUP
#undef WIDE
#undef BOTH
#undef PANEL_VECTORS
#undef HALF_PANEL
#undef TILE_MOST
#undef UNROLLED
