/*
 * easq's own tables, read and written directly: no planner, no search_path, no
 * privileges of whoever calls, no statement that could run user code.  The
 * rights are checked by model (see EasqModelCheckRight) before anything gets here.
 *
 * Only src/store calls what is here; headers that others include may name its types.
 */
#ifndef EASQ_TABLE_H
#define EASQ_TABLE_H

#include "postgres.h"

#include "access/genam.h"
#include "access/htup.h"
#include "access/skey.h"
#include "executor/tuptable.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/snapshot.h"

/* Opens easq.<name>; ERROR where the extension's tables are not there. */
extern Relation EasqTableOpen(const char *name, LOCKMODE mode);
extern Oid	EasqTableIndex(const char *name);
/* Is schema easq the extension's own?  Who acts for others must not believe one that somebody else has made. */
extern bool EasqIsInstalled(void);
/* InvalidOid where there is nothing of the name in schema easq. */
extern Oid	EasqFindTable(const char *name);
/* An ordinary table that is stored as a heap? */
extern bool EasqIsHeap(Relation table);

/*
 * Rows of easq.<table> in the order of one of its btree indexes, seen under
 * snapshot.  Keys are attribute numbers of the table, a prefix of the index;
 * text keys compare as bytes (COLLATE "C").
 */
typedef struct EasqScan
{
	Relation	table;
	Relation	index;
	SysScanDesc scan;
	LOCKMODE	mode;
} EasqScan;

extern void EasqScanBegin(EasqScan *scan, const char *table, const char *index, LOCKMODE mode,
						  Snapshot snapshot, int nkeys, ScanKey keys);
extern HeapTuple EasqScanNext(EasqScan *scan, bool backward);
extern void EasqScanEnd(EasqScan *scan);

/* The first two columns of tables whose rows belong to an adapter of a model; keys[2]. */
#define EASQ_OWNER_KEYS 2
extern void EasqKeyOwner(ScanKey keys, const char *model, const char *adapter);
extern void EasqKeyText(ScanKey key, AttrNumber attribute, const char *value);
extern void EasqKeyInt4(ScanKey key, AttrNumber attribute, StrategyNumber strategy, int32 value);
extern void EasqKeyInt8(ScanKey key, AttrNumber attribute, StrategyNumber strategy, int64 value);
extern void EasqKeyFloat8(ScanKey key, AttrNumber attribute, StrategyNumber strategy, float8 value);
extern void EasqKeyOid(ScanKey key, AttrNumber attribute, Oid value);

/* --------------------------------------------------- table_write.c: writing */

#define EASQ_COLUMNS 48			/* at most, of a table */
#define EASQ_WRITTEN_TOGETHER 64

struct EState;
struct ResultRelInfo;

/*
 * A table open for writing.  Rows are found by EasqScan under a snapshot that
 * the caller has made current, and the caller holds the model's lock: nobody else
 * changes them but by SQL.  A row that such a one has deleted is deleted without
 * a word (READ COMMITTED), any other change of theirs is ERROR 40001.
 *
 * ERROR 55000, with the name of what is in the way, where the table has row
 * triggers, foreign keys either way, or children.  Errors of constraints and
 * indexes are PostgreSQL's own.
 */
typedef struct EasqWriter
{
	Relation	table;
	MemoryContext context;
	struct EState *estate;		/* NULL: no row was stored yet */
	struct ResultRelInfo *result;	/* the table and its indexes */
	TupleTableSlot *row;		/* that is stored alone */
	bool		updates;		/* found to be allowed here, and so are deletions */
	bool		deletes;

	/* rows that wait to be written together */
	TupleTableSlot *waiting[EASQ_WRITTEN_TOGETHER];
	int			slots;			/* of them that are made */
	int			count;
	Size		bytes;
} EasqWriter;

extern void EasqWriterBegin(EasqWriter *writer, const char *table);
extern void EasqWriterInsert(EasqWriter *writer, const Datum *values, const bool *nulls);
/* The same for one of many: written with others, at the latest when the writing ends. */
extern void EasqWriterAdd(EasqWriter *writer, const Datum *values, const bool *nulls);
extern void EasqWriterUpdate(EasqWriter *writer, HeapTuple old, const Datum *values,
							 const bool *nulls, const bool *replaces);
extern void EasqWriterDelete(EasqWriter *writer, HeapTuple old);
/* Ends the writing and makes it visible to what the command does next. */
extern void EasqWriterEnd(EasqWriter *writer);

/* Is it the trigger by which the script keeps others from writing a table? */
extern bool EasqIsGuard(const Trigger *trigger);

/* Deletes the rows that the keys find; returns how many. */
extern int64 EasqDeleteRows(const char *table, const char *index, int nkeys, ScanKey keys);

#endif
