#include "postgres.h"

#include "access/xact.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "learn/attempt.h"
#include "learn/bell.h"
#include "learn/due.h"
#include "learn/queued.h"

typedef struct Due
{
	char	   *model;
	EasqLockWait wait;
} Due;

static List *due = NIL;			/* of Due, in the transaction's memory */
static bool queued = false;		/* anything, for whoever learns it */

static int
by_model(const ListCell *a, const ListCell *b)
{
	return strcmp(((Due *) lfirst(a))->model, ((Due *) lfirst(b))->model);
}

static void
learn(void *argument)
{
	const Due  *now = argument;
	int64		learned;

	(void) EasqDrain(now->model, EASQ_ALL_QUEUED, now->wait, &learned);
}

/*
 * In no statement, but in the transaction as much as what deferred triggers do.  What cannot be learned is logged by
 * EasqDrain; where even that fails the answers stay in the queue.
 */
static void
learn_due(void)
{
	List	   *all = due;
	ListCell   *cell;

	due = NIL;
	list_sort(all, by_model);
	foreach(cell, all)
	{
		ErrorData  *error = EasqAttempt(learn, lfirst(cell), false);

		if (error)
			ereport(WARNING,
					(errcode(error->sqlerrcode),
					 errmsg("answers for model \"%s\" stay queued: %s", ((Due *) lfirst(cell))->model, error->message),
					 error->hint ? errhint("%s", error->hint) : 0));
	}
}

static void
at_end(XactEvent event, void *argument pg_attribute_unused())
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (due != NIL)
				learn_due();
			if (queued)
				EasqBellFind();
			break;
		case XACT_EVENT_COMMIT:
			if (queued)
				EasqBellRing();
			/* FALLTHROUGH */
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			due = NIL;
			queued = false;
			break;
		default:
			break;
	}
}

static void
watch(void)
{
	static bool watching = false;

	if (!watching)
		RegisterXactCallback(at_end, NULL);
	watching = true;
}

void
EasqDueToLearners(void)
{
	watch();
	queued = true;
}

void
EasqDueAtCommit(const char *model, bool may_wait)
{
	EasqLockWait wait = may_wait && !IsolationUsesXactSnapshot() ? EASQ_WAIT : EASQ_NO_WAIT;
	MemoryContext old;
	ListCell   *cell;
	Due		   *new;

	watch();
	foreach(cell, due)
	{
		Due		   *there = lfirst(cell);

		if (strcmp(there->model, model) == 0)
		{
			/* Who does not want to wait is not made to by another table of the same model. */
			there->wait = wait == EASQ_NO_WAIT ? EASQ_NO_WAIT : there->wait;
			return;
		}
	}
	old = MemoryContextSwitchTo(TopTransactionContext);
	new = palloc(sizeof(Due));
	new->model = pstrdup(model);
	new->wait = wait;
	due = lappend(due, new);
	MemoryContextSwitchTo(old);
}
