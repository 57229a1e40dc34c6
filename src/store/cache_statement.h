/*
 * Has the statement changed?  What a snapshot shows is decided by its
 * contents, the current subtransaction and the command counter within it.  Its
 * address says nothing: a loop in PL/pgSQL keeps one fn_extra through many
 * statements at the same address.
 */
#ifndef EASQ_CACHE_STATEMENT_H
#define EASQ_CACHE_STATEMENT_H

#include "postgres.h"

#include "utils/snapshot.h"

typedef struct EasqStatement
{
	uint64		epoch;			/* of transactions and subtransactions in this backend; 0: nothing seen yet */
	TransactionId xmin;
	TransactionId xmax;
	CommandId	curcid;
	uint32		xcnt;
	int32		subxcnt;
	bool		suboverflowed;
	uint64		running;		/* hash of the running transactions */
} EasqStatement;

/* Once, when the module is loaded. */
extern void EasqStatementInit(void);

/* True, and remembers it, where the active snapshot may show other rows than the one seen last. */
extern bool EasqStatementChanged(EasqStatement *seen);

#endif
