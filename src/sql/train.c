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
#include "store/log.h"
#include "store/belief.h"
#include "train/believe.h"
#include "train/fit.h"
#include "train/level.h"
#include "train/prior.h"
#include "train/publish.h"

PG_FUNCTION_INFO_V1(easq_train);

typedef struct TrainOptions
{
	int			epochs;			/* 0 where not given */
	bool		early_stopping;
	bool		level;
	int			patience;
	int			batch_pairs;
	int			buffer_rows;
	int			pairs_per_row;
	double		held_share;
	char	   *respondent;
	double		learning_rate;
	EasqTrainHyper hyper;
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

#define OPTION(field) offsetof(TrainOptions, field)

/*
 * The model's lambda2 and anchor are for steps that see few answers at a time.  A training that sees many of them
 * with lambda2 1 and anchor 0 lets all main scores drift to 0, where behaviour's loss on scores is flat: on KuaiRand
 * it ended at log 2, that of a constant; with these two at 0.60.
 * name, type, default, minimum, maximum, place, choices, fixed.
 */
static const EasqOption train_options[] = {
	{"epochs", EASQ_OPTION_INT, 0, 1, 100000, OPTION(epochs), NULL, false},
	{"early_stopping", EASQ_OPTION_BOOL, true, 0, 0, OPTION(early_stopping), NULL, false},
	{"level", EASQ_OPTION_BOOL, true, 0, 0, OPTION(level), NULL, false},
	{"patience", EASQ_OPTION_INT, 3, 1, 100000, OPTION(patience), NULL, false},
	{"batch_pairs", EASQ_OPTION_INT, 512, 1, 65536, OPTION(batch_pairs), NULL, false},
	{"buffer_rows", EASQ_OPTION_INT, 65536, 16, 100000000, OPTION(buffer_rows), NULL, false},
	{"pairs_per_row", EASQ_OPTION_INT, 1, 1, 64, OPTION(pairs_per_row), NULL, false},
	{"held_share", EASQ_OPTION_REAL, 0.05, 0, 0.4, OPTION(held_share), NULL, false},
	{"respondent", EASQ_OPTION_TEXT, 0, 0, 0, OPTION(respondent), NULL, false},
	EASQ_OPTION_LEARNING_RATE(1e-3, OPTION(learning_rate)),
	{"factor_rate", EASQ_OPTION_REAL, 0.01, 1e-9, 10, OPTION(hyper.factor_rate), NULL, false},
	{"factor_decay", EASQ_OPTION_REAL, 0.01, 0, 1e3, OPTION(hyper.factor_decay), NULL, false},
	{"value_dropout", EASQ_OPTION_REAL, 0.05, 0, 0.5, OPTION(hyper.value_dropout), NULL, false},
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

/* Epochs where the call names none: most that held pairs choose one of, or all where there are no such pairs. */
#define EPOCHS_MOST 40
#define EPOCHS_FIXED 8

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
	EasqSingleFeature popularity;	/* beside the model, on held pairs */
	EasqSingleFeature other;
	double		main_mean;		/* of main's logits */
	double		main_deviation;
	EasqBeliefs *beliefs;		/* NULL: the model has none, or the training has no answers */
	EasqSurprise surprise;		/* of these answers */
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
				 errmsg("option \"respondent\" names column \"%s\", but there are no answers",
						EasqClipText(training->options.respondent, EASQ_QUOTED)),
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

/* For early stopping and the behaviour budget, where there is enough of it. */
static void
hold_back(Training *training)
{
	const EasqModel *model = training->model;

	if (training->options.held_share == 0 ||
		(model->options.behaviour_budget >= 1 && !training->options.early_stopping))
		return;
	EasqHoldBack(&training->hold, training->spool, training->options.held_share, (uint64) model->options.seed);
	if (training->hold.any)
		ereport(NOTICE,
				(errmsg("model \"%s\": %d + %d pairs held back", training->name,
						training->hold.sample[EASQ_GATE]->count, training->hold.sample[EASQ_AUDIT]->count)));
	else
		ereport(NOTICE,
				(errmsg("model \"%s\": " INT64_FORMAT " groups with two different labels are too few for early stopping and a behaviour budget",
						training->name, EasqSpoolFacts(training->spool)->groups_differing),
				 errhint("It needs " INT64_FORMAT " of them, fewer where they have many rows of either label, or a larger held_share.", EasqGroupsNeeded(training->options.held_share))));
}

/* ---------------------------------------------------------- what is trained */

static char *
describe_feature(const char *what, const EasqSingleFeature *single)
{
	return single->feature ? psprintf(", %s \"%s\" %.4f", what, single->feature, single->accuracy) : "";
}

/* The model beside what needs no model. */
static void
compare(const Training *training)
{
	double		accuracy = training->fit.held.accuracy;
	bool		below = accuracy < training->popularity.accuracy || accuracy < training->other.accuracy;

	ereport(NOTICE,
			(errmsg("model \"%s\": held pairs in the right order: model %.4f%s%s", training->name, accuracy,
					describe_feature("most popular by", &training->popularity),
					describe_feature("best single feature", &training->other)),
			 below ? errhint("A GROUP BY orders rows better than this model: give it features that tell more, or other epochs, patience and learning_rate.") : 0));
}

/* The first training fixes them. */
static void
choose_priors(EasqModel *model, const EasqFacts *facts)
{
	for (int i = 0; i < model->spec->count; i++)
		if (model->backbone.priors.variance[i] > 0)
			return;
	EasqPriorsChoose(facts->priors, &model->backbone.priors);
}

/* Answers as counts, beside what the pathways have learned of them. */
static void
believe(Training *training, bool with_answers)
{
	const EasqModel *model = training->model;

	if (!EasqModelBelieves(model))
		return;
	EasqMeasureMain(training->trainer, model, &training->hold, &training->sample,
					&training->main_mean, &training->main_deviation);
	if (with_answers)
		training->beliefs = EasqTrainBeliefs(training->trainer, model, training->spool,
											 training->main_mean, training->main_deviation, &training->surprise);
}

static void
fit(Training *training, const EasqFitPlan *plan)
{
	const EasqModel *model = training->model;
	const EasqEncoding *encoding = EasqTrainerEncoding(training->trainer);
	EasqValidation *validation = EasqValidationCreate(&training->hold);
	EasqBaseline *baseline = validation ? EasqBaselineCreate(model->spec, encoding) : NULL;

	EasqSampleInit(&training->sample, model->options.replay_behaviour);
	EasqFit(plan, training->spool, training->trainer, EasqJudgeCreate(model, encoding), validation,
			&training->sample, baseline, &training->fit);
	if (validation)
	{
		EasqBaselineJudge(baseline, validation, &training->popularity, &training->other);
		compare(training);
	}
}

static void
train(Training *training)
{
	EasqModel  *model = training->model;
	const EasqFacts *facts = EasqSpoolFacts(training->spool);
	bool		with_answers = check_answers(training, facts);
	EasqFitPlan plan = {
		.model = training->name,
		.seed = (uint64) model->options.seed,
		.patience = training->hold.any && training->options.early_stopping ? training->options.patience : 0,
		.batch_pairs = training->options.batch_pairs,
		.pairs_per_row = training->options.pairs_per_row,
	};

	/* Weights that were trained stand on the means that they were trained with. */
	if (model->backbone.trained)
		EasqFactsRenew(facts, model->backbone.mean, model->backbone.deviation);
	else
	{
		model->backbone.mean = facts->mean;
		model->backbone.deviation = facts->deviation;
	}
	choose_priors(model, facts);
	if (with_answers)
		plan.pairs_per_answer = training->options.pairs_per_answer ?
			training->options.pairs_per_answer : model->options.pairs_per_answer;
	else
		training->hyper.lambda1 = training->hyper.lambda2 = 0;
	plan.epochs = training->options.epochs ? training->options.epochs : plan.patience ? EPOCHS_MOST : EPOCHS_FIXED;
	plan.alignment = training->hyper.alignment;
	plan.lambda1 = training->hyper.lambda1;
	plan.lambda2 = training->hyper.lambda2;

	training->trainer = EasqTrainerCreate(model, &training->hyper, &training->options.hyper, model->backbone.mean, model->backbone.deviation,
										  plan.batch_pairs);
	fit(training, &plan);
	if (training->options.level)
		EasqLevelGroups(training->trainer, model, training->spool, EasqPriorsAsked(facts->priors));
	believe(training, with_answers);
	if (!EasqTrainerOpen(training->trainer, EASQ_SATISFACTION))
		ereport(WARNING,
				(errmsg("no row opens a gate of the satisfaction pathway of model \"%s\": it will not learn", training->name),
				 errhint("Roll back, and train with a learning_rate below %g or with answers.", training->hyper.learning_rate)));
}

/* ----------------------------------------------------------- what is told */

static void
log_training(const Training *training, const EasqModel *written)
{
	const EasqFacts *facts = EasqSpoolFacts(training->spool);
	EasqTrainingRow row = {
		.model = training->name,
		.started_at = training->started_at,
		.backbone_version = written->backbone.version,
		.epochs = training->fit.epoch,
		.epochs_run = training->fit.epochs_run,
		.rows = facts->rows,
		.groups = facts->groups,
		.pairs = training->fit.pairs,
		.answers = facts->answers,
		.loss = training->fit.loss,
		.loss_main = training->fit.loss_main,
		.loss_satisfaction = training->fit.loss_satisfaction,
		.loss_alignment = training->fit.loss_alignment,
		.accuracy = training->fit.held.accuracy,
		.popularity_feature = training->popularity.feature,
		.popularity_accuracy = training->popularity.accuracy,
		.single_feature = training->other.feature,
		.single_feature_accuracy = training->other.accuracy
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
	values[0] = Int32GetDatum(training->fit.epoch);
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

	written = EasqPublish(&(EasqTrained) {
		.model = training.model, .spool = training.spool, .hold = &training.hold,
		.trainer = training.trainer, .sample = &training.sample,
		.main_mean = training.main_mean, .main_deviation = training.main_deviation, .beliefs = training.beliefs,
		.surprise = training.surprise
	});
	log_training(&training, written);

	MemoryContextSwitchTo(old);
	result = build_result(fcinfo, &training);
	EasqSpoolFree(training.spool);
	MemoryContextDelete(context);
	return result;
}
