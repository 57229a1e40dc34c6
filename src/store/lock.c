/*
 * The locks that order changes of a model.  Waiting, lock_timeout, deadlocks
 * and 40001 are PostgreSQL's own: it is a row lock as FOR NO KEY UPDATE takes.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "utils/snapmgr.h"

#include "store/model.h"
#include "store/table.h"

static bool
lock_row(const char *table, const char *index, const char *name, EasqLockWait wait)
{
	ScanKeyData key;
	EasqScan	scan;
	HeapTuple	tuple;
	TupleTableSlot *slot;
	TM_FailureData failure;
	TM_Result	result = TM_Deleted;
	uint8		flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	EasqKeyText(&key, 1, name);
	EasqScanBegin(&scan, table, index, RowExclusiveLock, GetActiveSnapshot(), 1, &key);
	tuple = EasqScanNext(&scan, true);
	if (HeapTupleIsValid(tuple))
	{
		slot = table_slot_create(scan.table, NULL);
		result = table_tuple_lock(scan.table, &tuple->t_self, GetActiveSnapshot(), slot,
								  GetCurrentCommandId(false), LockTupleNoKeyExclusive,
								  wait == EASQ_NO_WAIT ? LockWaitSkip : LockWaitBlock,
								  flags, &failure);
		ExecDropSingleTupleTableSlot(slot);
	}
	EasqScanEnd(&scan);
	PopActiveSnapshot();

	if (result == TM_Ok)
		return true;
	if (wait == EASQ_NO_WAIT && result != TM_Deleted)
		return false;
	if (HeapTupleIsValid(tuple) && IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access to model \"%s\" due to concurrent learning", name),
				 errhint("Retry the transaction, or let it queue its answers: option {\"queue\": true} of easq_learn.")));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" does not exist", name),
			 errhint("SELECT name FROM easq.models lists the models.")));
	return false;
}

bool
EasqModelLock(const char *name, EasqLockWait wait)
{
	if (!lock_row("adapter", "adapter_pkey", name, wait))
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	return true;
}

void
EasqModelLockDefinition(const char *name)
{
	(void) lock_row("model", "model_pkey", name, EASQ_WAIT);
}
