#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "learn/answers.h"
#include "learn/attempt.h"
#include "learn/order.h"
#include "learn/queued.h"
#include "learn/skipped.h"
#include "store/answer_queue.h"

/* Answers of the queue, as EasqAttempt takes them. */
typedef struct Queued
{
	EasqLearner *learner;
	const EasqAnswer *answers;
	int			count;
	int			learned;
} Queued;

static void
learn_some(void *argument)
{
	Queued	   *queued = argument;
	Size		bytes = sizeof(EasqAnswer) * (Size) queued->count;
	/* Learning marks what it is given, and it may be given these again. */
	EasqAnswer *answers = memcpy(palloc(bytes), queued->answers, bytes);
	EasqSkipped skipped;

	EasqSkippedInit(&skipped);
	queued->learned = EasqLearnPortion(queued->learner, answers, queued->count, "queue", &skipped, false);
	EasqTrimAnswers(queued->learner->model);
	EasqLogSkipped(&skipped, queued->learner->model->name, "queue", EASQ_NOBODY);
}

/*
 * Whoever answers next is not to fail by what others left, time and again: where the answers cannot be learned, their
 * halves are tried, down to the single one that is left out.
 */
static int64
learn_but_bad(EasqLearner *learner, const EasqAnswer *answers, int count)
{
	Queued		queued = {learner, answers, count, 0};
	EasqLearnerMark *mark = EasqLearnerMarkHere(learner);
	/* What an attempt leaves behind goes before the next. */
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq attempt", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ErrorData  *error = EasqAttempt(learn_some, &queued, false);
	bool		failed = error != NULL;

	MemoryContextSwitchTo(old);
	learner->model->memory = NULL;
	if (failed)
		EasqLearnerGoBack(learner, mark);
	if (failed && count == 1)
		EasqLogFailed(learner->model->name, "queue", "learning", error, EASQ_NOBODY, 1);
	MemoryContextDelete(context);
	EasqLearnerMarkFree(mark);
	if (!failed)
		return queued.learned;
	if (count == 1)
		return 0;
	return learn_but_bad(learner, answers, count / 2) +
		learn_but_bad(learner, answers + count / 2, count - count / 2);
}

static void
take_queued(void *argument, const EasqAnswer *answer, bool forget)
{
	EasqChangesPut(argument, answer, forget ? EASQ_BEFORE : EASQ_NOW);
}

/* What is in order, a step at a time, each by itself: at most a step is undone by what cannot be learned. */
static int64
learn_in_order(EasqLearner *learner, EasqOrder *order)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq queued", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int64		learned = 0;
	EasqAnswer *answers;
	int			count;

	do
	{
		MemoryContextReset(context);
		answers = palloc(sizeof(EasqAnswer) * EASQ_ANSWERS_A_STEP);
		count = EasqOrderNext(order, answers, EASQ_ANSWERS_A_STEP);
		if (count > 0)
			learned += learn_but_bad(learner, answers, count);
	} while (count > 0);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return learned;
}

int64
EasqLearnQueued(EasqLearner *learner, int64 limit)
{
	int64		uncertain = learner->model->adapter.uncertain;
	int64		learned = 0;
	EasqSkipped skipped;
	EasqSettling settling = {.skipped = &skipped, .queued = true};
	EasqChanges changes;
	EasqOrder	order;

	EasqSkippedInit(&skipped);
	EasqChangesBegin(&changes, work_mem);
	EasqQueueTake(learner->model, limit, take_queued, &changes);
	learner->counted |= learner->model->adapter.uncertain > uncertain;
	EasqChangesSettle(&changes);
	if (!EasqChangesEmpty(&changes) || changes.cancelled > 0)
	{
		EasqOrderBegin(&order, learner->model, work_mem);
		EasqOrderFill(&order, learner, &changes, &settling);
		if (changes.cancelled > 0)
			EasqSkip(&skipped, EASQ_WITHDRAWN, NULL, (int) Min(changes.cancelled, PG_INT32_MAX));
		learned = learn_in_order(learner, &order);
		EasqOrderEnd(&order);
		EasqLogSkipped(&skipped, learner->model->name, "queue", EASQ_NOBODY);
	}
	EasqChangesEnd(&changes);
	return learned;
}

/* ------------------------------------------------------ a whole model's */

typedef struct Drain
{
	const char *name;
	int64		limit;
	EasqLearner *learner;
	int64		count;			/* of answers that were taken out and not learned */
} Drain;

/* Nobody's rights are asked for here: whoever queued an answer had the right to teach. */
static void
open_learner(void *argument)
{
	Drain	   *drain = argument;
	EasqIdentity identity;

	EasqModelIdentity(drain->name, &identity, false);
	drain->learner = EasqLearnerRead(drain->name, identity.rights.owner);
	/* The guard's samples too. */
	(void) EasqLearnerAuditNear(drain->learner, 0);
}

static void
count_one(void *argument, const EasqAnswer *answer pg_attribute_unused(), bool forget)
{
	((Drain *) argument)->count += !forget;
}

/* A model that cannot be read would never be rid of them. */
static void
give_up(Drain *drain, const ErrorData *error)
{
	EasqModel	model = {.name = (char *) drain->name, .adapter.name = EASQ_OWN_ADAPTER};

	EasqQueueTake(&model, drain->limit, count_one, drain);
	EasqLogFailed(drain->name, "queue", "opening the model", error, EASQ_NOBODY, (int) Min(drain->count, PG_INT32_MAX));
}

/* Under the lock, with its snapshot; pops that. */
static int64
drain_locked(Drain *drain)
{
	ErrorData  *error = EasqAttempt(open_learner, drain, false);
	int64		learned = 0;

	if (error)
	{
		give_up(drain, error);
		PopActiveSnapshot();
		return 0;
	}
	learned = EasqLearnQueued(drain->learner, drain->limit);
	EasqLearnerSave(drain->learner);
	return learned;
}

static bool
anything_queued(const char *model)
{
	bool		found;

	PushActiveSnapshot(GetTransactionSnapshot());
	found = EasqQueueHas(model);
	PopActiveSnapshot();
	return found;
}

EasqDrained
EasqDrain(const char *model, int64 limit, EasqLockWait wait, int64 *learned)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq draining", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Drain		drain = {.name = model, .limit = limit};
	EasqLocked	locked = EASQ_GONE;

	*learned = 0;
	if (anything_queued(model))
		locked = EasqModelTryLock(model, wait);
	if (locked == EASQ_LOCKED)
		*learned = drain_locked(&drain);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return locked == EASQ_BUSY ? EASQ_DRAIN_BUSY : EASQ_DRAINED;
}
