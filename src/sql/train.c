/*
 * easq_train: reads a query once into a spool, trains beside learning, and
 * locks the model only for the last write.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "sql/argument.h"
#include "learn/answer_key.h"
#include "learn/answers.h"
#include "learn/learner.h"
#include "store/log.h"
#include "store/weight_saved.h"
#include "store/weight.h"
#include "train/fit.h"

PG_FUNCTION_INFO_V1(easq_train);

typedef struct TrainOptions
{
	int			epochs;
	int			batch_pairs;
	int			buffer_rows;
	int			pairs_per_row;
	double		held_share;
	char	   *respondent;
	double		learning_rate;
	/* for this call instead of the model's own: NaN, -1 or 0 where not given */
	double		lambda1;
	double		lambda2;
	double		beta;
	double		anchor;
	double		max_grad_norm;
	int			alignment;
	int			pairwise;
	int			pairs_per_answer;
} TrainOptions;

/* What can be carried over from before a training: less than all, which A0 is divided by. */
#define CARRIED_MAX 0.9

#define OPTION(field) offsetof(TrainOptions, field)

/*
 * The model's lambda2 and anchor are for steps that see few answers at a time.  A training that sees many of them
 * with lambda2 1 and anchor 0 lets all main scores drift to 0, where behaviour's loss on scores is flat: on KuaiRand
 * it ended at log 2, that of a constant; with these two at 0.60.
 * name, type, default, minimum, maximum, place, choices, fixed.
 */
static const EasqOption train_options[] = {
	{"epochs", EASQ_OPTION_INT, 5, 1, 100000, OPTION(epochs), NULL, false},
	{"batch_pairs", EASQ_OPTION_INT, 512, 1, 65536, OPTION(batch_pairs), NULL, false},
	{"buffer_rows", EASQ_OPTION_INT, 65536, 16, 100000000, OPTION(buffer_rows), NULL, false},
	{"pairs_per_row", EASQ_OPTION_INT, 1, 1, 64, OPTION(pairs_per_row), NULL, false},
	{"held_share", EASQ_OPTION_REAL, 0.1, 0, 0.4, OPTION(held_share), NULL, false},
	{"respondent", EASQ_OPTION_TEXT, 0, 0, 0, OPTION(respondent), NULL, false},
	EASQ_OPTION_LEARNING_RATE(1e-3, OPTION(learning_rate)),
	EASQ_OPTION_LAMBDA1(NAN, OPTION(lambda1)),
	EASQ_OPTION_LAMBDA2(0.3, OPTION(lambda2)),
	EASQ_OPTION_BETA(NAN, OPTION(beta)),
	EASQ_OPTION_ANCHOR(1, OPTION(anchor)),
	EASQ_OPTION_MAX_GRAD_NORM(NAN, OPTION(max_grad_norm)),
	EASQ_OPTION_ALIGNMENT(-1, OPTION(alignment)),
	EASQ_OPTION_PAIRWISE(-1, OPTION(pairwise)),
	EASQ_OPTION_PAIRS_PER_ANSWER(0, OPTION(pairs_per_answer)),
	{.name = NULL}
};

/* One call. */
typedef struct Training
{
	const char *name;
	const char *query;
	EasqSourceColumns columns;
	TrainOptions options;
	TimestampTz started_at;
	EasqModel  *model;			/* as it was at the start */
	EasqHyper	hyper;
	EasqSpool  *spool;
	EasqHold	hold;
	EasqTrainer *trainer;
	EasqPairSample sample;
	EasqFitResult fit;
} Training;

/* ------------------------------------------------------------ what is asked */

static void
read_arguments(FunctionCallInfo fcinfo, Training *training)
{
	training->name = EasqTextArgument(fcinfo, 0, "model");
	training->query = EasqTextArgument(fcinfo, 1, "query");
	training->columns.label = EasqTextArgument(fcinfo, 2, "label");
	training->columns.group_by = EasqTextArgument(fcinfo, 3, "group_by");
	training->columns.answer = EasqOptionalText(fcinfo, 4);
	EasqOptionTableInit(train_options, &training->options);
	if (!PG_ARGISNULL(5))
		EasqOptionTableApply(train_options, &training->options, PG_GETARG_JSONB_P(5), "easq_train", true);
	if (training->options.respondent && !training->columns.answer)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"respondent\" names column \"%s\", but there are no answers", training->options.respondent),
				 errhint("Name the column of the answers as the argument answer, or leave the option out.")));
	if (training->columns.answer)
		training->columns.respondent = training->options.respondent ?
			training->options.respondent : training->columns.group_by;
}

static EasqHyper
choose_hyper(const EasqHyper *own, const TrainOptions *call)
{
	EasqHyper	hyper = *own;

	hyper.learning_rate = call->learning_rate;
	if (!isnan(call->lambda1))
		hyper.lambda1 = call->lambda1;
	if (!isnan(call->lambda2))
		hyper.lambda2 = call->lambda2;
	if (!isnan(call->beta))
		hyper.beta = call->beta;
	if (!isnan(call->anchor))
		hyper.anchor = call->anchor;
	if (!isnan(call->max_grad_norm))
		hyper.max_grad_norm = call->max_grad_norm;
	if (call->alignment >= 0)
		hyper.alignment = (EasqAlignment) call->alignment;
	if (call->pairwise >= 0)
		hyper.pairwise = (EasqPairwise) call->pairwise;
	return hyper;
}

/* ------------------------------------------------------------ what is read */

static void
check_behaviour(const Training *training, const EasqFacts *facts)
{
	const char *label = training->columns.label;
	const char *group = training->columns.group_by;

	if (facts->rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query returns no rows"),
				 errhint("Training needs rows of two groups at least and with two different labels.")));
	if (facts->groups < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 facts->groups == 0 ?
				 errmsg("column \"%s\" is NULL in all " INT64_FORMAT " rows of the query: they form no group", group, facts->rows) :
				 errmsg("all " INT64_FORMAT " rows of the query that have a group have the same by column \"%s\"", facts->grouped, group),
				 errhint("Name as group_by what rows are ranked within, a user or a session for example. Rows where it is NULL belong to no group.")));
	if (facts->labelled == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("label \"%s\" is NULL in all " INT64_FORMAT " rows of a group", label, facts->grouped),
				 errhint("A label is a boolean, or a number where more is better.")));
	if (facts->label_min == facts->label_max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("label \"%s\" is %g in all " INT64_FORMAT " rows that have one", label, facts->label_min, facts->labelled),
				 errhint("Training compares rows with different labels: let the query return those that were not chosen, too.")));
	if (facts->groups_differing == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("none of the " INT64_FORMAT " groups by column \"%s\" has two different labels", facts->groups, group),
				 errhint("Training compares rows within a group: choose a coarser group_by, or let the query return those that were not chosen, too.")));
}

/* Can the answers teach anything? */
static bool
check_answers(const Training *training, const EasqFacts *facts)
{
	if (training->columns.answer == NULL)
		return false;
	if (facts->answers > 0 && facts->answer_min < facts->answer_max)
		return true;
	ereport(WARNING,
			(errmsg("column \"%s\" has no two different answers in " INT64_FORMAT " rows: training on behaviour alone",
					training->columns.answer, facts->rows),
			 errhint("A pair needs two answers that differ; NULL and 'uncertain' make none.")));
	return false;
}

static void
read_rows(Training *training)
{
	const EasqModel *model = training->model;
	EasqSource *source = EasqSourceOpen(training->query, model->spec, &training->columns);
	const EasqFacts *facts;

	training->spool = EasqSpoolCreate(source, model->spec, (uint64) model->options.seed,
									  training->options.buffer_rows, model->options.replay_answers);
	EasqSourceClose(source);
	facts = EasqSpoolFacts(training->spool);
	check_behaviour(training, facts);
	ereport(NOTICE,
			(errmsg("model \"%s\": " INT64_FORMAT " rows in " INT64_FORMAT " groups, " INT64_FORMAT " answers",
					training->name, facts->rows, facts->groups, facts->answers)));
}

/* Groups for the behaviour budget, where there are enough of them. */
static void
hold_back(Training *training)
{
	const EasqModel *model = training->model;

	if (model->options.behaviour_budget >= 1 || training->options.held_share == 0)
		return;
	EasqHoldBack(&training->hold, training->spool, training->options.held_share, (uint64) model->options.seed);
	if (training->hold.any)
		ereport(NOTICE,
				(errmsg("model \"%s\": %d + %d pairs held back for the behaviour budget", training->name,
						training->hold.sample[EASQ_GATE]->count, training->hold.sample[EASQ_AUDIT]->count)));
	else
		ereport(NOTICE,
				(errmsg("model \"%s\": " INT64_FORMAT " groups with two different labels are too few for a behaviour budget",
						training->name, EasqSpoolFacts(training->spool)->groups_differing),
				 errhint("It needs %d of them, or a larger held_share.", EasqGroupsNeeded(training->options.held_share))));
}

/* ---------------------------------------------------------- what is trained */

static void
train(Training *training)
{
	EasqModel  *model = training->model;
	const EasqFacts *facts = EasqSpoolFacts(training->spool);
	bool		with_answers = check_answers(training, facts);
	EasqFitPlan plan = {
		.model = training->name,
		.seed = (uint64) model->options.seed,
		.epochs = training->options.epochs,
		.batch_pairs = training->options.batch_pairs,
		.pairs_per_row = training->options.pairs_per_row,
	};

	/* Weights that were trained stand on the means that they were trained with. */
	if (!model->backbone.trained)
	{
		model->backbone.mean = facts->mean;
		model->backbone.deviation = facts->deviation;
	}
	if (with_answers)
		plan.pairs_per_answer = training->options.pairs_per_answer ?
			training->options.pairs_per_answer : model->options.pairs_per_answer;
	else
		training->hyper.lambda1 = training->hyper.lambda2 = 0;
	plan.hold = &training->hold;
	plan.alignment = training->hyper.alignment;
	plan.lambda1 = training->hyper.lambda1;
	plan.lambda2 = training->hyper.lambda2;

	training->trainer = EasqTrainerCreate(model, &training->hyper, model->backbone.mean, model->backbone.deviation,
										  plan.batch_pairs);
	EasqSampleInit(&training->sample, model->options.replay_behaviour);
	EasqFit(&plan, training->spool, training->trainer, &training->sample, &training->fit);
	if (!EasqTrainerOpen(training->trainer, EASQ_SATISFACTION))
		ereport(WARNING,
				(errmsg("no row opens a gate of the satisfaction pathway of model \"%s\": it will not learn", training->name),
				 errhint("Roll back, and train with a learning_rate below %g or with answers.", training->hyper.learning_rate)));
}

/* ----------------------------------------------------------- the last write */

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
remember_answers(const Training *training, EasqModel *model, const EasqAnswer *came, int came_count)
{
	int			kept;
	const EasqTrainRow *rows = EasqSpoolAnswers(training->spool, &kept);
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
write_behaviour(Training *training, EasqModel *model)
{
	EasqJudge  *judge = EasqJudgeCreate(model, EasqTrainerEncoding(training->trainer));
	int			count = EasqSampleCount(&training->sample);

	EasqJudgeWeights(judge, EasqTrainerWeights(training->trainer));
	EasqJudgeKept(judge, training->sample.pair, count);
	EasqWriteBehaviour(model, training->sample.pair, count);
}

/*
 * The held pairs under the new weights, and where alignment starts from: what had been spent before stays spent.
 * A model that has not learned behaviour has nothing to lose.
 */
static void
start_budget(Training *training, EasqModel *model)
{
	EasqAlignmentState *state = &model->adapter.alignment;
	EasqJudge  *judge = EasqJudgeCreate(model, EasqTrainerEncoding(training->trainer));
	EasqHeld  **sample = training->hold.sample;
	bool		learned = training->hold.any;

	EasqAlignmentStateStart(state, Min(Max(state->cost, 0), CARRIED_MAX), model->adapter.step);
	/* The logits that it was fitted on are gone. */
	EasqCalibrationInit(&state->calibration);
	EasqJudgeWeights(judge, EasqTrainerWeights(training->trainer));
	for (int i = 0; training->hold.any && i < EASQ_HELD_SAMPLES; i++)
	{
		EasqJudgeTrained(judge, sample[i]);
		learned &= sample[i]->accuracy > EASQ_LEARNED_ACCURACY;
	}
	if (learned)
		EasqJudgeVitalOf(judge, sample[EASQ_GATE], state->vital);
	else if (training->hold.any)
		ereport(NOTICE,
				(errmsg("model \"%s\" orders %.3f and %.3f of the held pairs rightly: too little for a behaviour budget",
						training->name, sample[EASQ_GATE]->accuracy, sample[EASQ_AUDIT]->accuracy)));
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
		EasqWriteHeld(model, (EasqHeldSample) i, learned ? sample[i] : NULL);
}

/* Nobody else writes a backbone while the definition is locked, but restoring may. */
static void
check_same_backbone(const Training *training, const EasqModel *now)
{
	if (memcmp(&now->backbone.id, &training->model->backbone.id, sizeof(pg_uuid_t)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("model \"%s\" was replaced while it was trained", training->name),
				 errhint("Nothing was stored. Run easq_train again.")));
}

static void
write_model(Training *training, EasqModel **written)
{
	EasqTrainer *trainer = training->trainer;
	EasqModel  *model;
	EasqLearner *learner;
	EasqAnswer *came;
	EasqAdam	adam = EasqTrainerAdapter(trainer);
	int			count;

	(void) EasqModelLock(training->name, EASQ_WAIT);
	model = EasqModelRead(training->name, false);
	check_same_backbone(training, model);
	count = EasqAnswersSince(model, training->model->adapter.answers, &came);

	model->backbone.mean = training->model->backbone.mean;
	model->backbone.deviation = training->model->backbone.deviation;
	model->backbone.trained = true;
	model->backbone.step = EasqTrainerSteps(trainer);
	model->adapter.step = adam.step;
	write_behaviour(training, model);
	start_budget(training, model);
	EasqSavedForget(model->name, EASQ_AUDITED);
	EasqSavedWrite(model, EASQ_TRAINED, EasqTrainerWeights(trainer), &adam);
	remember_answers(training, model, came, count);

	learner = EasqLearnerOn(model, EasqTrainerEncoding(trainer), EasqTrainerWeights(trainer), adam);
	if (count > 0)
		EasqLearnAnswers(learner, came, count, "train", false);
	EasqTrainerWriteBackbone(trainer, model);
	EasqWriteAdapter(model, learner->weights, learner->adam.m, learner->adam.v);
	PopActiveSnapshot();
	*written = model;
}

static void
log_training(const Training *training, const EasqModel *written)
{
	const EasqFacts *facts = EasqSpoolFacts(training->spool);
	EasqTrainingRow row = {
		.model = training->name,
		.started_at = training->started_at,
		.backbone_version = written->backbone.version,
		.epochs = training->options.epochs,
		.rows = facts->rows,
		.groups = facts->groups,
		.pairs = training->fit.pairs,
		.answers = facts->answers,
		.loss = training->fit.loss,
		.loss_main = training->fit.loss_main,
		.loss_satisfaction = training->fit.loss_satisfaction,
		.loss_alignment = training->fit.loss_alignment
	};

	EasqLogTraining(&row);
}

/* ---------------------------------------------------------------- the call */

static void
set_loss(Datum *values, bool *nulls, int column, double loss)
{
	values[column] = Float8GetDatum(loss);
	nulls[column] = isnan(loss);
}

static Datum
build_result(FunctionCallInfo fcinfo, const Training *training)
{
	const EasqFacts *facts = EasqSpoolFacts(training->spool);
	TupleDesc	desc;
	Datum		values[9];
	bool		nulls[9] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != lengthof(values))
		elog(ERROR, "easq_train does not return the row that this library makes");
	values[0] = Int32GetDatum(training->options.epochs);
	values[1] = Int64GetDatum(facts->rows);
	values[2] = Int64GetDatum(facts->groups);
	values[3] = Int64GetDatum(training->fit.pairs);
	values[4] = Int64GetDatum(facts->answers);
	set_loss(values, nulls, 5, training->fit.loss);
	set_loss(values, nulls, 6, training->fit.loss_main);
	set_loss(values, nulls, 7, training->fit.loss_satisfaction);
	set_loss(values, nulls, 8, training->fit.loss_alignment);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

Datum
easq_train(PG_FUNCTION_ARGS)
{
	Training	training = {0};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq_train", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EasqModel  *written;
	Datum		result;

	EasqPreventReadOnly("easq_train()");
	training.started_at = GetCurrentTimestamp();
	read_arguments(fcinfo, &training);
	EasqModelCheck(training.name, GetUserId(), EASQ_TO_TEACH);

	/* Whoever waited for another training goes on from what that one wrote. */
	EasqModelLockDefinition(training.name);
	PushActiveSnapshot(GetTransactionSnapshot());
	EasqModelCheck(training.name, GetUserId(), EASQ_TO_TEACH);
	training.model = EasqModelRead(training.name, false);
	training.hyper = choose_hyper(&training.model->options.hyper, &training.options);
	read_rows(&training);
	hold_back(&training);
	train(&training);
	PopActiveSnapshot();

	write_model(&training, &written);
	log_training(&training, written);

	MemoryContextSwitchTo(old);
	result = build_result(fcinfo, &training);
	EasqSpoolFree(training.spool);
	MemoryContextDelete(context);
	return result;
}
