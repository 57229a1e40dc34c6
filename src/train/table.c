#include "postgres.h"

#include "utils/memutils.h"

#include "core/kernel.h"
#include "core/step.h"
#include "feature/floats.h"
#include "store/weight.h"
#include "train/table.h"

#define ROOM 1024				/* rows that a batch touches, to begin with */
#define SETTLED_MOST ((Size) 1 << 20)	/* rows of a table: a larger one would be written whole by each training */

static void *
huge_zeros(Size bytes)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

void
EasqLearnedTableRead(EasqLearnedTable *table, const EasqModel *model, int t)
{
	const EasqTable *stored = &model->spec->table[t];
	Size		count = (Size) stored->rows * stored->dim;

	memset(table, 0, sizeof(*table));
	table->dim = stored->dim;
	table->rows = stored->rows;
	table->numbers = EasqFloats(count);
	table->m = EasqFloats(count);
	table->v = EasqFloats(count);
	EasqReadTable(model, t, table->numbers);
	EasqReadTableMoments(model, t, table->m, table->v);
	table->dirty = huge_zeros(table->rows);
	table->place = huge_zeros(sizeof(uint32) * table->rows);
	table->room = ROOM;
	table->row = palloc(sizeof(int64) * table->room);
	table->gradient = EasqFloats(table->room * table->dim);
}

void
EasqLearnedTableClear(EasqLearnedTable *table)
{
	for (Size i = 0; i < table->count; i++)
		table->place[table->row[i]] = 0;
	table->count = 0;
}

static void
grow(EasqLearnedTable *table)
{
	table->room *= 2;
	table->row = repalloc_huge(table->row, sizeof(int64) * table->room);
	table->gradient = repalloc_huge(table->gradient, sizeof(float) * table->room * table->dim);
}

float *
EasqLearnedTableGradient(EasqLearnedTable *table, int64 row)
{
	if (table->place[row] == 0)
	{
		if (table->count == table->room)
			grow(table);
		table->row[table->count++] = row;
		table->place[row] = (uint32) table->count;
		memset(table->gradient + (table->count - 1) * table->dim, 0, sizeof(float) * table->dim);
	}
	return table->gradient + (Size) (table->place[row] - 1) * table->dim;
}

double
EasqLearnedTableSquares(const EasqLearnedTable *table)
{
	return EasqSquares(table->count * table->dim, table->gradient);
}

void
EasqLearnedTableUpdate(EasqLearnedTable *table, int64 step, double rate, double clip)
{
	EasqAdamUpdateRows(table->count, table->dim, table->row, table->numbers, table->gradient,
					   table->m, table->v, step, rate, clip);
	for (Size i = 0; i < table->count; i++)
		table->dirty[table->row[i]] = true;
}

void
EasqLearnedTableVisit(const EasqLearnedTable *table, void (*visit) (float *numbers, Size count, void *arg), void *arg)
{
	visit(table->numbers, table->rows * table->dim, arg);
	visit(table->m, table->rows * table->dim, arg);
	visit(table->v, table->rows * table->dim, arg);
}

/* Adam's second moment is that of a row that had a gradient. */
static bool
is_met(const EasqLearnedTable *table, Size row)
{
	for (int i = 0; i < table->dim; i++)
		if (table->v[row * table->dim + i] != 0)
			return true;
	return false;
}

void
EasqLearnedTableSettle(EasqLearnedTable *table)
{
	if (!is_met(table, 0) || table->rows > SETTLED_MOST)
		return;
	for (Size row = 1; row < table->rows; row++)
	{
		if (is_met(table, row))
			continue;
		table->dirty[row] = true;
		memcpy(table->numbers + row * table->dim, table->numbers, sizeof(float) * table->dim);
	}
}

bool
EasqLearnedTableFinite(const EasqLearnedTable *table)
{
	return EasqAllFinite(table->rows * table->dim, table->numbers);
}

bool
EasqLearnedTableIsZero(const EasqLearnedTable *table)
{
	return EasqSquares(table->rows * table->dim, table->numbers) == 0;
}
