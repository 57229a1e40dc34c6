/*
 * The locks that order changes of a model.  Waiting, lock_timeout, deadlocks
 * and 40001 are PostgreSQL's own: it is a row lock as FOR NO KEY UPDATE takes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "utils/snapmgr.h"

#include "store/adapter.h"
#include "store/columns.h"

/* Opens a scan on the row that is locked: of the definition, or of the adapter as it is.  NULL where there is none. */
static HeapTuple
find_row(EasqScan *scan, const char *table, const char *name, LOCKMODE mode)
{
	EasqPlace	place = {name, 0, EASQ_OWN_ADAPTER, EASQ_CURRENT};
	ScanKeyData key;

	if (strcmp(table, "adapter") == 0)
		return EasqAdapterFind(scan, mode, &place);
	EasqKeyText(&key, MODEL_NAME, name);
	EasqScanBegin(scan, "model", "model_pkey", mode, GetActiveSnapshot(), 1, &key);
	return EasqScanNext(scan, true);
}

static bool
lock_row(const char *table, const char *name, EasqLockWait wait)
{
	EasqScan	scan;
	HeapTuple	tuple;
	TupleTableSlot *slot;
	TM_FailureData failure;
	TM_Result	result = TM_Deleted;
	uint8		flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	tuple = find_row(&scan, table, name, RowExclusiveLock);
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
	if (!lock_row("adapter", name, wait))
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	return true;
}

/* Has this transaction written or locked the adapter row?  (One of its own is not shared: nobody else locks it so.) */
static bool
holds_adapter(const char *name)
{
	EasqScan	scan;
	HeapTuple	tuple;
	bool		holds = false;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	tuple = find_row(&scan, "adapter", name, AccessShareLock);
	if (HeapTupleIsValid(tuple))
	{
		HeapTupleHeader row = tuple->t_data;
		bool		locked = !(row->t_infomask & (HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI));

		holds = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row)) ||
			(locked && TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmax(row)));
	}
	EasqScanEnd(&scan);
	PopActiveSnapshot();
	return holds;
}

/*
 * The definition comes before the adapter.  Who holds the adapter already must not wait for who has the definition
 * and will wait for the adapter: a training would be ended by the deadlock.
 */
void
EasqModelLockDefinition(const char *name)
{
	if (!lock_row("model", name, holds_adapter(name) ? EASQ_NO_WAIT : EASQ_WAIT))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("model \"%s\" is being trained or changed by another transaction, which will wait for this one", name),
				 errhint("This transaction has taught the model: commit the answers first, then wait for the other.")));
}

EasqModel *
EasqModelTake(const char *name, Oid role, EasqRight right)
{
	EasqIdentity identity;
	EasqModel  *model;

	EasqModelIdentity(name, &identity, false);
	EasqModelCheckRight(name, identity.owner, role, right);
	EasqModelLockDefinition(name);
	(void) EasqModelLock(name, EASQ_WAIT);
	model = EasqModelRead(name, false);
	EasqModelCheckRight(name, model->owner, role, right);
	return model;
}
