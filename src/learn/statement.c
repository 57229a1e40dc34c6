#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "learn/answers.h"
#include "learn/attempt.h"
#include "learn/author.h"
#include "learn/order.h"
#include "learn/statement.h"
#include "store/log.h"
#include "store/answer_queue.h"

/* The features as the model has them now; they never change, so no lock is needed. */
static EasqSpec *
spec_of(const char *model)
{
	EasqSpec   *spec;

	PushActiveSnapshot(GetTransactionSnapshot());
	spec = EasqModelRead(model, false)->spec;
	PopActiveSnapshot();
	return spec;
}

/* The table's owner chooses its types, whose casts the author will run: whoever could not be the author must not. */
static void
check_owner(const EasqQuestionnaire *questionnaire)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(questionnaire->relation));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (!EasqMaySetRole(owner, questionnaire->author))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("table %s belongs to role \"%s\", who cannot act as role \"%s\", who called easq_learn",
						get_rel_name(questionnaire->relation), GetUserNameFromId(owner, false),
						GetUserNameFromId(questionnaire->author, false)),
				 errhint("Code that the owner of a table chooses would run with the rights of whoever calls easq_learn: SET ROLE %s, and call it again.",
						 quote_identifier(GetUserNameFromId(owner, false)))));
}

void
EasqCheckAuthor(const EasqQuestionnaire *questionnaire)
{
	EasqCheckRole(questionnaire->author);
	if (!EasqOwnsRelation(questionnaire->relation, questionnaire->author))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\", who called easq_learn, does not own table %s any more",
						GetUserNameFromId(questionnaire->author, false), get_rel_name(questionnaire->relation)),
				 errhint("The owner of the questionnaire calls easq_learn again.")));
	check_owner(questionnaire);
}

static void
collect_as_author(const EasqQuestionnaire *questionnaire, const EasqLearnOptions *options,
				  const EasqWritten *written, EasqCollection *now, EasqCollection *before)
{
	EasqSpec   *spec = spec_of(questionnaire->model);
	EasqAuthor	author;

	EasqBecomeAuthor(&author, questionnaire);
	EasqCollect(now, spec, questionnaire, options, written->relation, written->desc, written->now);
	memset(before, 0, sizeof(*before));
	if (written->before)
	{
		EasqLearnOptions lenient = *options;

		/* What the old row was worth is no reason to complain now. */
		lenient.strict = false;
		EasqCollect(before, spec, questionnaire, &lenient, written->relation, written->desc, written->before);
	}
	EasqLeaveAuthor(&author);
}

/* A features query whose functions write answers would come back here without end. */
static void
collect_once(const EasqQuestionnaire *questionnaire, const EasqLearnOptions *options,
			 const EasqWritten *written, EasqCollection *now, EasqCollection *before)
{
	static bool collecting = false;

	if (collecting)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a features query must not write to a questionnaire"),
				 errhint("Write the answers in a statement of their own.")));
	collecting = true;
	PG_TRY();
	{
		collect_as_author(questionnaire, options, written, now, before);
	}
	PG_FINALLY();
	{
		collecting = false;
	}
	PG_END_TRY();
}

static void
log_uncertain(const char *model, const char *source, int uncertain)
{
	EasqStepRow row = {
		.model = model, .source = source, .status = "skipped", .reason = "uncertain answers make no pair",
		.answers = uncertain, .uncertain = uncertain
	};

	if (uncertain > 0)
		EasqLogStep(&row);
}

static void
forget(EasqLearner *learner, const EasqCollection *answers)
{
	for (int i = 0; i < answers->count; i++)
		learner->counted |= EasqForget(learner->model, answers->answers[i].key, answers->answers[i].answer);
}

/* Answers of the queue, as EasqAttempt takes them. */
typedef struct Queued
{
	EasqLearner *learner;
	const EasqAnswer *answers;
	int			count;
} Queued;

static void
learn_some(void *argument)
{
	const Queued *queued = argument;
	Size		bytes = sizeof(EasqAnswer) * (Size) queued->count;
	/* Learning moves and marks what it is given, and it may be given these again. */
	EasqAnswer *answers = memcpy(MemoryContextAllocHuge(CurrentMemoryContext, bytes), queued->answers, bytes);

	EasqLearnAnswers(queued->learner, answers, queued->count, "queue", false);
	pfree(answers);
}

/*
 * Whoever answers next is not to fail by what others left, time and again: where the answers cannot be learned, their
 * halves are tried, down to the single one that is left out.
 */
static void
learn_but_bad(EasqLearner *learner, const EasqAnswer *answers, int count)
{
	Queued		queued = {learner, answers, count};
	EasqLearnerMark *mark = EasqLearnerMarkHere(learner);
	/* What an attempt that failed leaves behind goes before the next. */
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq attempt", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	ErrorData  *error = EasqAttempt(learn_some, &queued, false);
	bool		failed = error != NULL;

	MemoryContextSwitchTo(old);
	if (failed)
		EasqLearnerGoBack(learner, mark);
	if (failed && count == 1)
		EasqLogUnlearned(learner->model->name, "queue", "skipped", EasqReasonOf(error), 1);
	MemoryContextDelete(context);
	EasqLearnerMarkFree(mark);
	if (failed && count > 1)
	{
		learn_but_bad(learner, answers, count / 2);
		learn_but_bad(learner, answers + count / 2, count - count / 2);
	}
}

/* What others left; an answer that was queued and then changed is not learned at all. */
static void
learn_queued(EasqLearner *learner)
{
	EasqCollection now = {0};
	EasqCollection before = {0};
	int64		uncertain = learner->model->adapter.uncertain;

	now.count = EasqTakeQueued(learner->model, false, &now.answers);
	before.count = EasqTakeQueued(learner->model, true, &before.answers);
	learner->counted |= learner->model->adapter.uncertain > uncertain;
	EasqCollectionSubtract(&now, &before);
	forget(learner, &before);
	EasqSettleOrder(learner->model, now.answers, now.count);
	if (now.count > 0)
		learn_but_bad(learner, now.answers, now.count);
}

static void
queue(const char *model, const EasqCollection *now, const EasqCollection *before, const char *source)
{
	EasqQueueAnswers(model, now->answers, now->count, false);
	EasqQueueAnswers(model, before->answers, before->count, true);
	EasqQueueUncertain(model, now->uncertain);
	if (now->count > 0 || before->count > 0)
		EasqLogUnlearned(model, source, "queued", "another transaction is teaching the model", now->count);
}

static void
learn(const EasqQuestionnaire *questionnaire, const EasqLearnOptions *options, const EasqWritten *written)
{
	EasqCollection now;
	EasqCollection before;
	EasqLearner *learner;

	EasqCheckAuthor(questionnaire);
	collect_once(questionnaire, options, written, &now, &before);
	EasqCollectionSubtract(&now, &before);
	EasqLogSkipped(&now.refused, questionnaire->model, written->source);
	log_uncertain(questionnaire->model, written->source, now.uncertain);
	if (now.count == 0 && before.count == 0 && now.uncertain == 0)
		return;
	learner = EasqLearnerOpen(questionnaire->model, questionnaire->author, options->queue ? EASQ_NO_WAIT : EASQ_WAIT);
	if (learner == NULL)
	{
		queue(questionnaire->model, &now, &before, written->source);
		return;
	}
	learn_queued(learner);
	forget(learner, &before);
	learner->model->adapter.uncertain += now.uncertain;
	learner->counted |= now.uncertain > 0;
	EasqLearnAnswers(learner, now.answers, now.count, written->source, options->strict);
	EasqLearnerSave(learner);
}

/* One statement, as EasqAttempt takes it. */
typedef struct Teaching
{
	const EasqQuestionnaire *questionnaire;
	const EasqLearnOptions *options;
	const EasqWritten *written;
} Teaching;

static void
teach(void *argument)
{
	const Teaching *teaching = argument;

	learn(teaching->questionnaire, teaching->options, teaching->written);
}

void
EasqLearnStatement(const EasqQuestionnaire *questionnaire, const EasqWritten *written)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq learning", ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	EasqLearnOptions options;
	Teaching	teaching = {questionnaire, &options, written};
	ErrorData  *error;

	EasqLearnOptionsRead(&options, questionnaire->options);
	error = EasqAttempt(teach, &teaching, options.strict);
	if (error)
		EasqLogUnlearned(questionnaire->model, written->source, "skipped", EasqReasonOf(error),
						 (int) Min(tuplestore_tuple_count(written->now), PG_INT32_MAX));
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}
