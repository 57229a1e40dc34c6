/*
 * PostgreSQL's sort over single values, which spills to temporary files
 * beyond work_mem: bytes in memcmp order, or int8.
 */
#ifndef EASQ_SORT_H
#define EASQ_SORT_H

#include "postgres.h"

#include "utils/tuplesort.h"

typedef struct EasqSort
{
	Tuplesortstate *state;
	void	   *last;			/* what Next returned, where it is ours to free */
	bool		by_value;
} EasqSort;

extern void EasqSortBeginBytes(EasqSort *sort);
extern void EasqSortBeginInt8(EasqSort *sort);
/* Copies the value. */
extern void EasqSortPut(EasqSort *sort, Datum value);
/* Ends putting. */
extern void EasqSortPerform(EasqSort *sort);
/* False at the end; *value is valid until the next call. */
extern bool EasqSortNext(EasqSort *sort, Datum *value);
extern void EasqSortEnd(EasqSort *sort);

#endif
