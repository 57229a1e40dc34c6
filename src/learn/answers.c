#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "learn/answers.h"
#include "learn/batch.h"
#include "learn/draw.h"
#include "learn/partners.h"
#include "learn/skipped.h"
#include "store/behaviour.h"
#include "store/hourly.h"
#include "store/log.h"

/* Alignment waits until some value has so many answers below it and so many above it. */
#define WARM_UP_OF_A_KIND 2

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
		c = x->weight < y->weight ? -1 : x->weight > y->weight;
	if (c == 0)
		c = x->length != y->length ? x->length - y->length : memcmp(x->example, y->example, x->length);
	return c;
}

/* Pointers into one array: of one time, its order stays. */
static int
compare_times(const void *a, const void *b)
{
	const EasqAnswer *x = *(const EasqAnswer *const *) a;
	const EasqAnswer *y = *(const EasqAnswer *const *) b;

	if (x->asked_at != y->asked_at)
		return x->asked_at < y->asked_at ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* In order of time; of one time, sorted by content and shuffled by committed state: the same answers, the same order. */
static void
settle_order(const EasqModel *model, EasqAnswer *answers, int count)
{
	EasqRandom	random = EasqDraws(model, EASQ_DRAW_ORDER, 0);
	const EasqAnswer **order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswer *) * (Size) (count + 1));
	EasqAnswer *sorted = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswer) * (Size) (count + 1));

	qsort(answers, count, sizeof(EasqAnswer), compare_answers);
	for (int i = count - 1; i > 0; i--)
	{
		int			j = (int) EasqBelow(&random, (uint64) i + 1);
		EasqAnswer	swap = answers[i];

		answers[i] = answers[j];
		answers[j] = swap;
	}
	for (int i = 0; i < count; i++)
		order[i] = &answers[i];
	qsort(order, count, sizeof(EasqAnswer *), compare_times);
	for (int i = 0; i < count; i++)
		sorted[i] = *order[i];
	memcpy(answers, sorted, sizeof(EasqAnswer) * (Size) count);
	pfree(order);
	pfree(sorted);
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

static int
compare_keys(const void *a, const void *b)
{
	const EasqAnswer *x = *(const EasqAnswer *const *) a;
	const EasqAnswer *y = *(const EasqAnswer *const *) b;
	int			c = memcmp(x->key, y->key, EASQ_KEY_BYTES);

	return c != 0 ? c : x < y ? -1 : x > y;
}

/* Of answers with one key the last in order counts; moves the others out of the array. */
static int
keep_last_words(EasqAnswer *answers, int count, EasqSkipped *skipped)
{
	EasqAnswer **order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswer *) * (Size) (count + 1));
	bool	   *superseded = palloc0(count + 1);
	int			keyed = 0;
	int			kept = 0;

	for (int i = 0; i < count; i++)
		if (answers[i].keyed)
			order[keyed++] = &answers[i];
	qsort(order, keyed, sizeof(EasqAnswer *), compare_keys);
	for (int i = 1; i < keyed; i++)
		superseded[order[i - 1] - answers] = memcmp(order[i - 1]->key, order[i]->key, EASQ_KEY_BYTES) == 0;
	for (int i = 0; i < count; i++)
		if (!superseded[i])
			answers[kept++] = answers[i];
	if (kept < count)
		EasqSkip(skipped, "answered again in the same statement", count - kept);
	pfree(superseded);
	pfree(order);
	return kept;
}

/* Answers beyond what option answers_per_hour lets their respondent teach are remembered only. */
static void
hold_back(const EasqModel *model, EasqAnswer *answers, int count, EasqSkipped *skipped)
{
	for (int i = 0; i < count; i++)
	{
		EasqAnswer *answer = &answers[i];
		TimestampTz at = answer->asked_at == DT_NOBEGIN ? GetCurrentTransactionStartTimestamp() : answer->asked_at;

		if (answer->per_hour == 0 || answer->respondent == NULL)
			continue;
		answer->held_back = !EasqTakeTurn(model, answer->respondent, at, answer->per_hour);
		if (answer->held_back)
			EasqSkip(skipped, psprintf("more than %d answers an hour", answer->per_hour), 1);
	}
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

/* New answers against what the satisfaction pathway says before it learns from them. */
static void
calibrate(EasqLearner *learner, const EasqAnswer *answers, int count)
{
	EasqJudge  *judge = EasqLearnerJudge(learner);
	EasqModel  *model = learner->model;
	float		logit;

	for (int i = 0; i < count; i++)
		if (EasqJudgeLogit(judge, EASQ_SATISFACTION, answers[i].example, answers[i].length, &logit))
			EasqCalibrate(&model->alignment.calibration, logit, answers[i].answer >= model->options.satisfied);
}

static void
learn_batch(EasqLearner *learner, EasqAnswer *answers, int count, const char *source,
			EasqSkipped *skipped, bool strict)
{
	EasqModel  *model = learner->model;
	int			again = Min(count * model->options.replayed_answers, EASQ_ANSWERS_A_STEP);
	EasqAnswerPair *pairs = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswerPair) *
												   (Size) (count + again) * model->options.pairs_per_answer);
	const char *warm_up;
	EasqRandom	random;
	EasqRehearsed *behaviours;
	EasqBatch	batch;
	EasqStepOutcome outcome;
	EasqStepRow row = {.model = model->name, .source = source};
	int			learned = 0;
	int			alone;
	int			found;
	int			replayed;
	int			drawn;

	calibrate(learner, answers, count);
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
	replayed = EasqReplayPairs(model, again, pairs + found);
	batch = EasqBuildBatch(learner, pairs, found, replayed, behaviours, drawn);
	if (batch.tested == 0)
	{
		EasqSkip(skipped, "the remembered answers that differ from it do not fit the model", learned);
		return;
	}
	row.reason = EasqLearnerGuardedStep(learner, &batch, &outcome);
	if (row.reason && strict)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("model \"%s\" did not learn from %d answers: %s", model->name, learned, row.reason),
				 errhint("Lower learning_rate, or leave out the option strict of easq_learn.")));
	row.status = row.reason ? "skipped" : outcome.strength < 1 ? "shortened" : "applied";
	if (row.reason == NULL && outcome.strength < 1)
		row.reason = "behaviour budget";
	/* The version that will be written: one for all steps of a statement. */
	row.adapter_version = strcmp(row.status, "skipped") == 0 ? 0 : model->adapter_version + 1;
	if (row.reason == NULL)
		row.reason = warm_up;
	row.answers = learned;
	row.pairs = batch.tested;
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
	count = keep_last_words(answers, count, &skipped);
	hold_back(learner->model, answers, count, &skipped);
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
