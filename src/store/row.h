/*
 * Reading and building rows of easq's tables, by the column numbers of columns.h.
 */
#ifndef EASQ_ROW_H
#define EASQ_ROW_H

#include "postgres.h"

#include "access/htup_details.h"
#include "datatype/timestamp.h"
#include "utils/rel.h"
#include "utils/uuid.h"

#include "store/table.h"

/* Column of a scanned row; ERROR XX001 where it is NULL and must not be. */
extern Datum EasqColumn(const EasqScan *scan, HeapTuple tuple, AttrNumber column);
extern Datum EasqColumnOrNull(const EasqScan *scan, HeapTuple tuple, AttrNumber column, bool *isnull);
/* A timestamptz; DT_NOBEGIN where it is NULL, and so is one that is set. */
extern TimestampTz EasqColumnTime(const EasqScan *scan, HeapTuple tuple, AttrNumber column);
extern char *EasqColumnText(const EasqScan *scan, HeapTuple tuple, AttrNumber column);
extern char *EasqColumnTextOrNull(const EasqScan *scan, HeapTuple tuple, AttrNumber column);
extern pg_uuid_t EasqColumnId(const EasqScan *scan, HeapTuple tuple, AttrNumber column);
/* A bytea column, palloc'd in the current context. */
extern char *EasqColumnBytes(const EasqScan *scan, HeapTuple tuple, AttrNumber column, int *length);

/* A row under construction: every column is NULL until it is set. */
typedef struct EasqRow
{
	Datum		values[EASQ_COLUMNS];
	bool		nulls[EASQ_COLUMNS];
	bool		replaces[EASQ_COLUMNS];
} EasqRow;

extern void EasqRowInit(EasqRow *row);
extern void EasqRowSet(EasqRow *row, AttrNumber column, Datum value);
extern void EasqRowSetNull(EasqRow *row, AttrNumber column);
extern void EasqRowSetText(EasqRow *row, AttrNumber column, const char *value);	/* NULL: NULL */
extern void EasqRowSetTime(EasqRow *row, AttrNumber column, TimestampTz time);
extern void EasqRowSetId(EasqRow *row, AttrNumber column, const pg_uuid_t *id);	/* *id must stay */
/* Which row it is, and which version of it: where nobody has written it meanwhile the stamp is the same. */
typedef struct EasqStamp
{
	Oid			table;
	ItemPointerData at;
	TransactionId written_by;
} EasqStamp;

extern EasqStamp EasqRowStamp(const EasqScan *scan, HeapTuple tuple);
/* Does the active snapshot show that very version still? */
extern bool EasqStampHolds(const EasqStamp *stamp);

extern Datum EasqBytesDatum(const void *data, Size length);

#endif
