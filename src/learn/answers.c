#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/random.h"
#include "learn/answers.h"
#include "learn/skipped.h"
#include "store/behaviour.h"
#include "store/log.h"

/* Independent streams of draws from one committed state. */
enum
{
	STREAM_ORDER = 1,
	STREAM_PARTNER,
	STREAM_BEHAVIOUR
};

static EasqRandom
stream(const EasqModel *model, uint64 which, uint64 number)
{
	uint64		seed = EasqMix((uint64) model->options.seed, which);

	return (EasqRandom) {
		EasqMix(EasqMix(seed, (uint64) model->adapter_step), EasqMix((uint64) model->answers, number))
	};
}

static int
compare_answers(const void *a, const void *b)
{
	const EasqAnswer *x = a;
	const EasqAnswer *y = b;
	int			c;

	if ((x->respondent == NULL) != (y->respondent == NULL))
		return x->respondent == NULL ? -1 : 1;
	c = x->respondent ? strcmp(x->respondent, y->respondent) : 0;
	if (c == 0)
		c = memcmp(x->key, y->key, EASQ_KEY_BYTES);
	if (c == 0)
		c = x->answer < y->answer ? -1 : x->answer > y->answer;
	if (c == 0)
		c = x->length != y->length ? x->length - y->length : memcmp(x->example, y->example, x->length);
	return c;
}

/* Sorted by content, then shuffled by committed state: the same answers, the same order. */
static void
settle_order(const EasqModel *model, EasqAnswer *answers, int count)
{
	EasqRandom	random = stream(model, STREAM_ORDER, 0);

	qsort(answers, count, sizeof(EasqAnswer), compare_answers);
	for (int i = count - 1; i > 0; i--)
	{
		int			j = (int) EasqBelow(&random, (uint64) i + 1);
		EasqAnswer	swap = answers[i];

		answers[i] = answers[j];
		answers[j] = swap;
	}
}

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

/* A pair of answers: the better one and the worse one. */
typedef struct AnswerPair
{
	const EasqAnswer *chosen;
	const EasqAnswer *rejected;
} AnswerPair;

/* By the answers' ordinals: a mini-batch larger than the ring uses its slots twice. */
static int
compare_pairs(const void *a, const void *b)
{
	const AnswerPair *x = a;
	const AnswerPair *y = b;

	if (x->chosen->ordinal != y->chosen->ordinal)
		return x->chosen->ordinal < y->chosen->ordinal ? -1 : 1;
	if (x->rejected->ordinal != y->rejected->ordinal)
		return x->rejected->ordinal < y->rejected->ordinal ? -1 : 1;
	return 0;
}

static bool
is_partner_already(const EasqAnswer *partners, int count, int slot)
{
	for (int i = 0; i < count; i++)
		if (partners[i].slot == slot)
			return true;
	return false;
}

/* Up to pairs_per_answer partners: the respondent's own answers first, then anybody's from random places. */
static int
find_partners(const EasqModel *model, const EasqAnswer *answer, EasqAnswer *partners)
{
	EasqRandom	random = stream(model, STREAM_PARTNER, (uint64) answer->slot);
	int			wanted = model->options.pairs_per_answer;
	int			slots = EasqAnswerSlots(model);
	int			count = 0;

	if (slots == 0)
		return 0;
	if (answer->respondent)
		count = EasqFindOpposite(model, answer->respondent, answer->answer,
								 (int) EasqBelow(&random, slots), wanted, partners);
	for (int draw = count; draw < wanted; draw++)
	{
		EasqAnswer	found;

		if (EasqFindOpposite(model, NULL, answer->answer, (int) EasqBelow(&random, slots), 1, &found) == 0)
			break;
		if (!is_partner_already(partners, count, found.slot))
			partners[count++] = found;
	}
	return count;
}

/* The pairs of a mini-batch, each once; answers without a partner are counted in *alone. */
static int
find_pairs(const EasqModel *model, EasqAnswer *answers, int count, AnswerPair *pairs, int *alone)
{
	int			wanted = model->options.pairs_per_answer;
	int			found = 0;
	int			unique = 0;

	*alone = 0;
	for (int i = 0; i < count; i++)
	{
		EasqAnswer *partners = palloc(sizeof(EasqAnswer) * wanted);
		int			n = find_partners(model, &answers[i], partners);

		CHECK_FOR_INTERRUPTS();
		if (n == 0)
			(*alone)++;
		for (int j = 0; j < n; j++)
		{
			bool		better = answers[i].answer > partners[j].answer;

			pairs[found].chosen = better ? &answers[i] : &partners[j];
			pairs[found++].rejected = better ? &partners[j] : &answers[i];
		}
	}
	/* Two new answers may have found each other. */
	qsort(pairs, found, sizeof(AnswerPair), compare_pairs);
	for (int i = 0; i < found; i++)
		if (i == 0 || compare_pairs(&pairs[i], &pairs[i - 1]) != 0)
			pairs[unique++] = pairs[i];
	return unique;
}

/*
 * Encodes pairs into the two halves of a block of rows; a pair whose stored
 * example does not fit the model any more is left out.  Returns the pairs encoded.
 */
static int
encode_pairs(const EasqLearner *learner, int count, float *chosen, float *rejected,
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
		if (EasqEncode(learner->model->spec, learner->encoding, bytes, length, rejected + (size_t) kept * k, &problem))
			kept++;
	}
	return kept;
}

static const char *
answer_example(const void *pairs, int i, bool better, int *length)
{
	const AnswerPair *pair = (const AnswerPair *) pairs + i;
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
build_batch(const EasqLearner *learner, const AnswerPair *pairs, int survey, const EasqPair *behaviours, int behaviour)
{
	size_t		row = learner->model->spec->inputs;
	float	   *x = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * row * 2 * (survey + behaviour));
	float	   *second = x + row * survey;
	EasqBatch	batch = {.x = x};
	float	   *end;

	batch.survey = encode_pairs(learner, survey, x, second, answer_example, pairs);
	memmove(x + row * batch.survey, second, sizeof(float) * row * batch.survey);
	end = x + row * 2 * batch.survey;
	second = end + row * behaviour;
	batch.behaviour = encode_pairs(learner, behaviour, end, second, behaviour_example, behaviours);
	memmove(end + row * batch.behaviour, second, sizeof(float) * row * batch.behaviour);
	return batch;
}

/* New answers against what the satisfaction pathway says before it learns from them. */
static void
calibrate(EasqLearner *learner, const EasqAnswer *answers, int count)
{
	EasqJudge  *judge = EasqLearnerJudge(learner);
	EasqModel  *model = learner->model;
	float		score;

	for (int i = 0; i < count; i++)
		if (EasqJudgeExample(judge, EASQ_SATISFACTION, answers[i].example, answers[i].length, &score))
			EasqCalibrate(&model->alignment.calibration, EasqLogitOfScore(score),
						  answers[i].answer >= model->options.satisfied);
}

static void
learn_batch(EasqLearner *learner, EasqAnswer *answers, int count, const char *source,
			EasqSkipped *skipped, bool strict)
{
	EasqModel  *model = learner->model;
	AnswerPair *pairs = palloc(sizeof(AnswerPair) * count * model->options.pairs_per_answer);
	EasqRandom	random;
	EasqPair   *behaviours;
	EasqBatch	batch;
	EasqStepOutcome outcome;
	EasqStepRow row = {.model = model->name, .source = source};
	int			alone;
	int			found;
	int			drawn;

	calibrate(learner, answers, count);
	EasqRemember(model, answers, count);
	found = find_pairs(model, answers, count, pairs, &alone);
	if (alone > 0)
		EasqSkip(skipped, "no remembered answer differs from it", alone);
	if (found == 0)
		return;
	random = stream(model, STREAM_BEHAVIOUR, 0);
	drawn = EasqDrawBehaviour(model, model->options.behaviour_pairs, &random, &behaviours);
	batch = build_batch(learner, pairs, found, behaviours, drawn);
	if (batch.survey == 0)
	{
		EasqSkip(skipped, "the remembered answers that differ from it do not fit the model", count - alone);
		return;
	}
	row.reason = EasqLearnerGuardedStep(learner, &batch, &outcome);
	if (row.reason && strict)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("model \"%s\" did not learn from %d answers: %s", model->name, count - alone, row.reason),
				 errhint("Lower learning_rate, or leave out the option strict of easq_learn.")));
	row.status = row.reason ? "skipped" : outcome.strength < 1 ? "shortened" : "applied";
	if (row.reason == NULL && outcome.strength < 1)
		row.reason = "behaviour budget";
	/* The version that will be written: one for all steps of a statement. */
	row.adapter_version = strcmp(row.status, "skipped") == 0 ? 0 : model->adapter_version + 1;
	row.answers = count - alone;
	row.pairs = batch.survey;
	row.behaviour_pairs = batch.behaviour;
	row.metrics = &outcome.metrics;
	row.guarded = outcome.guarded;
	row.strength = outcome.strength;
	row.cost = outcome.cost;
	EasqLogStep(&row);
}

void
EasqRememberAnswers(EasqLearner *learner, EasqAnswer *answers, int count)
{
	settle_order(learner->model, answers, count);
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
	settle_order(learner->model, answers, count);
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
