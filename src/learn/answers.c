#include "postgres.h"

#include "utils/memutils.h"

#include "learn/answers.h"
#include "learn/batch.h"
#include "learn/believe.h"
#include "learn/draw.h"
#include "learn/knob.h"
#include "learn/order.h"
#include "learn/partners.h"
#include "learn/skipped.h"
#include "store/pair_rehearsed.h"
#include "store/answer_memory.h"
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

const char *
EasqWarmingUp(const EasqModel *model)
{
	int			remembered = EasqAnswerCountsTotal(&model->adapter.counts);

	if (remembered < model->options.warm_up)
		return psprintf("warm-up: fewer than %d answers", model->options.warm_up);
	if (model->options.warm_up > 0 && !EasqAnswerCountsBothSides(&model->adapter.counts, WARM_UP_OF_A_KIND))
		return psprintf("warm-up: no value has %d answers below it and %d above it", WARM_UP_OF_A_KIND, WARM_UP_OF_A_KIND);
	return NULL;
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
	EasqCalibration calibration;
	EasqStepOutcome outcome;
	EasqStepRow row = {.model = model->name, .source = source};
	int			learned = 0;
	int			alone;
	int			found;
	int			replayed;
	int			drawn;

	EasqRemember(model, answers, count);
	EasqAnswersToMemory(model, (count + again) * model->options.pairs_per_answer);
	found = EasqFindPairs(model, answers, count, pairs, &alone);
	if (alone > 0)
		EasqSkip(skipped, model->options.cross_weight == 0 ? "no remembered answer of the same respondent differs from it" :
				 "no remembered answer differs from it", alone);
	calibration = EasqCountAnswers(learner, answers, count);
	if (found == 0)
		return;
	for (int i = 0; i < count; i++)
		learned += !answers[i].held_back;
	learned -= alone;
	warm_up = EasqWarmingUp(model);
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
	learner->hyper.alignment = EasqAlignmentFor(model->options.hyper.alignment, batch.survey, batch.behaviour);
	row.reason = EasqLearnerGuardedStep(learner, &batch, &outcome);
	/* With the step, so that it has an adapter id of its own. */
	if (row.reason == NULL)
		model->adapter.alignment.calibration = calibration;
	EasqCalibrationFollow(&model->adapter.alignment.calibration, outcome.rise);
	if (outcome.judged || outcome.audited || warm_up || EasqKnobIsDue(learner))
		EasqKnobTurn(learner, warm_up != NULL, outcome.audited);
	if (row.reason && strict)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("model \"%s\" did not learn from %d answers: %s", model->name, learned, row.reason),
				 errhint("Lower learning_rate, or leave out the option strict of easq_learn.")));
	row.status = row.reason ? "skipped" : outcome.cut ? "shortened" : "applied";
	if (row.reason == NULL && outcome.cut)
		row.reason = "behaviour budget";
	/* The version that will be written: one for all steps of a statement. */
	row.adapter_version = strcmp(row.status, "skipped") == 0 ? 0 : model->adapter.version + 1;
	if (row.reason == NULL)
		row.reason = warm_up;
	row.answers = learned;
	row.pairs = batch.tested;
	row.behaviour_pairs = batch.behaviour;
	row.metrics = &outcome.metrics;
	row.guarded = outcome.guarded;
	row.strength = outcome.strength;
	row.cost = model->adapter.alignment.ranking_cost;
	row.knob = model->adapter.alignment.knob;
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
		learner->model->memory = NULL;
		MemoryContextReset(context);
	}
	EasqTrimAnswers(learner->model);
	EasqLogSkipped(&skipped, learner->model->name, source);
	MemoryContextDelete(context);
}
