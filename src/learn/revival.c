#include "postgres.h"

#include "utils/memutils.h"

#include "core/scorer.h"
#include "feature/floats.h"
#include "learn/revival.h"
#include "store/log.h"

/*
 * Of the spread that a new pathway gives the same rows.  Where answers tell nothing scores become alike too, but not
 * the same: those of half of the rows are the same where no gate opens for them.
 */
#define DEAD 1e-3
#define DEAD_IF_REFUSED 1e-2

/* Of the satisfaction pathway's logits over the first rows of a batch. */
static double
spread_of(const EasqLearner *learner, const float *weights, const EasqBatch *batch)
{
	const EasqLayout *layout = &learner->model->layout;
	int			rows = Min(2 * (batch->survey + batch->behaviour), EASQ_VITAL_ROWS);
	float		logit[EASQ_VITAL_ROWS];
	EasqScorer	scorer;

	EasqScorerPack(&scorer, layout, weights, (float) learner->model->options.hyper.alpha, EasqFloats(EasqScorerFloats(layout)));
	EasqLogitRows(&scorer, EASQ_SATISFACTION, rows, batch->x, NULL, logit, EasqFloats(EasqScoreWork(&layout->shape, rows)));
	return EasqTakeVital(rows, logit).spread;
}

/* The weights with satisfaction experts of a new model. */
static float *
newborn_weights(const EasqLearner *learner, Size from)
{
	const EasqLayout *layout = &learner->model->layout;
	float	   *weights = EasqFloats(layout->total);

	EasqInitWeights(layout, (uint64) learner->model->options.seed, weights);
	memcpy(weights, learner->weights, sizeof(float) * from);
	return weights;
}

static void
log_revival(const EasqModel *model)
{
	EasqStepRow row = {
		.model = model->name, .source = "revival", .status = "restarted",
		.reason = "the satisfaction pathway scored all rows alike",
		.adapter_version = model->adapter.version + 1
	};

	EasqLogStep(&row);
}

bool
EasqReviveSatisfaction(EasqLearner *learner, const EasqBatch *batch, bool refused)
{
	const EasqLayout *layout = &learner->model->layout;
	Size		from = layout->backbone + layout->ranking;
	Size		count = layout->total - from;
	MemoryContext context;
	MemoryContext old;
	float	   *newborn;
	bool		dead;

	if (!refused && learner->model->adapter.step % EASQ_GATE_STEPS != 0)
		return false;
	context = AllocSetContextCreate(CurrentMemoryContext, "easq revival", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	newborn = newborn_weights(learner, from);
	dead = spread_of(learner, learner->weights, batch) <
		(refused ? DEAD_IF_REFUSED : DEAD) * spread_of(learner, newborn, batch);
	if (dead)
	{
		memcpy(learner->weights + from, newborn + from, sizeof(float) * count);
		memset(learner->adam.m + (from - layout->backbone), 0, sizeof(float) * count);
		memset(learner->adam.v + (from - layout->backbone), 0, sizeof(float) * count);
		learner->changed = true;
		EasqJudgeForget(EasqLearnerJudge(learner), learner->weights);
		log_revival(learner->model);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return dead;
}
