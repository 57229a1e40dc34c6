#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "train/sort.h"

/* The last argument, no random access, is false up to PostgreSQL 14 and 0 from 15 on. */
static void
begin(EasqSort *sort, Oid type, Oid less)
{
	sort->state = tuplesort_begin_datum(type, less, InvalidOid, false, work_mem, NULL, 0);
	sort->last = NULL;
}

void
EasqSortBeginBytes(EasqSort *sort)
{
	begin(sort, BYTEAOID, ByteaLessOperator);
	sort->by_value = false;
}

void
EasqSortBeginInt8(EasqSort *sort)
{
	begin(sort, INT8OID, Int8LessOperator);
	sort->by_value = FLOAT8PASSBYVAL;
}

void
EasqSortPut(EasqSort *sort, Datum value)
{
	tuplesort_putdatum(sort->state, value, false);
}

void
EasqSortPerform(EasqSort *sort)
{
	tuplesort_performsort(sort->state);
}

bool
EasqSortNext(EasqSort *sort, Datum *value)
{
	bool		isnull;

#if PG_VERSION_NUM >= 160000
	return tuplesort_getdatum(sort->state, true, false, value, &isnull, NULL);
#else
	/* Each value is a copy in the current context. */
	if (sort->last)
		pfree(sort->last);
	sort->last = NULL;
	if (!tuplesort_getdatum(sort->state, true, value, &isnull, NULL))
		return false;
	if (!sort->by_value)
		sort->last = DatumGetPointer(*value);
	return true;
#endif
}

void
EasqSortEnd(EasqSort *sort)
{
	if (sort->last)
		pfree(sort->last);
	sort->last = NULL;
	tuplesort_end(sort->state);
}
