#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "learn/batch.h"

/* One row of a pair: its packed feature values. */
typedef const char *(*ExampleOf) (const void *pairs, int i, bool better, int *length);

/*
 * Encodes pairs into the two halves of a block of rows.  Returns the pairs
 * encoded; which [count] says which.
 */
static int
encode_pairs(const EasqLearner *learner, int count, float *chosen, float *rejected, int *which,
			 ExampleOf example, const void *pairs)
{
	int			k = learner->model->spec->inputs;
	int			kept = 0;

	for (int i = 0; i < count; i++)
	{
		EasqProblem problem = {0};
		int			length;
		const char *bytes = example(pairs, i, true, &length);

		CHECK_FOR_INTERRUPTS();
		if (!EasqEncode(learner->model->spec, learner->encoding, bytes, length, chosen + (size_t) kept * k, &problem))
			continue;
		bytes = example(pairs, i, false, &length);
		if (!EasqEncode(learner->model->spec, learner->encoding, bytes, length, rejected + (size_t) kept * k, &problem))
			continue;
		which[kept++] = i;
	}
	/* The rejected follow the chosen without a gap. */
	memmove(chosen + (size_t) kept * k, rejected, sizeof(float) * (size_t) kept * k);
	return kept;
}

static const char *
answer_example(const void *pairs, int i, bool better, int *length)
{
	const EasqAnswerPair *pair = (const EasqAnswerPair *) pairs + i;
	const EasqAnswer *answer = better ? pair->chosen : pair->rejected;

	*length = answer->length;
	return answer->example;
}

static const char *
behaviour_example(const void *pairs, int i, bool better, int *length)
{
	const EasqPair *pair = &((const EasqRehearsed *) pairs + i)->pair;

	*length = better ? pair->chosen_length : pair->rejected_length;
	return better ? pair->chosen : pair->rejected;
}

EasqBatch
EasqBuildBatch(const EasqLearner *learner, const EasqAnswerPair *pairs, int fresh, int replayed,
			   const EasqRehearsed *behaviours, int behaviour)
{
	size_t		row = learner->model->spec->inputs;
	int			survey = fresh + replayed;
	float	   *x = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * row * 2 * (survey + behaviour));
	float	   *weight = palloc(sizeof(float) * Max(survey, 1));
	float	   *kept = palloc(sizeof(float) * 2 * Max(behaviour, 1));
	int		   *which = palloc(sizeof(int) * Max(Max(survey, behaviour), 1));
	EasqBatch	batch = {.x = x, .weight = weight};
	float	   *end;

	batch.survey = encode_pairs(learner, survey, x, x + row * survey, which, answer_example, pairs);
	for (int i = 0; i < batch.survey; i++)
	{
		weight[i] = pairs[which[i]].weight;
		batch.tested += which[i] < fresh;
	}
	end = x + row * 2 * batch.survey;
	batch.behaviour = encode_pairs(learner, behaviour, end, end + row * behaviour, which, behaviour_example, behaviours);
	for (int i = 0; i < batch.behaviour; i++)
	{
		kept[i] = behaviours[which[i]].kept_chosen;
		kept[batch.behaviour + i] = behaviours[which[i]].kept_rejected;
	}
	if (learner->model->options.rehearsal == EASQ_KEEP_MARGINS)
		batch.kept = kept;
	return batch;
}
