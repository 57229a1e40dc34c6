#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/snapmgr.h"

#include "store/statement.h"

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

bool
EasqStatementChanged(EasqStatement *seen)
{
	Snapshot	now = GetActiveSnapshot();
	uint64		running;

	if (seen->epoch == epoch && seen->curcid == now->curcid &&
		seen->xmin == now->xmin && seen->xmax == now->xmax &&
		seen->xcnt == now->xcnt && seen->subxcnt == now->subxcnt)
	{
		/* Quiet servers have no running transactions and stop here. */
		if (now->xcnt == 0 && now->subxcnt == 0)
			return false;
		running = hash_xids(now->xip, now->xcnt, 0);
		running = hash_xids(now->subxip, (uint32) Max(now->subxcnt, 0), running);
		if (running == seen->running)
			return false;
	}
	else
	{
		running = hash_xids(now->xip, now->xcnt, 0);
		running = hash_xids(now->subxip, (uint32) Max(now->subxcnt, 0), running);
	}
	seen->epoch = epoch;
	seen->xmin = now->xmin;
	seen->xmax = now->xmax;
	seen->curcid = now->curcid;
	seen->xcnt = now->xcnt;
	seen->subxcnt = now->subxcnt;
	seen->running = running;
	return true;
}
