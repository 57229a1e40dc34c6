#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "learn/answers.h"
#include "learn/author.h"
#include "learn/statement.h"
#include "store/log.h"
#include "store/queue.h"

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

/* What others left; an answer that was queued and then changed is not learned at all. */
static void
learn_queued(EasqLearner *learner)
{
	EasqCollection now = {0};
	EasqCollection before = {0};
	int64		uncertain = learner->model->uncertain;

	now.count = EasqTakeQueued(learner->model, false, &now.answers);
	before.count = EasqTakeQueued(learner->model, true, &before.answers);
	learner->counted |= learner->model->uncertain > uncertain;
	EasqCollectionSubtract(&now, &before);
	forget(learner, &before);
	if (now.count > 0)
		EasqLearnAnswers(learner, now.answers, now.count, "queue", false);
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

static bool
is_locking_error(int sqlstate)
{
	return sqlstate == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		sqlstate == ERRCODE_T_R_DEADLOCK_DETECTED ||
		sqlstate == ERRCODE_LOCK_NOT_AVAILABLE;
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
	learner->model->uncertain += now.uncertain;
	learner->counted |= now.uncertain > 0;
	EasqLearnAnswers(learner, now.answers, now.count, written->source, options->strict);
	EasqLearnerSave(learner);
}

/* Cancel, shutdown, resources and locking: what the statement itself would fail with. */
static bool
must_stay_an_error(int sqlstate)
{
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	return category == ERRCODE_OPERATOR_INTERVENTION ||
		category == ERRCODE_INSUFFICIENT_RESOURCES ||
		category == ERRCODE_SYSTEM_ERROR ||
		is_locking_error(sqlstate);
}

void
EasqLearnStatement(const EasqQuestionnaire *questionnaire, const EasqWritten *written)
{
	MemoryContext outer = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	MemoryContext context = AllocSetContextCreate(outer, "easq learning", ALLOCSET_DEFAULT_SIZES);
	EasqLearnOptions options;

	MemoryContextSwitchTo(context);
	EasqLearnOptionsRead(&options, questionnaire->options);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		learn(questionnaire, &options, written);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* Before anything else: an error that left with the subtransaction open would take the session along. */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (options.strict || must_stay_an_error(error->sqlerrcode))
			ReThrowError(error);
		EasqLogUnlearned(questionnaire->model, written->source, "skipped",
						 psprintf("%s (%s)", error->message, unpack_sql_state(error->sqlerrcode)),
						 (int) Min(tuplestore_tuple_count(written->now), PG_INT32_MAX));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(outer);
	CurrentResourceOwner = owner;
	MemoryContextDelete(context);
}
