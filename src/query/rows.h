/*
 * The rows of a user's query through a cursor, in portions that are bounded in
 * rows and in bytes.
 */
#ifndef EASQ_ROWS_H
#define EASQ_ROWS_H

#include "postgres.h"

#include "executor/spi.h"
#include "utils/portal.h"

typedef struct EasqRows
{
	Portal		portal;
	SPITupleTable *table;		/* the portion */
	uint64		fetched;
	uint64		next;
	long		portion;
	bool		ended;
} EasqRows;

/*
 * Within SPI, which must stay connected until Close; the row type, valid as long.  plan: of EasqPrepareReading,
 * or any other that returns rows.  read_only: under the active snapshot, else under a new one.
 */
extern TupleDesc EasqRowsOpen(EasqRows *rows, SPIPlanPtr plan, bool read_only);

/* Runs the query on to its next portion; false at its end.  What was read before is gone. */
extern bool EasqRowsFetch(EasqRows *rows);

/* The next row of the portion, NULL behind its last. */
extern HeapTuple EasqRowsNext(EasqRows *rows);

extern void EasqRowsClose(EasqRows *rows);

#endif
