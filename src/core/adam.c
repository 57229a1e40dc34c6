#include "core/adam.h"

#include <math.h>

#include "core/level.h"

static EasqAdamFactors
factors_at(int64_t step, double learning_rate, double clip)
{
	return (EasqAdamFactors) {
		(float) clip, (float) learning_rate,
		(float) (1.0 / (1.0 - pow(EASQ_ADAM_BETA1, (double) step))),
		(float) (1.0 / (1.0 - pow(EASQ_ADAM_BETA2, (double) step)))
	};
}

void
EasqAdamUpdate(size_t n, float *w, const float *g, float *m, float *v,
			   int64_t step, double learning_rate, double clip)
{
	EasqLevelInUse()->adam(factors_at(step, learning_rate, clip), n, w, g, m, v);
}

void
EasqAdamUpdateRows(size_t count, size_t dim, const int64_t *row, float *w, const float *gradient,
				   float *m, float *v, int64_t step, double learning_rate, double clip)
{
	EasqLevelInUse()->adam_rows(factors_at(step, learning_rate, clip), count, dim, row, w, gradient, m, v);
}

double
EasqClip(double norm, double max_norm)
{
	double		factor = max_norm / (norm + 1e-6);

	return factor < 1.0 ? factor : 1.0;
}
