/*
 * P(satisfied) from the satisfaction pathway's logit v: Platt's
 * sigmoid(slope v + offset), fitted answer by answer, each before the model
 * learns from it.
 *
 * A Newton step an answer on the log loss, with a curvature that forgets: the
 * last few hundred answers count, because v itself moves while it learns.
 */
#ifndef EASQ_CALIBRATION_H
#define EASQ_CALIBRATION_H

#include <stdbool.h>

#define EASQ_CALIBRATION_NUMBERS 5

typedef struct EasqCalibration
{
	double		slope;
	double		offset;
	double		curvature[3];	/* of (slope, offset): aa, ab, bb */
} EasqCalibration;

/* slope 1, offset 0, and a curvature that a few answers outweigh. */
extern void EasqCalibrationInit(EasqCalibration *calibration);
extern double EasqProbability(const EasqCalibration *calibration, double logit);
/* One answer; numbers that are not finite leave it as it was. */
extern void EasqCalibrate(EasqCalibration *calibration, double logit, bool satisfied);
/* All logits have risen by shift, and probabilities are to stay what they are. */
extern void EasqCalibrationFollow(EasqCalibration *calibration, double shift);

#endif
