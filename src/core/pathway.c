#include "core/pathway.h"

#include "core/level.h"

void
EasqMixForward(int rows, int experts, int m, const float *gate, size_t gate_stride,
			   const float *expert, size_t expert_stride,
			   const float *out, float bias, float *v)
{
	EasqLevelInUse()->mix(rows, experts, m, gate, gate_stride, expert, expert_stride, out, bias, v);
}

void
EasqMixBackward(int rows, int experts, int m, float *gate, size_t gate_stride,
				float *expert, size_t expert_stride,
				const float *out, const float *dv, float *dout)
{
	EasqLevelInUse()->mix_backward(rows, experts, m, gate, gate_stride, expert, expert_stride, out, dv, dout);
}

void
EasqAddRows(int rows, int cols, const float *dy, float *dbias)
{
	EasqLevelInUse()->add_rows(rows, cols, dy, dbias);
}
