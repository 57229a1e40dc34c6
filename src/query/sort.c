#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"

#include "compat.h"
#include "core/kernel.h"
#include "query/sort.h"

#define AHEAD 8					/* values that are fetched before their turn, and how much of each */
#define AHEAD_LINES 3
#define CACHE_LINE 64
/* Of blocks of values: the first, each next one twice as large, the largest. */
#define FIRST_BLOCK_BYTES ((Size) 8 * 1024)
#define BLOCK_BYTES ((Size) 1024 * 1024)
#define FIRST_ROOM 64

static void
init(EasqSort *sort)
{
	memset(sort, 0, sizeof(*sort));
	sort->home = CurrentMemoryContext;
	sort->owner = CurrentResourceOwner;
}

/* The last argument, no random access, is false up to PostgreSQL 14 and 0 from 15 on. */
static void
begin(EasqSort *sort, Oid type, Oid less, int kilobytes)
{
	MemoryContext old = MemoryContextSwitchTo(sort->home);

	sort->state = tuplesort_begin_datum(type, less, InvalidOid, false, kilobytes, NULL, 0);
	MemoryContextSwitchTo(old);
}

/* Temporary files go to the sort's owner. */
static void
put_datum(EasqSort *sort, Datum value)
{
	ResourceOwner owner = CurrentResourceOwner;

	CurrentResourceOwner = sort->owner;
	tuplesort_putdatum(sort->state, value, false);
	CurrentResourceOwner = owner;
}

void
EasqSortBeginBytes(EasqSort *sort, int kilobytes)
{
	init(sort);
	/* While it spills, a half is still here and the other in PostgreSQL's sort. */
	sort->kilobytes = Max(kilobytes / 2, 64);
	sort->context = AllocSetContextCreate(CurrentMemoryContext, "easq sort", ALLOCSET_DEFAULT_SIZES);
}

void
EasqSortBeginInt8(EasqSort *sort, int kilobytes)
{
	init(sort);
	sort->by_value = FLOAT8PASSBYVAL;
	begin(sort, INT8OID, Int8LessOperator, kilobytes);
}

/* ------------------------------------------------------------- in memory */

/* The first bytes as a number that compares like them; too short ones are filled up with zeros. */
static uint64
leading(const char *bytes, Size length)
{
	uint64		word = 0;

	memcpy(&word, bytes, Min(length, sizeof(word)));
	return pg_ntoh64(word);
}

static bytea *
copy_value(EasqSort *sort, const bytea *value)
{
	Size		size = MAXALIGN(VARSIZE_ANY(value));
	char	   *copy;

	if (size > sort->block_left)
	{
		sort->block_left = Max(size, Min(Max(sort->bytes, FIRST_BLOCK_BYTES), BLOCK_BYTES));
		sort->block = MemoryContextAllocHuge(sort->context, sort->block_left);
		sort->bytes += sort->block_left;
	}
	copy = sort->block;
	memcpy(copy, value, VARSIZE_ANY(value));
	sort->block += size;
	sort->block_left -= size;
	return (bytea *) copy;
}

static void
hold(EasqSort *sort, const bytea *value)
{
	const char *bytes = VARDATA_ANY(value);
	Size		length = VARSIZE_ANY_EXHDR(value);
	EasqSorted *sorted;

	if (sort->count == sort->room)
	{
		sort->room = Max(FIRST_ROOM, 2 * sort->room);
		sort->sorted = sort->sorted ? repalloc_huge(sort->sorted, sizeof(EasqSorted) * sort->room) :
			MemoryContextAlloc(sort->context, sizeof(EasqSorted) * sort->room);
	}
	sorted = &sort->sorted[sort->count++];
	sorted->first = leading(bytes, length);
	sorted->second = length > sizeof(uint64) ? leading(bytes + sizeof(uint64), length - sizeof(uint64)) : 0;
	sorted->value = copy_value(sort, value);
}

static int
compare(const void *a, const void *b)
{
	const EasqSorted *x = a;
	const EasqSorted *y = b;
	Size		x_length;
	Size		y_length;
	int			c;

	CHECK_FOR_INTERRUPTS();
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->second != y->second)
		return x->second < y->second ? -1 : 1;
	x_length = VARSIZE_ANY_EXHDR(x->value);
	y_length = VARSIZE_ANY_EXHDR(y->value);
	c = memcmp(VARDATA_ANY(x->value), VARDATA_ANY(y->value), Min(x_length, y_length));
	return c != 0 ? c : x_length < y_length ? -1 : x_length > y_length;
}

/* Bytes with one value more: an array that grows stands beside the larger one. */
static Size
needed(const EasqSort *sort)
{
	return sort->bytes + sizeof(EasqSorted) * (sort->count == sort->room ? 3 * sort->room : sort->room);
}

static void
free_held(EasqSort *sort)
{
	if (sort->context)
		MemoryContextDelete(sort->context);
	sort->context = NULL;
}

/* Hands what is in memory over to PostgreSQL's sort. */
static void
spill(EasqSort *sort)
{
	begin(sort, BYTEAOID, ByteaLessOperator, sort->kilobytes);
	for (Size i = 0; i < sort->count; i++)
		put_datum(sort, PointerGetDatum(sort->sorted[i].value));
	free_held(sort);
}

/* ------------------------------------------------------------------ both */

void
EasqSortPut(EasqSort *sort, Datum value)
{
	if (sort->state == NULL && needed(sort) > (Size) sort->kilobytes * 1024)
		spill(sort);
	if (sort->state)
		put_datum(sort, value);
	else
		hold(sort, (const bytea *) DatumGetPointer(value));
}

void
EasqSortPerform(EasqSort *sort)
{
	ResourceOwner owner = CurrentResourceOwner;

	CurrentResourceOwner = sort->owner;
	if (sort->state)
		tuplesort_performsort(sort->state);
	else if (sort->count > 0)
		qsort(sort->sorted, sort->count, sizeof(EasqSorted), compare);
	CurrentResourceOwner = owner;
}

bool
EasqSortNext(EasqSort *sort, Datum *value)
{
	MemoryContext old;
	bool		found;
	bool		isnull;

	if (sort->state == NULL)
	{
		if (sort->next == sort->count)
			return false;
		if (sort->next + AHEAD < sort->count)
			for (int line = 0; line < AHEAD_LINES; line++)
				EASQ_PREFETCH((char *) sort->sorted[sort->next + AHEAD].value + line * CACHE_LINE);
		*value = PointerGetDatum(sort->sorted[sort->next++].value);
		return true;
	}
	if (sort->last)
		pfree(sort->last);
	sort->last = NULL;
	old = MemoryContextSwitchTo(sort->home);
	found = EasqNextDatum(sort->state, value, &isnull);
	MemoryContextSwitchTo(old);
	if (found && !sort->by_value && !EASQ_SORT_LENDS)
		sort->last = DatumGetPointer(*value);
	return found;
}

void
EasqSortEnd(EasqSort *sort)
{
	if (sort->last)
		pfree(sort->last);
	sort->last = NULL;
	if (sort->state)
		tuplesort_end(sort->state);
	sort->state = NULL;
	free_held(sort);
	sort->count = sort->next = 0;
}
