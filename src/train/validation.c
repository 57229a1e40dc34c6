#include "postgres.h"

#include "feature/floats.h"
#include "train/validation.h"

#define PAIRS_MOST 8192			/* of a sample */

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

double
EasqValidate(EasqValidation *validation, EasqJudge *judge)
{
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
		EasqJudgeSample(judge, &validation->sample[i], validation->right[i]);
	return EasqValidationAccuracy(validation);
}
