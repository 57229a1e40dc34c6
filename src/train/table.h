/*
 * A table of embeddings or factors while it is trained: its numbers, the
 * moments of Adam, and the gradient of one batch.
 *
 * A row that no row of a batch reads has no gradient: its moments and numbers
 * stay as they are until it is read again ("lazy Adam"; bias correction counts
 * all steps).
 */
#ifndef EASQ_TRAIN_TABLE_H
#define EASQ_TRAIN_TABLE_H

#include "postgres.h"

#include "store/model.h"

typedef struct EasqLearnedTable
{
	int			dim;
	Size		rows;
	float	   *numbers;		/* [rows, dim] */
	float	   *m;
	float	   *v;
	bool	   *dirty;			/* [rows] trained on since it was read */

	/* of one batch: only the rows that were read */
	uint32	   *place;			/* [rows] of the row among the touched ones, counted from 1; 0: not touched */
	int64	   *row;			/* [room] the touched rows */
	float	   *gradient;		/* [room, dim] */
	Size		count;
	Size		room;
} EasqLearnedTable;

/* Reads table number t of the model under the active snapshot, in the current context. */
extern void EasqLearnedTableRead(EasqLearnedTable *table, const EasqModel *model, int t);

/* Forgets the gradient of the last batch. */
extern void EasqLearnedTableClear(EasqLearnedTable *table);
/* The gradient of a row, to be added to; valid until the next call. */
extern float *EasqLearnedTableGradient(EasqLearnedTable *table, int64 row);
extern double EasqLearnedTableSquares(const EasqLearnedTable *table);
/* Adam on the rows that have a gradient. */
extern void EasqLearnedTableUpdate(EasqLearnedTable *table, int64 step, double rate, double clip);

/* Numbers and moments one after the other: visit is called for each of the three. */
extern void EasqLearnedTableVisit(const EasqLearnedTable *table, void (*visit) (float *numbers, Size count, void *arg), void *arg);

/*
 * Rows that no training has ever met become what row 0 is, where that was trained: what there is to say of a value that is not known.
 * Not in a table of more than a million rows.
 */
extern void EasqLearnedTableSettle(EasqLearnedTable *table);

extern bool EasqLearnedTableFinite(const EasqLearnedTable *table);
extern bool EasqLearnedTableIsZero(const EasqLearnedTable *table);

#endif
