#include "postgres.h"

#include "utils/memutils.h"

#include "learn/answers.h"
#include "learn/draw.h"
#include "learn/order.h"
#include "learn/partners.h"
#include "learn/skipped.h"
#include "store/behaviour.h"
#include "store/log.h"

/* Alignment waits until some value has so many answers below it and so many above it. */
#define WARM_UP_OF_A_KIND 2

/* Moves answers that cannot be encoded out of the array; returns how many are left. */
static int
keep_usable(EasqLearner *learner, EasqAnswer *answers, int count, EasqSkipped *skipped, bool strict)
{
	float	   *x = palloc(sizeof(float) * learner->model->spec->inputs);
	int			kept = 0;

	for (int i = 0; i < count; i++)
	{
		EasqProblem problem = {0};

		if (EasqEncode(learner->model->spec, learner->encoding, answers[i].example, answers[i].length,
					   x, strict ? NULL : &problem))
			answers[kept++] = answers[i];
		else
			EasqSkip(skipped, problem.message, 1);
	}
	pfree(x);
	return kept;
}

/* Why a step must not align yet; NULL: it may. */
static const char *
warming_up(const EasqModel *model)
{
	int			remembered = EasqTallyTotal(&model->tally);

	if (remembered < model->options.warm_up)
		return psprintf("warm-up: %d of %d answers", remembered, model->options.warm_up);
	if (model->options.warm_up > 0 && !EasqTallyBothSides(&model->tally, WARM_UP_OF_A_KIND))
		return psprintf("warm-up: no value has %d answers below it and %d above it", WARM_UP_OF_A_KIND, WARM_UP_OF_A_KIND);
	return NULL;
}

/*
 * Encodes pairs into the two halves of a block of rows; a pair whose stored
 * example does not fit the model any more is left out.  Returns the pairs
 * encoded; which, unless NULL, says which.
 */
static int
encode_pairs(const EasqLearner *learner, int count, float *chosen, float *rejected, int *which,
			 const char *(*example) (const void *pairs, int i, bool better, int *length), const void *pairs)
{
	int			k = learner->model->spec->inputs;
	int			kept = 0;

	for (int i = 0; i < count; i++)
	{
		EasqProblem problem = {0};
		int			length;
		const char *bytes = example(pairs, i, true, &length);

		if (!EasqEncode(learner->model->spec, learner->encoding, bytes, length, chosen + (size_t) kept * k, &problem))
			continue;
		bytes = example(pairs, i, false, &length);
		if (!EasqEncode(learner->model->spec, learner->encoding, bytes, length, rejected + (size_t) kept * k, &problem))
			continue;
		if (which)
			which[kept] = i;
		kept++;
	}
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
	const EasqPair *pair = (const EasqPair *) pairs + i;

	*length = better ? pair->chosen_length : pair->rejected_length;
	return better ? pair->chosen : pair->rejected;
}

/* Rows of a batch in the order that EasqBatch wants, whatever could not be encoded left out. */
static EasqBatch
build_batch(const EasqLearner *learner, const EasqAnswerPair *pairs, int survey, const EasqPair *behaviours, int behaviour)
{
	size_t		row = learner->model->spec->inputs;
	float	   *x = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * row * 2 * (survey + behaviour));
	float	   *second = x + row * survey;
	float	   *weight = palloc(sizeof(float) * Max(survey, 1));
	int		   *which = palloc(sizeof(int) * Max(survey, 1));
	EasqBatch	batch = {.x = x, .weight = weight};
	float	   *end;

	batch.survey = encode_pairs(learner, survey, x, second, which, answer_example, pairs);
	for (int i = 0; i < batch.survey; i++)
		weight[i] = pairs[which[i]].weight;
	memmove(x + row * batch.survey, second, sizeof(float) * row * batch.survey);
	end = x + row * 2 * batch.survey;
	second = end + row * behaviour;
	batch.behaviour = encode_pairs(learner, behaviour, end, second, NULL, behaviour_example, behaviours);
	memmove(end + row * batch.behaviour, second, sizeof(float) * row * batch.behaviour);
	return batch;
}

static void
learn_batch(EasqLearner *learner, EasqAnswer *answers, int count, const char *source,
			EasqSkipped *skipped, bool strict)
{
	EasqModel  *model = learner->model;
	EasqAnswerPair *pairs = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswerPair) * (Size) count * model->options.pairs_per_answer);
	const char *warm_up;
	EasqRandom	random;
	EasqPair   *behaviours;
	EasqBatch	batch;
	EasqMetrics metrics;
	EasqStepRow row = {.model = model->name, .source = source};
	int			learned = 0;
	int			alone;
	int			found;
	int			drawn;

	EasqRemember(model, answers, count);
	found = EasqFindPairs(model, answers, count, pairs, &alone);
	if (alone > 0)
		EasqSkip(skipped, model->options.cross_weight == 0 ? "no remembered answer of the same respondent differs from it" :
				 "no remembered answer differs from it", alone);
	if (found == 0)
		return;
	for (int i = 0; i < count; i++)
		learned += !answers[i].held_back;
	learned -= alone;
	warm_up = warming_up(model);
	learner->hyper.lambda2 = warm_up ? 0 : model->options.hyper.lambda2;
	random = EasqDraws(model, EASQ_DRAW_BEHAVIOUR, 0);
	drawn = EasqDrawBehaviour(model, model->options.behaviour_pairs, &random, &behaviours);
	batch = build_batch(learner, pairs, found, behaviours, drawn);
	if (batch.survey == 0)
	{
		EasqSkip(skipped, "the remembered answers that differ from it do not fit the model", learned);
		return;
	}
	row.reason = EasqLearnerStep(learner, &batch, true, &metrics);
	if (row.reason && strict)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("model \"%s\" did not learn from %d answers: %s", model->name, learned, row.reason),
				 errhint("Lower learning_rate, or leave out the option strict of easq_learn.")));
	row.status = row.reason ? "skipped" : "applied";
	/* The version that will be written: one for all steps of a statement. */
	row.adapter_version = row.reason ? 0 : model->adapter_version + 1;
	if (row.reason == NULL)
		row.reason = warm_up;
	row.answers = learned;
	row.pairs = batch.survey;
	row.behaviour_pairs = batch.behaviour;
	row.metrics = &metrics;
	EasqLogStep(&row);
}

void
EasqRememberAnswers(EasqLearner *learner, EasqAnswer *answers, int count)
{
	EasqSettleOrder(learner->model, answers, count);
	EasqRemember(learner->model, answers, count);
	EasqTrimAnswers(learner->model);
}

void
EasqLearnAnswers(EasqLearner *learner, EasqAnswer *answers, int count, const char *source, bool strict)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq step", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	EasqSkipped skipped;

	EasqSkippedInit(&skipped);
	count = keep_usable(learner, answers, count, &skipped, strict);
	EasqSettleOrder(learner->model, answers, count);
	count = EasqKeepLastWords(answers, count, &skipped);
	EasqPaceAnswers(learner->model, answers, count, &skipped);
	for (int done = 0; done < count; done += EASQ_ANSWERS_A_STEP)
	{
		old = MemoryContextSwitchTo(context);
		learn_batch(learner, answers + done, Min(EASQ_ANSWERS_A_STEP, count - done), source, &skipped, strict);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	EasqTrimAnswers(learner->model);
	EasqLogSkipped(&skipped, learner->model->name, source);
	MemoryContextDelete(context);
}
