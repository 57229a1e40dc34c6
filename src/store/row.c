#include "postgres.h"

#include "access/heapam.h"
#include "access/relation.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "store/row.h"

Datum
EasqColumnOrNull(const EasqScan *scan, HeapTuple tuple, AttrNumber column, bool *isnull)
{
	return heap_getattr(tuple, column, RelationGetDescr(scan->table), isnull);
}

Datum
EasqColumn(const EasqScan *scan, HeapTuple tuple, AttrNumber column)
{
	bool		isnull;
	Datum		value = EasqColumnOrNull(scan, tuple, column, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("column \"%s\" of table easq.%s is null",
						NameStr(TupleDescAttr(RelationGetDescr(scan->table), column - 1)->attname),
						RelationGetRelationName(scan->table)),
				 errhint("The row was not written by easq; restore the table from a backup.")));
	return value;
}

char *
EasqColumnText(const EasqScan *scan, HeapTuple tuple, AttrNumber column)
{
	return TextDatumGetCString(EasqColumn(scan, tuple, column));
}

char *
EasqColumnTextOrNull(const EasqScan *scan, HeapTuple tuple, AttrNumber column)
{
	bool		isnull;
	Datum		value = EasqColumnOrNull(scan, tuple, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

TimestampTz
EasqColumnTime(const EasqScan *scan, HeapTuple tuple, AttrNumber column)
{
	bool		isnull;
	Datum		value = EasqColumnOrNull(scan, tuple, column, &isnull);

	return isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

pg_uuid_t
EasqColumnId(const EasqScan *scan, HeapTuple tuple, AttrNumber column)
{
	return *DatumGetUUIDP(EasqColumn(scan, tuple, column));
}

char *
EasqColumnBytes(const EasqScan *scan, HeapTuple tuple, AttrNumber column, int *length)
{
	Datum		stored = EasqColumn(scan, tuple, column);
	bytea	   *data = DatumGetByteaPP(stored);
	char	   *copy;

	*length = (int) VARSIZE_ANY_EXHDR(data);
	copy = palloc(*length + 1);
	memcpy(copy, VARDATA_ANY(data), *length);
	if ((Pointer) data != DatumGetPointer(stored))
		pfree(data);
	return copy;
}

void
EasqRowInit(EasqRow *row)
{
	memset(row->values, 0, sizeof(row->values));
	memset(row->nulls, true, sizeof(row->nulls));
	memset(row->replaces, false, sizeof(row->replaces));
}

void
EasqRowSet(EasqRow *row, AttrNumber column, Datum value)
{
	Assert(column >= 1 && column <= (int) lengthof(row->values));
	row->values[column - 1] = value;
	row->nulls[column - 1] = false;
	row->replaces[column - 1] = true;
}

void
EasqRowSetNull(EasqRow *row, AttrNumber column)
{
	row->nulls[column - 1] = true;
	row->replaces[column - 1] = true;
}

void
EasqRowSetText(EasqRow *row, AttrNumber column, const char *value)
{
	if (value == NULL)
		EasqRowSetNull(row, column);
	else
		EasqRowSet(row, column, CStringGetTextDatum(value));
}

void
EasqRowSetTime(EasqRow *row, AttrNumber column, TimestampTz time)
{
	if (time == DT_NOBEGIN)
		EasqRowSetNull(row, column);
	else
		EasqRowSet(row, column, TimestampTzGetDatum(time));
}

void
EasqRowSetId(EasqRow *row, AttrNumber column, const pg_uuid_t *id)
{
	EasqRowSet(row, column, UUIDPGetDatum(id));
}

Datum
EasqBytesDatum(const void *data, Size length)
{
	bytea	   *copy = palloc(VARHDRSZ + length);

	SET_VARSIZE(copy, VARHDRSZ + length);
	memcpy(VARDATA(copy), data, length);
	return PointerGetDatum(copy);
}

EasqStamp
EasqRowStamp(const EasqScan *scan, HeapTuple tuple)
{
	return (EasqStamp) {
		.table = RelationGetRelid(scan->table), .at = tuple->t_self,
		.written_by = HeapTupleHeaderGetRawXmin(tuple->t_data)
	};
}

bool
EasqStampHolds(const EasqStamp *stamp)
{
	Relation	table = try_relation_open(stamp->table, AccessShareLock);
	HeapTupleData tuple = {.t_self = stamp->at};
	Buffer		buffer;
	bool		holds;

	if (table == NULL)
		return false;
	/* VACUUM may have cut the page off. */
	holds = ItemPointerGetBlockNumber(&stamp->at) < RelationGetNumberOfBlocks(table) &&
		EasqHeapFetch(table, GetActiveSnapshot(), &tuple, &buffer);
	if (holds)
	{
		holds = HeapTupleHeaderGetRawXmin(tuple.t_data) == stamp->written_by;
		ReleaseBuffer(buffer);
	}
	relation_close(table, AccessShareLock);
	return holds;
}
