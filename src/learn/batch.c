#include "postgres.h"

#include "miscadmin.h"

#include "feature/factor.h"
#include "feature/floats.h"
#include "learn/batch.h"

/* One row of a pair: its packed feature values. */
typedef const char *(*ExampleOf) (const void *pairs, int i, bool better, int *length);

/* Rows, and what factors add to their main logits. */
typedef struct Rows
{
	float	   *x;				/* [rows, inputs] */
	float	   *u;				/* [rows] */
	EasqFactors *factors;
} Rows;

static bool
encode(const EasqLearner *learner, const Rows *rows, int row, const char *example, int length)
{
	const EasqSpec *spec = learner->model->spec;
	float	   *x = rows->x + (size_t) row * spec->inputs;
	EasqProblem problem = {0};

	if (!EasqEncode(spec, learner->encoding, example, length, x, &problem))
		return false;
	rows->u[row] = EasqFactorOffset(rows->factors, learner->encoding, example, x);
	return true;
}

/*
 * Encodes pairs from row number first on: chosen, then rejected.  Returns the pairs
 * encoded; which [count] says which.
 */
static int
encode_pairs(const EasqLearner *learner, int count, const Rows *rows, int first, int *which,
			 ExampleOf example, const void *pairs)
{
	int			k = learner->model->spec->inputs;
	int			kept = 0;

	for (int i = 0; i < count; i++)
	{
		int			length;
		const char *bytes = example(pairs, i, true, &length);

		CHECK_FOR_INTERRUPTS();
		if (!encode(learner, rows, first + kept, bytes, length))
			continue;
		bytes = example(pairs, i, false, &length);
		if (!encode(learner, rows, first + count + kept, bytes, length))
			continue;
		which[kept++] = i;
	}
	/* The rejected follow the chosen without a gap. */
	memmove(rows->x + (size_t) (first + kept) * k, rows->x + (size_t) (first + count) * k, sizeof(float) * (size_t) kept * k);
	memmove(rows->u + first + kept, rows->u + first + count, sizeof(float) * (size_t) kept);
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
	Rows		rows = {
		.x = EasqFloats(row * 2 * (survey + behaviour)),
		.u = palloc(sizeof(float) * 2 * (survey + behaviour)),
		.factors = EasqFactorsCreate(learner->model->spec)
	};
	float	   *weight = palloc(sizeof(float) * Max(survey, 1));
	float	   *kept = palloc(sizeof(float) * 2 * Max(behaviour, 1));
	int		   *which = palloc(sizeof(int) * Max(Max(survey, behaviour), 1));
	EasqBatch	batch = {.x = rows.x, .weight = weight, .offset = rows.factors ? rows.u : NULL};

	batch.survey = encode_pairs(learner, survey, &rows, 0, which, answer_example, pairs);
	for (int i = 0; i < batch.survey; i++)
	{
		weight[i] = pairs[which[i]].weight;
		batch.tested += which[i] < fresh;
	}
	batch.behaviour = encode_pairs(learner, behaviour, &rows, 2 * batch.survey, which, behaviour_example, behaviours);
	for (int i = 0; i < batch.behaviour; i++)
	{
		kept[i] = behaviours[which[i]].kept_chosen;
		kept[batch.behaviour + i] = behaviours[which[i]].kept_rejected;
	}
	if (learner->model->options.rehearsal == EASQ_KEEP_MARGINS)
		batch.kept = kept;
	return batch;
}
