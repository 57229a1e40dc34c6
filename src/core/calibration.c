#include "core/calibration.h"

#include <math.h>

#define MEMORY 0.998			/* of one answer by the next: half of its weight is gone after 350 */
#define PRIOR 1.0				/* curvature at the start: four answers at probability 1/2 */
#define LOGIT_MAX 30.0

void
EasqCalibrationInit(EasqCalibration *calibration)
{
	*calibration = (EasqCalibration) {1.0, 0.0, {PRIOR, 0.0, PRIOR}};
}

double
EasqProbability(const EasqCalibration *calibration, double logit)
{
	double		x = calibration->slope * logit + calibration->offset;
	double		t = exp(-fabs(x));

	return (x < 0.0 ? t : 1.0) / (1.0 + t);
}

void
EasqCalibrationFollow(EasqCalibration *calibration, double shift)
{
	EasqCalibration next = *calibration;
	double	   *h = next.curvature;

	next.offset -= next.slope * shift;
	/* of the same answers, whose logits now lie elsewhere */
	h[0] += shift * (2.0 * h[1] + shift * h[2]);
	h[1] += shift * h[2];
	if (isfinite(next.offset) && isfinite(h[0]) && isfinite(h[1]))
		*calibration = next;
}

void
EasqCalibrate(EasqCalibration *calibration, double logit, bool satisfied)
{
	double		v = fmin(fmax(logit, -LOGIT_MAX), LOGIT_MAX);
	double		p = EasqProbability(calibration, v);
	double		residual = (satisfied ? 1.0 : 0.0) - p;
	double		weight = p * (1.0 - p);
	EasqCalibration next = *calibration;
	double	   *h = next.curvature;
	double		determinant;

	h[0] = MEMORY * h[0] + (1.0 - MEMORY) * PRIOR + weight * v * v;
	h[1] = MEMORY * h[1] + weight * v;
	h[2] = MEMORY * h[2] + (1.0 - MEMORY) * PRIOR + weight;
	determinant = h[0] * h[2] - h[1] * h[1];
	/* never falling: that would turn round the order that the pathway gives */
	next.slope = fmax(next.slope + residual * (h[2] * v - h[1]) / determinant, 0.0);
	next.offset += residual * (h[0] - h[1] * v) / determinant;
	if (determinant > 0.0 && isfinite(next.slope) && isfinite(next.offset) && isfinite(determinant))
		*calibration = next;
}
