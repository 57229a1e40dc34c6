#include "postgres.h"

#include <math.h>

#include "feature/floats.h"
#include "train/validation.h"

#define PAIRS_MOST 8192			/* of a sample */
#define SOFT_SCALE 0.1			/* of the spread of margins */
#define SCALE_MIN 1e-30

EasqValidation *
EasqValidationCreate(const EasqHold *hold)
{
	EasqValidation *validation;

	if (!hold->any)
		return NULL;
	validation = palloc0(sizeof(EasqValidation));
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
	{
		validation->sample[i] = EasqHeldThinned(hold->sample[i], PAIRS_MOST);
		validation->right[i] = EasqFloats((Size) validation->sample[i].count);
		validation->margin[i] = EasqFloats((Size) validation->sample[i].count);
	}
	return validation;
}

double
EasqValidationAccuracy(const EasqValidation *validation)
{
	double		sum = 0;
	int			groups = 0;
	int			end;

	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
	{
		const EasqHeld *held = &validation->sample[i];

		for (int start = 0; start < held->count; start = end, groups++)
		{
			double		right = 0;

			for (end = start; end < held->count && held->group[end] == held->group[start]; end++)
				right += validation->right[i][end];
			sum += right / (end - start);
		}
	}
	return sum / groups;
}

/* Root mean square of all margins. */
static double
spread(const EasqValidation *validation)
{
	double		squares = 0;
	double		count = 0;

	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
	{
		for (int j = 0; j < validation->sample[i].count; j++)
			squares += (double) validation->margin[i][j] * validation->margin[i][j];
		count += validation->sample[i].count;
	}
	return sqrt(squares / count);
}

EasqValidated
EasqValidate(EasqValidation *validation, EasqJudge *judge)
{
	EasqValidated result;
	double		scale;

	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
	{
		EasqJudgeMargins(judge, &validation->sample[i], validation->margin[i]);
		for (int j = 0; j < validation->sample[i].count; j++)
			validation->right[i][j] = EasqPairRight(validation->margin[i][j], 0);
	}
	result.accuracy = EasqValidationAccuracy(validation);
	scale = Max(SOFT_SCALE * spread(validation), SCALE_MIN);
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
		for (int j = 0; j < validation->sample[i].count; j++)
			validation->right[i][j] = EasqPairSoftlyRight(validation->margin[i][j], 0, scale);
	result.soft_accuracy = EasqValidationAccuracy(validation);
	return result;
}
