#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "portability/instr_time.h"

#include "train/fit.h"
#include "train/stopping.h"

/* A batch that has pairs of answers has about so many at least: a step on one or two is mostly noise. */
#define ANSWER_PAIRS_MIN 8

/* No better than chance: a loss near log 2, after more than a few steps. */
#define CHANCE_LOSS 0.68
#define CHANCE_STEPS 100

/* Draws of an epoch beside those of its chunks, which have the chunk's number. */
#define STREAM_ORDER (UINT64CONST(1) << 32)
#define STREAM_SAMPLE (UINT64CONST(2) << 32)

typedef struct Fit
{
	const EasqFitPlan *plan;
	EasqSpool  *spool;
	EasqTrainer *trainer;
	EasqJudge  *judge;
	EasqValidation *validation; /* NULL: nothing is held back */
	EasqPairList behaviour;
	EasqPairList answers;
	int		   *order;			/* [chunks] */
} Fit;

/* Sums over an epoch: of losses, each times the pairs that it is a mean of. */
typedef struct Sums
{
	int64		behaviour;
	int64		answers;
	int64		aligned;
	double		main;
	double		satisfaction;
	double		alignment;
} Sums;

static void
add_metrics(Sums *sums, const EasqMetrics *metrics, EasqAlignment alignment, int behaviour, int answers)
{
	int			aligned = EasqAlignedPairs(alignment, answers, behaviour);

	sums->behaviour += behaviour;
	sums->answers += answers;
	sums->aligned += aligned;
	sums->main += behaviour * metrics->loss_main;
	sums->satisfaction += answers * metrics->loss_satisfaction;
	sums->alignment += aligned * metrics->loss_alignment;
}

/* Part i of n when count is dealt out evenly: from its start to the start of part i + 1. */
static Size
deal(Size count, Size i, Size n)
{
	return count * i / n;
}

static void
fit_batches(Fit *fit, const EasqTrainRow *rows, Sums *sums)
{
	Size		behaviour = fit->behaviour.count;
	Size		answers = fit->answers.count;
	Size		size = fit->plan->batch_pairs;
	Size		batches = (Max(behaviour, answers) + size - 1) / size;
	Size		least = Min(ANSWER_PAIRS_MIN, size);
	Size		carriers = Min(batches, (answers + least - 1) / least);	/* batches with answers */

	for (Size i = 0; i < batches; i++)
	{
		Size		start = deal(behaviour, i, batches);
		int			n = (int) (deal(behaviour, i + 1, batches) - start);
		Size		carrier = deal(carriers, i, batches);
		Size		answer_start = 0;
		int			answer_n = 0;
		EasqMetrics metrics;

		CHECK_FOR_INTERRUPTS();
		if (deal(carriers, i + 1, batches) > carrier)
		{
			answer_start = deal(answers, carrier, carriers);
			answer_n = (int) (deal(answers, carrier + 1, carriers) - answer_start);
		}
		if (n + answer_n == 0)
			continue;
		EasqTrainerStep(fit->trainer, rows, fit->answers.pair + answer_start, answer_n,
						fit->behaviour.pair + start, n, &metrics);
		add_metrics(sums, &metrics, fit->plan->alignment, n, answer_n);
	}
}

/* The behaviour pairs of a chunk in the epoch that has this seed. */
static const EasqTrainRow *
draw_behaviour(Fit *fit, int chunk, uint64 seed, EasqRandom *random, int *count)
{
	const EasqTrainRow *rows = EasqSpoolRead(fit->spool, chunk, count);

	random->state = EasqMix(seed, (uint64) chunk);
	fit->behaviour.count = 0;
	EasqPairBehaviour(&fit->behaviour, rows, 0, *count, fit->plan->pairs_per_row, random);
	return rows;
}

static void
fit_chunk(Fit *fit, int chunk, uint64 seed, Sums *sums)
{
	const EasqFitPlan *plan = fit->plan;
	EasqRandom	random;
	int			count;
	int			sampled;
	const EasqTrainRow *rows = draw_behaviour(fit, chunk, seed, &random, &count);

	(void) EasqSpoolAnswers(fit->spool, &sampled);
	fit->answers.count = 0;
	EasqShufflePairs(&fit->behaviour, &random);
	if (plan->pairs_per_answer > 0)
	{
		EasqPairAnswers(&fit->answers, rows, count, sampled, plan->pairs_per_answer, &random);
		EasqShufflePairs(&fit->answers, &random);
	}
	fit_batches(fit, rows, sums);
}

static void
shuffle_chunks(Fit *fit, int chunks, uint64 seed)
{
	EasqRandom	random = {EasqMix(seed, STREAM_ORDER)};

	for (int i = 0; i < chunks; i++)
	{
		int			j = (int) EasqBelow(&random, (uint64) i + 1);

		fit->order[i] = fit->order[j];
		fit->order[j] = i;
	}
}

static void
finish_epoch(const EasqFitPlan *plan, const Sums *sums, EasqFitResult *result)
{
	result->pairs = sums->behaviour + sums->answers;
	result->loss_main = sums->behaviour ? sums->main / sums->behaviour : NAN;
	result->loss_satisfaction = sums->answers ? sums->satisfaction / sums->answers : NAN;
	result->loss_alignment = plan->pairs_per_answer && sums->aligned ? sums->alignment / sums->aligned : NAN;
	result->loss = (sums->behaviour ? result->loss_main : 0) +
		(isnan(result->loss_satisfaction) ? 0 : plan->lambda1 * result->loss_satisfaction) +
		(isnan(result->loss_alignment) ? 0 : plan->lambda2 * result->loss_alignment);
}

static void
report_epoch(const Fit *fit, int epoch, const EasqFitResult *result, double seconds)
{
	double		rows = (double) EasqSpoolFacts(fit->spool)->rows;
	char	   *losses = isnan(result->loss_satisfaction) ? "" :
		psprintf(" (main %.4f, satisfaction %.4f, alignment %.4f)", result->loss_main, result->loss_satisfaction,
				 isnan(result->loss_alignment) ? 0 : result->loss_alignment);
	char	   *accuracy = isnan(result->held.accuracy) ? "" : psprintf(", held pairs %.4f", result->held.accuracy);

	ereport(NOTICE,
			(errmsg("model \"%s\": epoch %d/%d, %.0f rows a second, loss %.4f%s%s",
					fit->plan->model, epoch, fit->plan->epochs, rows / seconds, result->loss, losses, accuracy)));
}

/* The alignment can pull the main pathway so far that it ranks behaviour no better than a constant. */
static void
warn_of_lost_behaviour(const EasqFitPlan *plan, int64 steps, double loss)
{
	if (!(loss > CHANCE_LOSS) || steps < CHANCE_STEPS)
		return;
	ereport(WARNING,
			(errmsg("after " INT64_FORMAT " steps model \"%s\" ranks behaviour no better than a constant: loss_main is %.4f, that of a constant %.4f",
					steps, plan->model, loss, log(2)),
			 errhint("Roll back, and train with lambda2 below %g or anchor above 0; look whether the features tell anything about the label.",
					 plan->lambda2)));
}

static void
fit_epoch(Fit *fit, int epoch, EasqFitResult *result)
{
	uint64		seed = EasqMix(fit->plan->seed, (uint64) EasqTrainerSteps(fit->trainer));
	int			chunks = EasqSpoolChunks(fit->spool);
	Sums		sums = {0};
	instr_time	start;
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(start);
	shuffle_chunks(fit, chunks, seed);
	for (int i = 0; i < chunks; i++)
		fit_chunk(fit, fit->order[i], seed, &sums);
	EasqTrainerSettle(fit->trainer);
	EasqTrainerCentre(fit->trainer);
	EasqTrainerCheck(fit->trainer);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	result->epoch = result->epochs_run = epoch;
	result->seed = seed;
	finish_epoch(fit->plan, &sums, result);
	result->held = (EasqValidated) {NAN, NAN};
	if (fit->validation)
	{
		EasqJudgeForget(fit->judge, EasqTrainerWeights(fit->trainer));
		EasqJudgeWeights(fit->judge, EasqTrainerWeights(fit->trainer));
		result->held = EasqValidate(fit->validation, fit->judge);
	}
	report_epoch(fit, epoch, result, INSTR_TIME_GET_DOUBLE(duration));
}

/* Epochs until held pairs say that it is enough; the trainer goes back to the best. */
static void
fit_until_best(Fit *fit, EasqFitResult *best)
{
	EasqStopping *stopping = EasqStoppingCreate(fit->trainer, fit->plan->patience);

	for (int epoch = 1; epoch <= fit->plan->epochs && !EasqStoppingIsDue(stopping); epoch++)
	{
		EasqFitResult result;

		fit_epoch(fit, epoch, &result);
		if (EasqStoppingKeep(stopping, result.held.soft_accuracy))
			*best = result;
		best->epochs_run = epoch;
	}
	EasqStoppingEnd(stopping);
}

/* Draws the pairs of an epoch once more. */
static void
tell_pairs(Fit *fit, uint64 seed, EasqPairSample *sample, EasqBaseline *baseline)
{
	int			chunks = EasqSpoolChunks(fit->spool);

	sample->reservoir.random.state = EasqMix(seed, STREAM_SAMPLE);
	shuffle_chunks(fit, chunks, seed);
	for (int i = 0; i < chunks; i++)
	{
		EasqRandom	random;
		int			count;
		const EasqTrainRow *rows = draw_behaviour(fit, fit->order[i], seed, &random, &count);

		EasqSamplePairs(sample, &fit->behaviour, rows);
		if (baseline)
			EasqBaselineCount(baseline, &fit->behaviour, rows);
	}
}

void
EasqFit(const EasqFitPlan *plan, EasqSpool *spool, EasqTrainer *trainer, EasqJudge *judge, EasqValidation *validation,
		EasqPairSample *sample, EasqBaseline *baseline, EasqFitResult *result)
{
	Fit			fit = {.plan = plan, .spool = spool, .trainer = trainer, .judge = judge, .validation = validation};
	int64		steps = EasqTrainerSteps(trainer);

	EasqPairsInit(&fit.behaviour);
	EasqPairsInit(&fit.answers);
	fit.order = palloc(sizeof(int) * EasqSpoolChunks(spool));
	if (validation && plan->patience > 0)
		fit_until_best(&fit, result);
	else
		for (int epoch = 1; epoch <= plan->epochs; epoch++)
			fit_epoch(&fit, epoch, result);
	tell_pairs(&fit, result->seed, sample, baseline);
	if (plan->pairs_per_answer > 0)
		warn_of_lost_behaviour(plan, EasqTrainerSteps(trainer) - steps, result->loss_main);
	pfree(fit.order);
	pfree(fit.behaviour.pair);
	pfree(fit.answers.pair);
}
