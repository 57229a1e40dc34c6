#include "core/pathway.h"

#include "core/panel.h"
#include "core/simd.h"

void
EasqMixForward(int rows, int experts, int m, const float *gate, size_t gate_stride,
			   const float *expert, size_t expert_stride,
			   const float *out, float bias, float *v, float *sum)
{
	EasqBestLevel()->mix(rows, experts, m, gate, gate_stride, expert, expert_stride, out, bias, v, sum);
}

void
EasqMixBackward(int rows, int experts, int m, float *gate, size_t gate_stride,
				float *expert, size_t expert_stride,
				const float *out, const float *dv, float *dout, float *work)
{
	EasqBestLevel()->mix_backward(rows, experts, m, gate, gate_stride, expert, expert_stride, out, dv, dout, work);
}

EASQ_CLONES void
EasqAddRows(int rows, int cols, const float *restrict dy, float *restrict dbias)
{
	for (int row = 0; row < rows; row++, dy += cols)
		for (int j = 0; j < cols; j++)
			dbias[j] += dy[j];
}
