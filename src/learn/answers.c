#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "learn/answers.h"
#include "learn/batch.h"
#include "learn/believe.h"
#include "learn/draw.h"
#include "learn/knob.h"
#include "learn/order.h"
#include "learn/partners.h"
#include "learn/revival.h"
#include "learn/skipped.h"
#include "store/pair_rehearsed.h"
#include "store/answer_memory.h"
#include "store/log.h"

/* Alignment waits until some value has so many answers below it and so many above it. */
#define WARM_UP_OF_A_KIND 2

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

/* Returns how many answers were learned. */
static int
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
	EasqAlignmentState state;
	EasqStepOutcome outcome;
	EasqStepRow row = {.model = model->name, .source = source, .author = learner->author};
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
				 "no remembered answer differs from it", NULL, alone);
	calibration = EasqCountAnswers(learner, answers, count);
	if (found == 0)
		return 0;
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
		EasqSkip(skipped, "the remembered answers that differ from it do not fit the model", NULL, learned);
		return 0;
	}
	learner->hyper.alignment = EasqAlignmentFor(model->options.hyper.alignment, batch.survey, batch.behaviour);
	state = model->adapter.alignment;
	row.reason = EasqLearnerGuardedStep(learner, &batch, &outcome);
	/* With the step, so that it has an adapter id of its own. */
	if (row.reason == NULL)
		model->adapter.alignment.calibration = calibration;
	EasqCalibrationFollow(&model->adapter.alignment.calibration, outcome.rise);
	(void) EasqReviveSatisfaction(learner, &batch, row.reason != NULL);
	if (warm_up || EasqKnobIsDue(learner, outcome.judged || outcome.audited))
		EasqKnobTurn(learner, warm_up != NULL);
	/* An error when all is written would come too late to leave out this step alone. */
	if (!EasqAlignmentStateIsFinite(&model->adapter.alignment))
		model->adapter.alignment = state;
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
	return row.adapter_version > 0 ? learned : 0;
}

int
EasqLearnPortion(EasqLearner *learner, EasqAnswer *answers, int count, const char *source,
				 EasqSkipped *skipped, bool strict)
{
	EasqPaceAnswers(learner->model, answers, count, skipped);
	return learn_batch(learner, answers, count, source, skipped, strict);
}

/* Takes the next portion of the order, in a context that lives as long as its step; 0: that was all. */
static int
next_portion(EasqLearner *learner, EasqOrder *order, MemoryContext context, EasqAnswer **answers)
{
	/* What is gathered for a step goes with it. */
	learner->model->memory = NULL;
	MemoryContextReset(context);
	*answers = MemoryContextAlloc(context, sizeof(EasqAnswer) * EASQ_ANSWERS_A_STEP);
	return EasqOrderNext(order, *answers, EASQ_ANSWERS_A_STEP);
}

void
EasqRememberChanges(EasqLearner *learner, EasqChanges *changes)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq step", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	EasqSettling settling = {0};
	EasqAnswer *answers;
	EasqOrder	order;
	int			count;

	EasqOrderBegin(&order, learner->model, work_mem);
	EasqOrderFill(&order, learner, changes, &settling);
	old = MemoryContextSwitchTo(context);
	while ((count = next_portion(learner, &order, context, &answers)) > 0)
		EasqRemember(learner->model, answers, count);
	MemoryContextSwitchTo(old);
	EasqOrderEnd(&order);
	MemoryContextDelete(context);
	EasqTrimAnswers(learner->model);
}

void
EasqLearnChanges(EasqLearner *learner, EasqChanges *changes, const char *source, bool strict)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq step", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	EasqSkipped skipped;
	EasqSettling settling = {.skipped = &skipped, .strict = strict};
	EasqAnswer *answers;
	EasqOrder	order;
	int			count;

	EasqSkippedInit(&skipped);
	EasqOrderBegin(&order, learner->model, work_mem);
	EasqOrderFill(&order, learner, changes, &settling);
	old = MemoryContextSwitchTo(context);
	while ((count = next_portion(learner, &order, context, &answers)) > 0)
		(void) EasqLearnPortion(learner, answers, count, source, &skipped, strict);
	MemoryContextSwitchTo(old);
	EasqOrderEnd(&order);
	MemoryContextDelete(context);
	EasqTrimAnswers(learner->model);
	EasqLogSkipped(&skipped, learner->model->name, source, learner->author);
}

void
EasqLearnAnswers(EasqLearner *learner, const EasqAnswer *answers, int count, const char *source, bool strict)
{
	EasqChanges changes;

	EasqChangesBegin(&changes, work_mem);
	for (int i = 0; i < count; i++)
		EasqChangesPut(&changes, &answers[i], EASQ_NOW);
	EasqChangesSettle(&changes);
	EasqLearnChanges(learner, &changes, source, strict);
	EasqChangesEnd(&changes);
}
