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

typedef struct Mean
{
	double		sum;
	int			groups;
} Mean;

/* Adds the groups of pairs [start, end). */
static void
add_groups(const EasqHeld *held, const float *right, int start, int end, Mean *mean)
{
	int			next;

	for (; start < end; start = next)
	{
		double		sum = 0;

		for (next = start; next < end && held->group[next] == held->group[start]; next++)
			sum += right[next];
		mean->sum += sum / (next - start);
		mean->groups++;
	}
}

double
EasqValidationAccuracy(const EasqValidation *validation)
{
	Mean		kind[EASQ_HELD_KINDS] = {0};
	double		sum = 0;
	int			kinds = 0;

	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
	{
		const EasqHeld *held = &validation->sample[i];

		add_groups(held, validation->right[i], 0, held->of_new, &kind[EASQ_NEW_GROUPS]);
		add_groups(held, validation->right[i], held->of_new, held->count, &kind[EASQ_TRAINED_GROUPS]);
	}
	for (int i = 0; i < EASQ_HELD_KINDS; i++)
		if (kind[i].groups > 0)
		{
			sum += kind[i].sum / kind[i].groups;
			kinds++;
		}
	return sum / kinds;
}

double
EasqValidate(EasqValidation *validation, EasqJudge *judge)
{
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
		EasqJudgeSample(judge, &validation->sample[i], validation->right[i]);
	return EasqValidationAccuracy(validation);
}
