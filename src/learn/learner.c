#include "postgres.h"

#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "learn/learner.h"
#include "store/tensor.h"

static float *
floats(size_t count)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * Max(count, (size_t) 1));
}

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
	size_t		adapter = model->layout.total - model->layout.backbone;

	learner->model = model;
	learner->encoding = encoding;
	learner->hyper = model->options.hyper;
	learner->weights = weights;
	learner->adam = adam;
	learner->stored_answers = model->answers;
	learner->trial = floats(model->layout.total + 2 * adapter);
	learner->gradient = floats(model->layout.total);
}

EasqLearner *
EasqLearnerOn(EasqModel *model, const EasqEncoding *encoding, float *weights, EasqAdam adam)
{
	EasqLearner *learner = make_learner();

	set_start(learner, model, encoding, weights, adam);
	return learner;
}

EasqLearner *
EasqLearnerOpen(const char *name, Oid role, EasqLockWait wait)
{
	const EasqVersion *version;
	EasqModel  *model;
	EasqLearner *learner;
	EasqAdam	adam;
	float	   *weights;
	size_t		adapter;

	EasqModelCheckTeacher(name, role);
	if (!EasqModelLock(name, wait))
		return NULL;

	learner = make_learner();
	EasqPinSet(&learner->pin, EasqVersionAcquire(name, role, EASQ_TO_TEACH));
	version = learner->pin.version;
	model = palloc(sizeof(EasqModel));
	*model = *version->model;
	EasqModelReadCounters(model);
	adapter = model->layout.total - model->layout.backbone;
	weights = floats(model->layout.total);
	memcpy(weights, version->weights, sizeof(float) * model->layout.total);
	adam.m = floats(adapter);
	adam.v = floats(adapter);
	adam.step = model->adapter_step;
	set_start(learner, model, &version->backbone->encoding, weights, adam);
	EasqReadMoments(model, EASQ_ADAPTER, adam.m, adam.v);
	return learner;
}

void
EasqLearnerSave(EasqLearner *learner)
{
	if (learner->changed)
		EasqWriteAdapter(learner->model, learner->weights, learner->adam.m, learner->adam.v);
	else if (learner->counted || learner->model->answers != learner->stored_answers)
		EasqWriteCounters(learner->model);
	EasqPinSet(&learner->pin, NULL);
	PopActiveSnapshot();
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

const char *
EasqLearnerStep(EasqLearner *learner, const EasqBatch *batch, bool guard, EasqMetrics *metrics)
{
	const EasqLayout *layout = &learner->model->layout;
	size_t		adapter = layout->total - layout->backbone;
	int			rows = 2 * (batch->survey + batch->behaviour);
	float	   *weights = learner->trial;
	EasqAdam	adam = {weights + layout->total, weights + layout->total + adapter, learner->adam.step};
	const char *reason = NULL;

	reserve_work(learner, rows);
	memcpy(weights, learner->weights, sizeof(float) * layout->total);
	memcpy(adam.m, learner->adam.m, sizeof(float) * adapter);
	memcpy(adam.v, learner->adam.v, sizeof(float) * adapter);
	if (!EasqOnlineStep(layout, weights, &adam, &learner->hyper, batch, metrics,
						learner->gradient, learner->work))
		return "the step would store a number that is not finite";
	if (guard)
		reason = dead_pathway(learner, weights, batch, rows);
	if (reason)
		return reason;

	memcpy(learner->weights + layout->backbone, weights + layout->backbone, sizeof(float) * adapter);
	memcpy(learner->adam.m, adam.m, sizeof(float) * adapter);
	memcpy(learner->adam.v, adam.v, sizeof(float) * adapter);
	learner->adam.step = adam.step;
	learner->model->adapter_step = adam.step;
	learner->changed = true;
	return NULL;
}
