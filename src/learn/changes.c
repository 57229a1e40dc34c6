#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "learn/changes.h"

/* Of those of one key and value that are not alike, so many are kept as they are. */
#define KEPT_ALIKE 64

void
EasqChangesBegin(EasqChanges *changes, int kilobytes)
{
	memset(changes, 0, sizeof(*changes));
	changes->context = CurrentMemoryContext;
	changes->group_context = AllocSetContextCreate(CurrentMemoryContext, "easq group", ALLOCSET_SMALL_SIZES);
	for (int side = 0; side < EASQ_SIDES; side++)
		EasqSkippedInit(&changes->refused[side]);
	initStringInfo(&changes->packed);
	initStringInfo(&changes->returned);
	initStringInfo(&changes->next);
	EasqSortBeginBytes(&changes->sort, kilobytes);
}

void
EasqChangesEnd(EasqChanges *changes)
{
	EasqSortEnd(&changes->sort);
}

void
EasqChangesPut(EasqChanges *changes, const EasqAnswer *answer, EasqSide side)
{
	EasqAnswer	keyed = *answer;

	keyed.keyed |= changes->always_keyed;
	resetStringInfo(&changes->packed);
	appendStringInfoSpaces(&changes->packed, VARHDRSZ);
	EasqPackAnswer(&changes->packed, &keyed, side);
	SET_VARSIZE(changes->packed.data, changes->packed.len);
	EasqSortPut(&changes->sort, PointerGetDatum(changes->packed.data));
	changes->count[side]++;
}

/* An answer that was refused before and is refused for the same reason now is no news. */
static void
subtract_refused(EasqSkipped *now, const EasqSkipped *before)
{
	for (int i = 0; i < now->reasons; i++)
		for (int j = 0; j < before->reasons; j++)
			if (strcmp(now->reason[i], before->reason[j]) == 0)
				now->count[i] = Max(now->count[i] - before->count[j], 0);
}

static void
read_next(EasqChanges *changes)
{
	Datum		datum;
	bytea	   *value;

	changes->has_next = EasqSortNext(&changes->sort, &datum);
	if (!changes->has_next)
		return;
	value = (bytea *) DatumGetPointer(datum);
	resetStringInfo(&changes->next);
	appendBinaryStringInfo(&changes->next, VARDATA_ANY(value), (int) VARSIZE_ANY_EXHDR(value));
}

/* ------------------------------------------------------------- one group */

static bool
next_is_of_group(const EasqChanges *changes)
{
	return changes->has_next && memcmp(changes->next.data, changes->group, EASQ_PACKED_GROUP) == 0;
}

/* The bytes without the side and the time: 128 bits, so that those of a group need not be kept. */
static EasqAlike
alike_of(const StringInfoData *packed)
{
	const unsigned char *rest = (const unsigned char *) packed->data + EASQ_PACKED_ALIKE;
	int			length = packed->len - EASQ_PACKED_ALIKE;

	return (EasqAlike) {
		.hash = {DatumGetUInt64(hash_any_extended(rest, length, 1)), DatumGetUInt64(hash_any_extended(rest, length, 2))},
		.count = 1
	};
}

static int
compare_alike(const void *a, const void *b)
{
	return memcmp(((const EasqAlike *) a)->hash, ((const EasqAlike *) b)->hash, sizeof(((const EasqAlike *) a)->hash));
}

static void
add_before(EasqChanges *changes, const StringInfoData *packed)
{
	EasqAlike	alike = alike_of(packed);

	if (changes->befores > 0 && compare_alike(&changes->before[changes->befores - 1], &alike) == 0)
	{
		changes->before[changes->befores - 1].count++;
		return;
	}
	if (changes->befores == changes->room)
	{
		changes->room = Max(8, 2 * changes->room);
		changes->before = changes->before
			? repalloc_huge(changes->before, sizeof(EasqAlike) * (Size) changes->room)
			: MemoryContextAlloc(changes->context, sizeof(EasqAlike) * (Size) changes->room);
	}
	if (changes->befores < KEPT_ALIKE)
	{
		alike.packed = memcpy(MemoryContextAlloc(changes->group_context, packed->len), packed->data, packed->len);
		alike.length = packed->len;
	}
	changes->before[changes->befores++] = alike;
}

static void
begin_group(EasqChanges *changes)
{
	memcpy(changes->group, changes->next.data, EASQ_PACKED_GROUP);
	changes->in_group = true;
	changes->befores = 0;
	changes->ended = 0;
	MemoryContextReset(changes->group_context);
	while (next_is_of_group(changes) && EasqPackedSide(changes->next.data) == EASQ_BEFORE)
	{
		CHECK_FOR_INTERRUPTS();
		add_before(changes, &changes->next);
		read_next(changes);
	}
	if (changes->befores > 1)
		qsort(changes->before, changes->befores, sizeof(EasqAlike), compare_alike);
}

/* Takes one that is alike out of what was before; false: there is none. */
static bool
cancel(EasqChanges *changes, const EasqAlike *alike)
{
	EasqAlike  *found = changes->befores == 0 ? NULL :
		bsearch(alike, changes->before, changes->befores, sizeof(EasqAlike), compare_alike);

	if (found == NULL || found->count == 0)
		return false;
	found->count--;
	changes->cancelled++;
	return true;
}

static void
fill(EasqChanges *changes, EasqSide side, int64 count, const char *packed, int length, EasqChange *change)
{
	memset(change, 0, sizeof(*change));
	change->side = side;
	change->count = count;
	memcpy(change->key, changes->group, EASQ_KEY_BYTES);
	memcpy(&change->answer, changes->group + EASQ_KEY_BYTES, sizeof(double));
	if (packed == NULL)
		return;
	resetStringInfo(&changes->packed);
	appendBinaryStringInfo(&changes->packed, packed, length);
	change->packed = changes->packed.data;
	change->length = length;
}

/* The next that is left of the group's befores; false: nothing, and the group is done. */
static bool
end_group(EasqChanges *changes, EasqChange *change)
{
	while (changes->ended < changes->befores)
	{
		const EasqAlike *alike = &changes->before[changes->ended++];

		if (alike->count == 0)
			continue;
		fill(changes, EASQ_BEFORE, alike->count, alike->packed, alike->length, change);
		return true;
	}
	changes->in_group = false;
	return false;
}

/* The next change that is left, its bytes in changes->packed. */
static bool
advance(EasqChanges *changes, EasqChange *change)
{
	while (changes->in_group || changes->has_next)
	{
		EasqAlike	alike;

		CHECK_FOR_INTERRUPTS();
		if (!changes->in_group)
			begin_group(changes);
		if (!next_is_of_group(changes))
		{
			if (end_group(changes, change))
				return true;
			continue;
		}
		alike = alike_of(&changes->next);
		if (!cancel(changes, &alike))
		{
			fill(changes, EASQ_NOW, 1, changes->next.data, changes->next.len, change);
			read_next(changes);
			return true;
		}
		read_next(changes);
	}
	return false;
}

void
EasqChangesSettle(EasqChanges *changes)
{
	changes->uncertain[EASQ_NOW] = Max(changes->uncertain[EASQ_NOW] - changes->uncertain[EASQ_BEFORE], 0);
	subtract_refused(&changes->refused[EASQ_NOW], &changes->refused[EASQ_BEFORE]);
	EasqSortPerform(&changes->sort);
	read_next(changes);
	changes->has_ahead = advance(changes, &changes->ahead);
}

bool
EasqChangesEmpty(const EasqChanges *changes)
{
	return !changes->has_ahead && changes->uncertain[EASQ_NOW] == 0;
}

bool
EasqChangesNext(EasqChanges *changes, EasqChange *change)
{
	StringInfoData swap = changes->returned;

	if (!changes->has_ahead)
		return false;
	*change = changes->ahead;
	changes->returned = changes->packed;
	changes->packed = swap;
	changes->has_ahead = advance(changes, &changes->ahead);
	return true;
}
