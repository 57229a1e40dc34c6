#include "postgres.h"

#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "learn/answer_key.h"
#include "learn/answers.h"
#include "learn/knob.h"
#include "learn/learner.h"
#include "learn/probe.h"
#include "store/weight.h"
#include "store/weight_saved.h"
#include "train/publish.h"

/* What can be carried over from before a training: less than all, which A0 is divided by. */
#define CARRIED_MAX 0.9

#define DIVERGED_HINT "Nothing was stored. Lower the option learning_rate, max_grad_norm or alpha."

static bool
has_key(const EasqAnswer *answers, int count, const uint8 *key)
{
	for (int i = 0; i < count; i++)
		if (memcmp(answers[i].key, key, EASQ_KEY_BYTES) == 0)
			return true;
	return false;
}

/* Training's answers, but for those that were given again meanwhile, and room is left to those that came. */
static void
remember_answers(const EasqTrained *trained, EasqModel *model, const EasqAnswer *came, int came_count)
{
	int			kept;
	const EasqTrainRow *rows = EasqSpoolAnswers(trained->spool, &kept);
	int			most = Min(kept, Max(model->options.replay_answers - came_count, 0));
	int			count = 0;
	EasqAnswer *answers = palloc0(sizeof(EasqAnswer) * Max(most, 1));

	for (int i = 0; i < most; i++)
	{
		const EasqTrainRow *row = &rows[i];
		EasqAnswer *answer = &answers[count];

		answer->respondent = (char *) row->respondent_text;
		answer->answer = row->answer;
		answer->example = (char *) row->example;
		answer->length = row->length;
		answer->weight = 1;
		answer->asked_at = DT_NOBEGIN;
		/* The same answer is remembered once, however often it is trained on. */
		answer->keyed = true;
		EasqContentKey(answer->respondent, answer->example, answer->length, answer->key);
		if (!has_key(came, came_count, answer->key))
			count++;
	}
	EasqRemember(model, answers, count);
	EasqTrimAnswers(model);
}

/* The rehearsal sample, with the logits that steps are to keep the margins of. */
static void
write_behaviour(const EasqTrained *trained, EasqModel *model)
{
	EasqJudge  *judge = EasqJudgeCreate(model, EasqTrainerEncoding(trained->trainer));
	int			count = EasqSampleCount(trained->sample);

	EasqProbeWeights(model, EasqTrainerEncoding(trained->trainer), EasqTrainerWeights(trained->trainer), true, DIVERGED_HINT);
	EasqJudgeWeights(judge, EasqTrainerWeights(trained->trainer));
	EasqJudgeKept(judge, trained->sample->pair, count);
	EasqProbeKept(judge, model, trained->sample->pair, count, DIVERGED_HINT);
	EasqWriteBehaviour(model, trained->sample->pair, count);
}

/*
 * The held pairs under the new weights, and where alignment starts from: what had been spent before stays spent.
 * A model that has not learned behaviour has nothing to lose.
 */
static void
start_budget(const EasqTrained *trained, EasqModel *model)
{
	EasqAlignmentState *state = &model->adapter.alignment;
	EasqJudge  *judge = EasqJudgeCreate(model, EasqTrainerEncoding(trained->trainer));
	EasqHeld  **sample = trained->hold->sample;
	bool		budget = trained->hold->any && model->options.behaviour_budget < 1;
	bool		learned = budget;

	EasqAlignmentStateStart(state, Min(Max(state->cost, 0), CARRIED_MAX), model->adapter.step);
	/* The logits that it was fitted on are gone. */
	EasqCalibrationInit(&state->calibration);
	EasqJudgeWeights(judge, EasqTrainerWeights(trained->trainer));
	for (int i = 0; budget && i < EASQ_HELD_SAMPLES; i++)
	{
		EasqJudgeTrained(judge, sample[i]);
		learned &= sample[i]->accuracy > EASQ_LEARNED_ACCURACY;
	}
	if (learned)
		EasqJudgeVitalOf(judge, sample[EASQ_GATE], state->vital);
	else if (budget)
		ereport(NOTICE,
				(errmsg("model \"%s\" orders %.3f and %.3f of the held pairs rightly: too little for a behaviour budget",
						trained->model->name, sample[EASQ_GATE]->accuracy, sample[EASQ_AUDIT]->accuracy)));
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
		EasqWriteHeld(model, (EasqHeldSample) i, learned ? sample[i] : NULL);
}

/*
 * What is believed from here on, stored: of the training's answers alone, or what was believed before, which stands
 * on other logits of main now.
 */
static void
start_beliefs(const EasqTrained *trained, EasqModel *model, EasqBeliefs *beliefs)
{
	EasqAlignmentState *state = &model->adapter.alignment;
	double		spread = state->vital[EASQ_SATISFACTION].spread;
	double		sharpness = trained->beliefs ? trained->surprise.sharpness : state->surprise.sharpness;

	EasqSurpriseInit(&state->surprise);
	state->surprise.sharpness = sharpness;
	state->main_mean = trained->main_mean;
	state->main_deviation = trained->main_deviation;
	state->pathway_scale = spread > 0 ? spread : 1;
	if (trained->beliefs == NULL)
	{
		EasqBeliefsSetPriors(beliefs, &model->backbone.priors);
		EasqBeliefsWrite(model, beliefs, model->adapter.version + 1);
	}
	else
		EasqBeliefsReplace(model, beliefs);
}

/* Nobody else writes a backbone while the definition is locked, but restoring may. */
static void
check_same_backbone(const EasqTrained *trained, const EasqModel *now)
{
	if (memcmp(&now->backbone.id, &trained->model->backbone.id, sizeof(pg_uuid_t)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("model \"%s\" was replaced while it was trained", trained->model->name),
				 errhint("Nothing was stored. Run easq_train again.")));
}

EasqModel *
EasqPublish(const EasqTrained *trained)
{
	EasqTrainer *trainer = trained->trainer;
	EasqModel  *model;
	EasqLearner *learner;
	EasqAnswer *came;
	EasqBeliefs *beliefs;
	EasqAdam	adam = EasqTrainerAdapter(trainer);
	int			count;

	(void) EasqModelLock(trained->model->name, EASQ_WAIT);
	model = EasqModelRead(trained->model->name, false);
	check_same_backbone(trained, model);
	/* Under the priors that they stand on. */
	beliefs = trained->beliefs ? trained->beliefs : EasqBeliefsRead(model, NULL);
	model->backbone.priors = trained->model->backbone.priors;
	count = EasqAnswersSince(model, trained->model->adapter.answers, &came);

	model->backbone.mean = trained->model->backbone.mean;
	model->backbone.deviation = trained->model->backbone.deviation;
	model->backbone.trained = true;
	model->backbone.step = EasqTrainerSteps(trainer);
	model->adapter.step = adam.step;
	write_behaviour(trained, model);
	start_budget(trained, model);
	/* First: what is kept of the adapter names its backbone. */
	EasqTrainerWriteBackbone(trainer, model);
	EasqSavedForget(model, EASQ_AUDITED);
	if (beliefs)
		start_beliefs(trained, model, beliefs);
	EasqSavedWrite(model, EASQ_TRAINED, EasqTrainerWeights(trainer), &adam, beliefs);
	remember_answers(trained, model, came, count);

	learner = EasqLearnerOn(model, EasqTrainerEncoding(trainer), EasqTrainerWeights(trainer), adam);
	learner->beliefs = beliefs;
	learner->believed = trained->beliefs == NULL;
	if (count > 0)
		EasqLearnAnswers(learner, came, count, "train", false);
	EasqKnobTurn(learner, EasqWarmingUp(model) != NULL);
	if (beliefs && beliefs->changes > 0)
		EasqBeliefsWrite(model, beliefs, model->adapter.version + 1);
	EasqWriteAdapter(model, learner->weights, learner->adam.m, learner->adam.v, true);
	PopActiveSnapshot();
	return model;
}
