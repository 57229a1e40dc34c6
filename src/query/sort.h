/*
 * A sort over single values: bytes in memcmp order, or int8.  What does not
 * fit into memory is left to PostgreSQL's, which spills to temporary files.
 */
#ifndef EASQ_SORT_H
#define EASQ_SORT_H

#include "postgres.h"

#include "utils/resowner.h"
#include "utils/tuplesort.h"

/* A value in memory, after its first 16 bytes, which mostly tell. */
typedef struct EasqSorted
{
	uint64		first;
	uint64		second;
	bytea	   *value;
} EasqSorted;

typedef struct EasqSort
{
	Tuplesortstate *state;		/* NULL: all is in memory */
	void	   *last;			/* what Next returned, where it is ours to free */
	bool		by_value;
	int			kilobytes;		/* that bytes may take here, and as much again in PostgreSQL's sort once they spill */
	MemoryContext home;			/* of whoever began it, and so is the owner of its temporary files */
	ResourceOwner owner;

	/* bytes as long as they fit */
	MemoryContext context;
	EasqSorted *sorted;
	Size		count;
	Size		room;
	Size		next;			/* for Next */
	char	   *block;			/* values are put one after another */
	Size		block_left;
	Size		bytes;			/* of all blocks */
} EasqSort;

/*
 * kilobytes: of memory, before temporary files take over.  It belongs to the current memory context and resource
 * owner, whatever is current when values come and go: subtransactions may put into it and end.
 */
extern void EasqSortBeginBytes(EasqSort *sort, int kilobytes);
extern void EasqSortBeginInt8(EasqSort *sort, int kilobytes);
/* Copies the value. */
extern void EasqSortPut(EasqSort *sort, Datum value);
/* Ends putting. */
extern void EasqSortPerform(EasqSort *sort);
/* False at the end; *value is valid until the next call. */
extern bool EasqSortNext(EasqSort *sort, Datum *value);
extern void EasqSortEnd(EasqSort *sort);

#endif
