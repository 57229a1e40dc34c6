#include "postgres.h"

#include "access/xact.h"
#include "utils/resowner.h"

#include "learn/attempt.h"

static bool
is_locking_error(int sqlstate)
{
	return sqlstate == ERRCODE_T_R_SERIALIZATION_FAILURE ||
		sqlstate == ERRCODE_T_R_DEADLOCK_DETECTED ||
		sqlstate == ERRCODE_LOCK_NOT_AVAILABLE;
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

ErrorData *
EasqAttempt(void (*work) (void *argument), void *argument, bool strict)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(argument);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* Before anything else: an error that left with the subtransaction open would take the session along. */
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error && (strict || must_stay_an_error(error->sqlerrcode)))
		ReThrowError(error);
	return error;
}

char *
EasqReasonOf(const char *doing, const ErrorData *error)
{
	return psprintf("%s failed (%s)", doing, unpack_sql_state(error->sqlerrcode));
}
