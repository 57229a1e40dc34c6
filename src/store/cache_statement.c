#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/snapmgr.h"

#include "store/cache_statement.h"

/* Moves with every end of a transaction and every turn of a subtransaction. */
static uint64 epoch = 1;

static void
on_transaction(XactEvent event pg_attribute_unused(), void *arg pg_attribute_unused())
{
	epoch++;
}

static void
on_subtransaction(SubXactEvent event pg_attribute_unused(), SubTransactionId id pg_attribute_unused(),
				  SubTransactionId parent pg_attribute_unused(), void *arg pg_attribute_unused())
{
	epoch++;
}

void
EasqStatementInit(void)
{
	RegisterXactCallback(on_transaction, NULL);
	RegisterSubXactCallback(on_subtransaction, NULL);
}

static uint64
hash_xids(const TransactionId *xids, uint32 count, uint64 seed)
{
	if (count == 0)
		return seed;
	return DatumGetUInt64(hash_any_extended((const unsigned char *) xids,
											(int) (count * sizeof(TransactionId)), seed));
}

/*
 * Subtransactions that the snapshot lists.  One that has overflowed keeps its count and loses the list (it looks
 * parents up instead and needs xip alone), but for those taken in recovery, whose only list it is.
 */
static uint32
listed_subtransactions(Snapshot snapshot)
{
	if (snapshot->suboverflowed && !snapshot->takenDuringRecovery)
		return 0;
	return (uint32) Max(snapshot->subxcnt, 0);
}

/* What the snapshot takes for running, besides xmin and xmax. */
static uint64
hash_running(Snapshot snapshot)
{
	return hash_xids(snapshot->subxip, listed_subtransactions(snapshot), hash_xids(snapshot->xip, snapshot->xcnt, 0));
}

bool
EasqStatementChanged(EasqStatement *seen)
{
	Snapshot	now = GetActiveSnapshot();
	uint64		running;

	if (seen->epoch == epoch && seen->curcid == now->curcid &&
		seen->xmin == now->xmin && seen->xmax == now->xmax &&
		seen->xcnt == now->xcnt && seen->subxcnt == now->subxcnt && seen->suboverflowed == now->suboverflowed)
	{
		/* Quiet servers have no running transactions and stop here. */
		if (now->xcnt == 0 && listed_subtransactions(now) == 0)
			return false;
		running = hash_running(now);
		if (running == seen->running)
			return false;
	}
	else
		running = hash_running(now);
	seen->epoch = epoch;
	seen->xmin = now->xmin;
	seen->xmax = now->xmax;
	seen->curcid = now->curcid;
	seen->xcnt = now->xcnt;
	seen->subxcnt = now->subxcnt;
	seen->suboverflowed = now->suboverflowed;
	seen->running = running;
	return true;
}
