#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "core/random.h"
#include "query/distinct.h"

#define FIRST_ROOM 64
#define MOST_ROOM (1 << 17)		/* a megabyte */
#define ESTIMATE_BITS 14

void
EasqDistinctInit(EasqDistinct *distinct)
{
	memset(distinct, 0, sizeof(*distinct));
	distinct->room = FIRST_ROOM;
	distinct->set = palloc0(sizeof(uint64) * FIRST_ROOM);
	initHyperLogLog(&distinct->estimate, ESTIMATE_BITS);
}

static void
insert(EasqDistinct *distinct, uint64 hash)
{
	uint32		place = (uint32) hash & (distinct->room - 1);

	while (distinct->set[place] != 0 && distinct->set[place] != hash)
		place = (place + 1) & (distinct->room - 1);
	distinct->taken += distinct->set[place] == 0;
	distinct->set[place] = hash;
}

static void
grow(EasqDistinct *distinct)
{
	uint64	   *before = distinct->set;
	uint32		room = distinct->room;

	distinct->set = NULL;
	if (room < MOST_ROOM)
	{
		distinct->room = 2 * room;
		distinct->taken = 0;
		distinct->set = MemoryContextAllocZero(GetMemoryChunkContext(before), sizeof(uint64) * distinct->room);
		for (uint32 i = 0; i < room; i++)
			if (before[i] != 0)
				insert(distinct, before[i]);
	}
	pfree(before);
}

void
EasqDistinctAdd(EasqDistinct *distinct, uint64 hash)
{
	hash = EasqMix(hash, 0);	/* those of short texts are alike in some bits */
	addHyperLogLog(&distinct->estimate, (uint32) hash);
	if (hash == 0)
		distinct->zero = true;
	else if (distinct->set)
		insert(distinct, hash);
	if (distinct->set && 4 * distinct->taken > 3 * distinct->room)
		grow(distinct);
}

int64
EasqDistinctCount(EasqDistinct *distinct)
{
	return distinct->set ? (int64) distinct->taken + distinct->zero : (int64) rint(estimateHyperLogLog(&distinct->estimate));
}
