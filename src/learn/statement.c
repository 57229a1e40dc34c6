#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
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
#include "learn/append.h"
#include "learn/attempt.h"
#include "learn/author.h"
#include "learn/due.h"
#include "learn/enqueue.h"
#include "learn/queued.h"
#include "learn/skipped.h"
#include "learn/statement.h"
#include "learn/trust.h"
#include "store/log.h"

/* The features as the model has them now; they never change, so no lock is needed.  Who lost the right to teach gets none. */
static EasqSpec *
spec_of(const EasqQuestionnaire *questionnaire)
{
	EasqSpec   *spec;

	PushActiveSnapshot(GetTransactionSnapshot());
	EasqModelCheck(questionnaire->model, questionnaire->author, EASQ_TO_TEACH);
	spec = EasqModelRead(questionnaire->model, false)->spec;
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

/* One statement on one model. */
typedef struct Statement
{
	const EasqQuestionnaire *questionnaire;
	const char *model;
	const EasqWrittenRows *written;
	const char *source;
	EasqLearnOptions options;
	EasqChanges changes;
	EasqLearner *learner;		/* once the model is locked */
	const char *doing;			/* what fails where it fails, in words of ours */
	ErrorData  *error;			/* why it taught nothing, or NULL */
} Statement;

/* ---------------------------------------------------------------- collecting */

/* A features query whose functions write answers would come back here without end. */
static void
collect_once(Statement *statement, const EasqSpec *spec)
{
	static bool collecting = false;
	EasqAuthor	author;

	if (collecting)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a features query must not write to a questionnaire"),
				 errhint("Write the answers in a statement of their own.")));
	collecting = true;
	PG_TRY();
	{
		EasqBecomeAuthor(&author, statement->questionnaire);
		EasqCollect(&statement->changes, spec, statement->questionnaire, &statement->options, statement->written);
		EasqLeaveAuthor(&author);
	}
	PG_FINALLY();
	{
		collecting = false;
	}
	PG_END_TRY();
}

/* All that runs the author's code.  Writes nothing, unless that does. */
static void
collect(void *argument)
{
	Statement  *statement = argument;
	EasqSpec   *spec;

	statement->doing = "reading the options of easq_learn";
	EasqLearnOptionsRead(&statement->options, statement->questionnaire->options);
	statement->doing = "the check of the questionnaire's author";
	EasqCheckAuthor(statement->questionnaire);
	statement->doing = "opening the model";
	spec = spec_of(statement->questionnaire);
	statement->doing = statement->questionnaire->features ? "the features query" : "reading the answers";
	collect_once(statement, spec);
	EasqChangesSettle(&statement->changes);
}

static void
log_uncertain(const EasqQuestionnaire *questionnaire, const char *source, int uncertain)
{
	EasqStepRow row = {
		.model = questionnaire->model, .source = source, .status = "skipped", .reason = "uncertain answers make no pair",
		.author = questionnaire->author, .answers = uncertain, .uncertain = uncertain
	};

	if (uncertain > 0)
		EasqLogStep(&row);
}

/* Answers of a statement that were not learned, for a reason that is no error. */
static void
log_unlearned(const Statement *statement, const char *status, const char *reason, int64 answers)
{
	EasqStepRow row = {
		.model = statement->model, .source = statement->source, .status = status, .reason = reason,
		.author = statement->questionnaire->author, .answers = (int) Min(answers, PG_INT32_MAX)
	};

	EasqLogStep(&row);
}

/*
 * Does the questionnaire still teach the model?  Whoever drops it holds the locks on its name and on its row, and what
 * is made under the name afterwards is another model.
 */
static bool
is_attached(const EasqQuestionnaire *questionnaire)
{
	EasqQuestionnaire *found;
	int			count = EasqQuestionnairesOf(questionnaire->relation, &found);

	for (int i = 0; i < count; i++)
		if (strcmp(found[i].model, questionnaire->model) == 0)
			return true;
	return false;
}

/* ----------------------------------------------------------------- the queue */

/* Leaves nothing behind that a later model of the name could find. */
static void
queue(void *argument)
{
	Statement  *statement = argument;
	int64		answers;
	bool		any;

	EasqModelLockName(statement->model, AccessShareLock);
	if (!is_attached(statement->questionnaire))
	{
		log_unlearned(statement, "skipped", "the model was dropped meanwhile", statement->changes.count[EASQ_NOW]);
		return;
	}
	log_uncertain(statement->questionnaire, statement->source, statement->changes.uncertain[EASQ_NOW]);
	any = EasqQueueChanges(statement->model, &statement->changes, &answers);
	if (statement->options.when == EASQ_LEARN_NOW && any)
		log_unlearned(statement, "queued", "another transaction is teaching the model", answers);
	if (statement->options.when == EASQ_LEARN_AT_COMMIT)
		EasqDueAtCommit(statement->model, !statement->options.queue);
}

/* ------------------------------------------------------------------ learning */

/* Reads all that learning starts from: what is damaged fails here.  Writes nothing. */
static void
open_learner(void *argument)
{
	Statement  *statement = argument;

	statement->doing = "opening the model";
	if (!is_attached(statement->questionnaire))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" was dropped while its answers were read", statement->model),
				 errhint("If there is another model of that name: SELECT easq_learn(%s, %s, ...).",
						 quote_literal_cstr(statement->model),
						 quote_literal_cstr(get_rel_name(statement->questionnaire->relation)))));
	statement->learner = EasqLearnerRead(statement->model, statement->questionnaire->author);
	/* The guard's samples too. */
	(void) EasqLearnerAuditNear(statement->learner, 0);
}

static void
learn(void *argument)
{
	Statement  *statement = argument;
	EasqLearner *learner = statement->learner;
	int			uncertain = statement->changes.uncertain[EASQ_NOW];

	/* The learner pops it when it saves. */
	PushCopiedSnapshot(GetActiveSnapshot());
	log_uncertain(statement->questionnaire, statement->source, uncertain);
	(void) EasqLearnQueued(learner, EASQ_ALL_QUEUED);
	learner->author = statement->questionnaire->author;
	learner->model->adapter.uncertain += uncertain;
	learner->counted |= uncertain > 0;
	EasqLearnChanges(learner, &statement->changes, statement->source, statement->options.strict);
	EasqLearnerSave(learner);
}

/* What writes: by itself, so that it can be undone, until that was not needed; then as a part of the statement. */
static ErrorData *
run(void (*work) (void *argument), Statement *statement, bool usual)
{
	ErrorData  *error = NULL;

	if (!usual || !EasqTrusts(statement->model))
	{
		error = EasqAttempt(work, statement, statement->options.strict);
		if (error == NULL && usual)
			EasqTrust(statement->model);
		return error;
	}
	PG_TRY();
	{
		work(statement);
	}
	PG_CATCH();
	{
		EasqTrustNone();
		PG_RE_THROW();
	}
	PG_END_TRY();
	return error;
}

/*
 * The lock is the transaction's own, or that of its savepoint, and goes when that goes: whoever waits for it waits
 * for that and no longer.
 */
static ErrorData *
learn_locked(Statement *statement)
{
	ErrorData  *error = EasqAttempt(open_learner, statement, statement->options.strict);
	int64		steps = (statement->changes.count[EASQ_NOW] + EASQ_ANSWERS_A_STEP - 1) / EASQ_ANSWERS_A_STEP;

	if (error)
		return error;
	statement->doing = "learning";
	return run(learn, statement, !EasqLearnerAuditNear(statement->learner, steps));
}

static ErrorData *
teach(Statement *statement)
{
	EasqLocked	locked;
	ErrorData  *error;

	statement->doing = "learning";
	if (statement->options.when != EASQ_LEARN_NOW)
		return run(queue, statement, true);
	locked = EasqModelTryLock(statement->model, statement->options.queue ? EASQ_NO_WAIT : EASQ_WAIT);

	if (locked == EASQ_BUSY)
		return run(queue, statement, true);
	/* Where it is gone, reading it says so. */
	if (locked == EASQ_GONE)
		PushActiveSnapshot(GetTransactionSnapshot());
	error = learn_locked(statement);
	PopActiveSnapshot();
	return error;
}

static int
rows_of(const Statement *statement)
{
	return (int) Min(tuplestore_tuple_count(statement->written->now), PG_INT32_MAX);
}

static void
log_refused(void *argument)
{
	const Statement *statement = argument;

	EasqLogSkipped(&statement->changes.refused[EASQ_NOW], statement->model, statement->source, statement->questionnaire->author);
}

static void
log_error(void *argument)
{
	const Statement *statement = argument;

	EasqLogFailed(statement->model, statement->source, statement->doing, statement->error, statement->questionnaire->author,
			   rows_of(statement));
}

/* The rows stay even where the log itself cannot be written, because of what was put on easq.step. */
static void
log_or_warn(void (*log) (void *argument), Statement *statement)
{
	ErrorData  *error = EasqAttempt(log, statement, false);

	if (error)
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("model \"%s\" did not learn from %d answers, and no step could be logged: %s",
						statement->model, rows_of(statement), error->message),
				 error->hint ? errhint("%s", error->hint) : 0));
}

void
EasqLearnStatement(const EasqQuestionnaire *questionnaire, const EasqWrittenRows *written, const char *source)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq learning", ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = MemoryContextSwitchTo(context);
	Statement  *statement = palloc0(sizeof(Statement));

	statement->questionnaire = questionnaire;
	statement->model = questionnaire->model;
	statement->written = written;
	statement->source = source;
	EasqChangesBegin(&statement->changes, work_mem);
	statement->error = EasqAttempt(collect, statement, false);
	if (statement->error && statement->options.strict)
		ReThrowError(statement->error);
	if (statement->error == NULL && statement->changes.refused[EASQ_NOW].reasons > 0)
		log_or_warn(log_refused, statement);
	if (statement->error == NULL && !EasqChangesEmpty(&statement->changes))
		statement->error = teach(statement);
	if (statement->error)
		log_or_warn(log_error, statement);
	else if (statement->options.when != EASQ_LEARN_NOW)
		EasqAppendPrepare(questionnaire, written);
	EasqChangesEnd(&statement->changes);
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(context);
}
