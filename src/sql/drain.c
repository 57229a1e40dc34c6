/*
 * easq_drain: learns what is queued.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "learn/queued.h"
#include "sql/argument.h"
#include "store/answer_queue.h"
#include "store/model.h"

PG_FUNCTION_INFO_V1(easq_drain);

static int64
drain(const char *model, EasqLockWait wait)
{
	int64		learned;

	(void) EasqDrain(model, EASQ_ALL_QUEUED, wait, &learned);
	return learned;
}

/* May the caller teach the next model that has anything queued?  NULL: there is none. */
static char *
next_model(const char *after, bool *may)
{
	EasqIdentity identity;
	char	   *model;

	PushActiveSnapshot(GetTransactionSnapshot());
	model = EasqQueueNextModel(after);
	*may = model && EasqModelIdentity(model, &identity, true) && EasqMay(&identity.rights, GetUserId(), EASQ_TO_TEACH);
	PopActiveSnapshot();
	return model;
}

/* By name, as whoever learns at commit locks them; a model that somebody teaches now is left to the next call. */
static int64
drain_all(void)
{
	char	   *model = NULL;
	int64		learned = 0;
	bool		may;

	while ((model = next_model(model, &may)) != NULL)
		if (may)
			learned += drain(model, EASQ_NO_WAIT);
	return learned;
}

Datum
easq_drain(PG_FUNCTION_ARGS)
{
	char	   *model = EasqOptionalText(fcinfo, 0);

	EasqPreventReadOnly("easq_drain()");
	if (model == NULL)
		PG_RETURN_INT64(drain_all());
	EasqModelCheck(model, GetUserId(), EASQ_TO_TEACH);
	PG_RETURN_INT64(drain(model, EASQ_WAIT));
}
