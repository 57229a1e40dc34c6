/*
 * The locks that order changes of a model.  Waiting, lock_timeout, deadlocks
 * and 40001 are PostgreSQL's own: it is a row lock as FOR NO KEY UPDATE takes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
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

/* By the current (sub)transaction, and so with whatever ends it. */
static EasqLocked
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
		return EASQ_LOCKED;
	if (wait == EASQ_NO_WAIT && result != TM_Deleted)
		return EASQ_BUSY;
	if (HeapTupleIsValid(tuple) && IsolationUsesXactSnapshot())
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access to model \"%s\" due to concurrent learning", name),
				 errhint("Retry the transaction, or let it queue its answers: option {\"queue\": true} of easq_learn.")));
	return EASQ_GONE;
}

static void
refuse_gone(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" does not exist", name),
			 errhint("SELECT name FROM easq.models lists the models.")));
}

EasqLocked
EasqModelTryLock(const char *name, EasqLockWait wait)
{
	EasqLocked	locked = lock_row("adapter", name, wait);

	if (locked == EASQ_LOCKED)
		PushActiveSnapshot(GetTransactionSnapshot());
	return locked;
}

bool
EasqModelLock(const char *name, EasqLockWait wait)
{
	EasqLocked	locked = EasqModelTryLock(name, wait);

	if (locked == EASQ_GONE)
		refuse_gone(name);
	return locked == EASQ_LOCKED;
}

/* Of several who hold a row together, we are one, and hold it against other writers. */
static bool
is_held_with_others(HeapTupleHeader row)
{
	MultiXactMember *members;
	int			count = GetMultiXactIdMembers(HeapTupleHeaderGetRawXmax(row), &members, false,
											  HEAP_XMAX_IS_LOCKED_ONLY(row->t_infomask));
	bool		held = false;

	for (int i = 0; i < count; i++)
		held |= members[i].status >= MultiXactStatusForNoKeyUpdate &&
			TransactionIdIsCurrentTransactionId(members[i].xid);
	if (count > 0)
		pfree(members);
	return held;
}

/* Who locks a row changes its xmax and what kind of number that is, under the page's lock: both are read under it. */
static void
copy_header(const EasqScan *scan, HeapTuple tuple, HeapTupleHeader header)
{
	Buffer		buffer = ((BufferHeapTupleTableSlot *) scan->scan->slot)->buffer;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	memcpy(header, tuple->t_data, SizeofHeapTupleHeader);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
}

/* Is this row, which we see, written by us or locked as lock_row locks it?  FOR KEY SHARE, ours or another's, is no such lock. */
static bool
is_held(HeapTupleHeader row)
{
	uint16		mask = row->t_infomask;

	if (TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row)))
		return true;
	if ((mask & HEAP_XMAX_INVALID) || HEAP_LOCKED_UPGRADED(mask))
		return false;
	if (mask & HEAP_XMAX_IS_MULTI)
		return is_held_with_others(row);
	return !(HEAP_XMAX_IS_LOCKED_ONLY(mask) && !HEAP_XMAX_IS_EXCL_LOCKED(mask)) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetRawXmax(row));
}

/* Has this transaction written or locked the adapter row? */
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
		HeapTupleHeaderData header;

		copy_header(&scan, tuple, &header);
		holds = is_held(&header);
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
	EasqLocked	locked = lock_row("model", name, holds_adapter(name) ? EASQ_NO_WAIT : EASQ_WAIT);

	if (locked == EASQ_GONE)
		refuse_gone(name);
	if (locked == EASQ_BUSY)
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("model \"%s\" is being trained or changed by another transaction, which will wait for this one", name),
				 errhint("This transaction has taught the model: commit the answers first, then wait for the other.")));
}

EasqModel *
EasqModelTake(const char *name, Oid role, EasqRight right)
{
	EasqModelCheck(name, role, right);
	EasqModelLockDefinition(name);
	(void) EasqModelLock(name, EASQ_WAIT);
	EasqModelCheck(name, role, right);
	return EasqModelRead(name, false);
}

void
EasqModelLockName(const char *name, LOCKMODE mode)
{
	uint32		hash = DatumGetUInt32(hash_any((const unsigned char *) name, (int) strlen(name)));

	LockDatabaseObject(EasqTableIndex("model"), hash, 0, mode);
}
