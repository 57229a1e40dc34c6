#include "postgres.h"

#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "feature/floats.h"
#include "learn/learner.h"
#include "store/weight_saved.h"
#include "store/weight.h"

static EasqLearner *
make_learner(void)
{
	EasqLearner *learner = palloc0(sizeof(EasqLearner));

	learner->context = CurrentMemoryContext;
	EasqPinInit(&learner->pin, learner->context);
	return learner;
}

static void
set_start(EasqLearner *learner, EasqModel *model, const EasqEncoding *encoding, float *weights, EasqAdam adam)
{
	size_t		adapter = model->layout.adapter;

	learner->model = model;
	learner->encoding = encoding;
	learner->hyper = model->options.hyper;
	learner->weights = weights;
	learner->adam = adam;
	learner->stored_answers = model->adapter.answers;
	learner->trial = EasqFloats(model->layout.total + 2 * adapter);
	learner->gradient = EasqFloats(model->layout.total);
}

EasqLearner *
EasqLearnerOn(EasqModel *model, const EasqEncoding *encoding, float *weights, EasqAdam adam)
{
	EasqLearner *learner = make_learner();

	set_start(learner, model, encoding, weights, adam);
	return learner;
}

/*
 * The moments that this backend wrote last, by the id of the adapter they belong to: a row of single answers
 * reads none of them back.
 */
static struct
{
	pg_uuid_t	adapter_id;
	size_t		count;			/* of m, and of v behind it; 0: nothing */
	float	   *moments;		/* [2 count] */
}			written;

static void
keep_moments(const EasqModel *model, const EasqAdam *adam)
{
	size_t		count = model->layout.adapter;

	if (written.count != count)
	{
		if (written.moments)
			pfree(written.moments);
		written.count = 0;
		written.moments = NULL;
		if (sizeof(float) * 2 * count > (size_t) easq_cache_size * 1024 / 4)
			return;
		written.moments = MemoryContextAllocHuge(TopMemoryContext, sizeof(float) * 2 * count);
		written.count = count;
	}
	memcpy(written.moments, adam->m, sizeof(float) * count);
	memcpy(written.moments + count, adam->v, sizeof(float) * count);
	written.adapter_id = model->adapter.id;
}

static void
read_moments(const EasqModel *model, EasqAdam *adam)
{
	size_t		count = model->layout.adapter;

	if (written.count == count && memcmp(&written.adapter_id, &model->adapter.id, sizeof(pg_uuid_t)) == 0)
	{
		memcpy(adam->m, written.moments, sizeof(float) * count);
		memcpy(adam->v, written.moments + count, sizeof(float) * count);
	}
	else
		EasqReadMoments(model, EASQ_ADAPTER, adam->m, adam->v);
}

EasqLearner *
EasqLearnerRead(const char *name, Oid role)
{
	const EasqVersion *version;
	EasqModel  *model;
	EasqLearner *learner;
	EasqAdam	adam;
	float	   *weights;
	size_t		adapter;

	learner = make_learner();
	EasqPinSet(&learner->pin, EasqVersionAcquire(name, role, EASQ_TO_TEACH));
	version = learner->pin.version;
	model = palloc(sizeof(EasqModel));
	*model = *version->model;
	EasqModelReadCounters(model);
	adapter = model->layout.adapter;
	weights = EasqFloats(model->layout.total);
	memcpy(weights, version->weights, sizeof(float) * model->layout.total);
	adam.m = EasqFloats(adapter);
	adam.v = EasqFloats(adapter);
	adam.step = model->adapter.step;
	set_start(learner, model, &version->backbone->encoding, weights, adam);
	read_moments(model, &adam);
	if (version->beliefs)
		learner->beliefs = EasqBeliefsCopy(version->beliefs, model->spec);
	return learner;
}

EasqLearner *
EasqLearnerOpen(const char *name, Oid role, EasqLockWait wait)
{
	EasqModelCheck(name, role, EASQ_TO_TEACH);
	return EasqModelLock(name, wait) ? EasqLearnerRead(name, role) : NULL;
}

void
EasqLearnerSave(EasqLearner *learner)
{
	EasqModel  *model = learner->model;
	bool		believed = learner->beliefs && learner->beliefs->changes > 0;

	if (believed)
		EasqBeliefsWrite(model, learner->beliefs, model->adapter.version + 1);
	if (learner->changed)
	{
		EasqWriteAdapter(learner->model, learner->weights, learner->adam.m, learner->adam.v, learner->ranking_changed);
		keep_moments(learner->model, &learner->adam);
		EasqVersionWritten(learner->model, learner->weights, learner->beliefs);
	}
	else if (believed)
	{
		model->adapter.version++;
		EasqWriteCounters(model);
		EasqVersionWritten(model, learner->weights, learner->beliefs);
	}
	else if (learner->counted || learner->model->adapter.answers != learner->stored_answers)
		EasqWriteCounters(learner->model);
	EasqPinSet(&learner->pin, NULL);
	PopActiveSnapshot();
}

struct EasqLearnerMark
{
	EasqModel	model;
	int64		step;
	bool		changed;
	bool		ranking_changed;
	bool		counted;
	EasqBeliefs *beliefs;
	float		adapter[FLEXIBLE_ARRAY_MEMBER]; /* weights, m, v */
};

EasqLearnerMark *
EasqLearnerMarkHere(const EasqLearner *learner)
{
	const EasqLayout *layout = &learner->model->layout;
	size_t		count = layout->adapter;
	EasqLearnerMark *mark = MemoryContextAllocHuge(CurrentMemoryContext,
												   offsetof(EasqLearnerMark, adapter) + sizeof(float) * 3 * count);

	mark->model = *learner->model;
	mark->step = learner->adam.step;
	mark->changed = learner->changed;
	mark->ranking_changed = learner->ranking_changed;
	mark->counted = learner->counted;
	mark->beliefs = learner->beliefs ? EasqBeliefsCopy(learner->beliefs, learner->model->spec) : NULL;
	memcpy(mark->adapter, learner->weights + layout->backbone, sizeof(float) * count);
	memcpy(mark->adapter + count, learner->adam.m, sizeof(float) * count);
	memcpy(mark->adapter + 2 * count, learner->adam.v, sizeof(float) * count);
	return mark;
}

/* Weights have changed in place. */
static void
forget_packed(EasqLearner *learner, const float *weights)
{
	if (learner->judge)
		EasqJudgeForget(learner->judge, weights);
}

void
EasqLearnerGoBack(EasqLearner *learner, const EasqLearnerMark *mark)
{
	const EasqLayout *layout = &mark->model.layout;
	size_t		count = layout->adapter;

	*learner->model = mark->model;
	forget_packed(learner, learner->weights);
	learner->adam.step = mark->step;
	learner->changed = mark->changed;
	learner->ranking_changed = mark->ranking_changed;
	learner->counted = mark->counted;
	if (mark->beliefs)
	{
		MemoryContext old = MemoryContextSwitchTo(learner->context);

		EasqBeliefsFree(learner->beliefs);
		learner->beliefs = EasqBeliefsCopy(mark->beliefs, learner->model->spec);
		MemoryContextSwitchTo(old);
	}
	memcpy(learner->weights + layout->backbone, mark->adapter, sizeof(float) * count);
	memcpy(learner->adam.m, mark->adapter + count, sizeof(float) * count);
	memcpy(learner->adam.v, mark->adapter + 2 * count, sizeof(float) * count);
	/* What it has judged is undone. */
	learner->guard = NULL;
	learner->guard_made = false;
}

void
EasqLearnerMarkFree(EasqLearnerMark *mark)
{
	EasqBeliefsFree(mark->beliefs);
	pfree(mark);
}

static void
reserve_work(EasqLearner *learner, size_t rows)
{
	size_t		needed = EasqGradientWork(&learner->model->layout.shape, rows);

	if (needed <= learner->work_floats)
		return;
	if (learner->work)
		pfree(learner->work);
	learner->work = MemoryContextAllocHuge(learner->context, sizeof(float) * needed);
	learner->work_floats = needed;
}

static const char *
dead_pathway(const EasqLearner *learner, const float *weights, const EasqBatch *batch, int rows)
{
	static const char *const reason[EASQ_PATHWAYS] = {
		"no row of the step would open a gate of the main pathway",
		"no row of the step would open a gate of the satisfaction pathway"
	};

	for (int pathway = 0; pathway < EASQ_PATHWAYS; pathway++)
		if (!EasqGatesAlive(&learner->model->layout, weights, learner->model->options.hyper.alpha,
							pathway, rows, batch->x, learner->work))
			return reason[pathway];
	return NULL;
}

/* The step on trial: weights and optimiser of the learner stay as they are. */
static const char *
try_step(EasqLearner *learner, const EasqBatch *batch, double strength, EasqAdam *adam, EasqMetrics *metrics)
{
	const EasqLayout *layout = &learner->model->layout;
	size_t		adapter = layout->adapter;
	EasqHyper	hyper = learner->hyper;

	reserve_work(learner, 2 * (size_t) (batch->survey + batch->behaviour));
	adam->m = learner->trial + layout->total;
	adam->v = adam->m + adapter;
	adam->step = learner->adam.step;
	memcpy(learner->trial, learner->weights, sizeof(float) * layout->total);
	memcpy(adam->m, learner->adam.m, sizeof(float) * adapter);
	memcpy(adam->v, learner->adam.v, sizeof(float) * adapter);
	forget_packed(learner, learner->trial);
	hyper.lambda2 *= strength;
	if (!EasqOnlineStep(layout, learner->trial, adam, &hyper, batch, metrics, learner->gradient, learner->work))
		return "the step would store a number that is not finite";
	return NULL;
}

static void
take_over(EasqLearner *learner, const EasqAdam *adam)
{
	const EasqLayout *layout = &learner->model->layout;
	size_t		bytes = sizeof(float) * layout->adapter;
	size_t		ranking = sizeof(float) * layout->ranking;

	if (memcmp(learner->weights + layout->backbone, learner->trial + layout->backbone, ranking) != 0 ||
		memcmp(learner->adam.m, adam->m, ranking) != 0 || memcmp(learner->adam.v, adam->v, ranking) != 0)
		learner->ranking_changed = true;
	memcpy(learner->weights + layout->backbone, learner->trial + layout->backbone, bytes);
	if (learner->judge)
		EasqJudgeCopied(learner->judge, learner->trial, learner->weights);
	memcpy(learner->adam.m, adam->m, bytes);
	memcpy(learner->adam.v, adam->v, bytes);
	learner->adam.step = adam->step;
	learner->model->adapter.step = adam->step;
	learner->changed = true;
}

/* How far the mean satisfaction logit of the rows that the step scored has risen since. */
static double
satisfaction_rise(EasqLearner *learner, const EasqBatch *batch, const EasqMetrics *metrics)
{
	return EasqJudgeLevel(EasqLearnerJudge(learner), EASQ_SATISFACTION, (size_t) metrics->satisfaction_rows, batch->x) -
		metrics->satisfaction_level;
}

const char *
EasqLearnerStep(EasqLearner *learner, const EasqBatch *batch, EasqStepOutcome *outcome)
{
	EasqAdam	adam;
	const char *reason;

	memset(outcome, 0, sizeof(*outcome));
	outcome->strength = 1;
	reason = try_step(learner, batch, 1, &adam, &outcome->metrics);
	if (reason)
		return reason;
	take_over(learner, &adam);
	outcome->rise = satisfaction_rise(learner, batch, &outcome->metrics);
	return NULL;
}

EasqJudge *
EasqLearnerJudge(EasqLearner *learner)
{
	if (learner->judge == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(learner->context);

		learner->judge = EasqJudgeCreate(learner->model, learner->encoding);
		MemoryContextSwitchTo(old);
	}
	EasqJudgeWeights(learner->judge, learner->weights);
	return learner->judge;
}

/* On training's weights the samples are those that training has just stored. */
const EasqHeld *
EasqLearnerGate(EasqLearner *learner)
{
	if (!learner->gate_read)
	{
		MemoryContext old = MemoryContextSwitchTo(learner->context);

		learner->gate = learner->pin.version ? EasqVersionGate(learner->pin.version) : EasqReadHeld(learner->model, EASQ_GATE);
		learner->gate_read = true;
		MemoryContextSwitchTo(old);
	}
	return learner->gate;
}

static EasqGuard *
guard_of(EasqLearner *learner)
{
	if (!learner->guard_made)
	{
		EasqJudge  *judge = EasqLearnerJudge(learner);
		MemoryContext old = MemoryContextSwitchTo(learner->context);

		learner->guard = EasqGuardCreate(learner->model, judge, EasqLearnerGate(learner));
		learner->guard_made = true;
		MemoryContextSwitchTo(old);
	}
	return learner->guard;
}

bool
EasqLearnerAuditNear(EasqLearner *learner, int64 steps)
{
	return guard_of(learner) != NULL &&
		learner->model->adapter.step + steps >= learner->model->adapter.alignment.audited_step + EASQ_AUDIT_STEPS;
}

const char *
EasqLearnerGuardedStep(EasqLearner *learner, const EasqBatch *batch, EasqStepOutcome *outcome)
{
	EasqModel  *model = learner->model;
	EasqGuard  *guard = guard_of(learner);
	EasqAlignmentState before = model->adapter.alignment;
	EasqAdam	adam;
	double		strength;
	bool		moved;
	const char *reason;

	memset(outcome, 0, sizeof(*outcome));
	outcome->guarded = guard != NULL;
	strength = guard ? EasqGuardStrength(guard) : 1;
	outcome->strength = strength;
	reason = try_step(learner, batch, strength, &adam, &outcome->metrics);
	if (reason == NULL)
		reason = dead_pathway(learner, learner->trial, batch, 2 * (batch->survey + batch->behaviour));
	if (reason == NULL && guard)
		reason = EasqGuardTry(guard, learner->weights, &learner->adam, learner->trial, &adam, &outcome->strength);
	outcome->cut = outcome->strength < strength;
	outcome->strength = Max(outcome->strength, 0);
	moved = reason == NULL;
	if (moved)
		take_over(learner, &adam);
	else
	{
		/* The momentum that led there would lead the next step there too. */
		bool		rests = guard && EasqGuardRankingRests(guard);
		size_t		start = rests ? model->layout.ranking : 0;

		memset(learner->adam.m + start, 0, sizeof(float) * (model->layout.adapter - start));
		learner->changed = true;
		learner->ranking_changed |= !rests;
	}
	if (guard)
	{
		EasqGuardJudge(guard, learner->weights, reason != NULL);
		if (EasqGuardAudit(guard, learner->weights, &learner->adam, reason != NULL))
			moved = learner->ranking_changed = true;
		outcome->judged = model->adapter.alignment.judged_step != before.judged_step;
		outcome->audited = model->adapter.alignment.audited_step != before.audited_step;
	}
	if (moved)
		outcome->rise = satisfaction_rise(learner, batch, &outcome->metrics);
	return reason;
}

void
EasqLearnerExempt(EasqLearner *learner)
{
	if (guard_of(learner))
		EasqSavedWrite(learner->model, EASQ_AUDITED, learner->weights, &learner->adam, NULL);
}

bool
EasqLearnerReset(EasqLearner *learner)
{
	EasqAlignmentState *state = &learner->model->adapter.alignment;

	forget_packed(learner, learner->weights);
	if (!EasqSavedRead(learner->model, EASQ_TRAINED, learner->weights, &learner->adam, state))
		return false;
	EasqSavedForget(learner->model, EASQ_AUDITED);
	EasqAlignmentStateStart(state, 0, learner->adam.step);
	if (learner->beliefs)
	{
		EasqBeliefsFree(learner->beliefs);
		learner->beliefs = EasqSavedBeliefs(learner->model, EASQ_TRAINED);
		EasqBeliefsReplace(learner->model, learner->beliefs);
	}
	learner->model->adapter.step = learner->adam.step;
	learner->changed = learner->ranking_changed = true;
	return true;
}
