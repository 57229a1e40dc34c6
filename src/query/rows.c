#include "postgres.h"

#include "miscadmin.h"

#include "query/rows.h"

/* A portion: so many rows, or fewer where they are wide. */
#define FETCH_ROWS 2000
#define FETCH_FIRST 100
#define FETCH_BYTES (4 * 1024 * 1024)

TupleDesc
EasqRowsOpen(EasqRows *rows, SPIPlanPtr plan, bool read_only)
{
	memset(rows, 0, sizeof(*rows));
	rows->portion = FETCH_FIRST;
	rows->portal = SPI_cursor_open(NULL, plan, NULL, NULL, read_only);
	return rows->portal->tupDesc;
}

/* Wide rows come in smaller portions. */
static void
adapt_portion(EasqRows *rows)
{
	uint64		bytes = 0;

	for (uint64 i = 0; i < rows->fetched; i++)
		bytes += rows->table->vals[i]->t_len;
	rows->portion = (long) (FETCH_BYTES / (bytes / rows->fetched + 1));
	rows->portion = Max(1, Min(rows->portion, FETCH_ROWS));
}

bool
EasqRowsFetch(EasqRows *rows)
{
	MemoryContext caller = CurrentMemoryContext;

	CHECK_FOR_INTERRUPTS();
	SPI_freetuptable(rows->table);
	rows->table = NULL;
	rows->next = 0;
	rows->fetched = 0;
	if (!rows->ended)
	{
		SPI_cursor_fetch(rows->portal, true, rows->portion);
		rows->table = SPI_tuptable;
		rows->fetched = SPI_processed;
	}
	MemoryContextSwitchTo(caller);
	rows->ended = rows->fetched == 0;
	if (!rows->ended)
		adapt_portion(rows);
	return !rows->ended;
}

HeapTuple
EasqRowsNext(EasqRows *rows)
{
	return rows->next < rows->fetched ? rows->table->vals[rows->next++] : NULL;
}

void
EasqRowsClose(EasqRows *rows)
{
	SPI_freetuptable(rows->table);
	SPI_cursor_close(rows->portal);
}
