#include "core/pathway.h"

#include "core/simd.h"

EASQ_CLONES void
EasqMixForward(int rows, int experts, int m, const float *gate, size_t gate_stride,
			   const float *expert, size_t expert_stride,
			   const float *out, float bias, float *v, float *sum)
{
	for (int row = 0; row < rows; row++)
		v[row] = mix_row(experts, m, gate + (size_t) row * gate_stride,
						 expert + (size_t) row * expert_stride, out, bias, sum);
}

EASQ_CLONES void
EasqMixBackward(int rows, int experts, int m, float *gate, size_t gate_stride,
				float *expert, size_t expert_stride,
				const float *restrict out, const float *dv,
				float *restrict dout, float *restrict work)
{
	for (int row = 0; row < rows; row++)
	{
		float	   *g = gate + (size_t) row * gate_stride;
		float	   *restrict e = expert + (size_t) row * expert_stride;

		for (int i = 0; i < experts; i++, e += m)
		{
			float		pull = dv[row] * g[i];

			if (g[i] <= 0.0f)
			{
				g[i] = 0.0f;
				memset(e, 0, (size_t) m * sizeof(float));
				continue;
			}
			for (int j = 0; j < m; j++)
			{
				float		t = exp_minus_abs(e[j]);

				work[j] = softplus_of(e[j], t);
				dout[j] += pull * work[j];
				e[j] = pull * out[j] * sigmoid_of(e[j], t);
			}
			g[i] = dv[row] * dot(m, out, work);
		}
	}
}

void
EasqFillRows(int rows, int cols, const float *bias, float *y, size_t stride)
{
	for (int row = 0; row < rows; row++)
		memcpy(y + (size_t) row * stride, bias, (size_t) cols * sizeof(float));
}

EASQ_CLONES void
EasqAddRows(int rows, int cols, const float *restrict dy, float *restrict dbias)
{
	for (int row = 0; row < rows; row++, dy += cols)
		for (int j = 0; j < cols; j++)
			dbias[j] += dy[j];
}
