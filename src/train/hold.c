#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "feature/floats.h"
#include "train/hold.h"
#include "train/pairs.h"

/* Pairs that a sample is to have, and fewest groups that its error can be told from. */
static const int wanted_pairs[EASQ_HELD_SAMPLES] = {8192, 16384};

#define GROUPS_MIN 8
#define PAIRS_PER_GROUP_MIN 32
#define GROUPS_MOST 1e18		/* of an answer in int64: a share may be as small as a double can */

typedef struct Collector
{
	EasqHold   *hold;
	int			sample;			/* being filled */
	int			groups;			/* in it */
	int			most_groups;
	Size		room;
	EasqPairList pairs;			/* of one group */
	EasqRandom	random;
} Collector;

static char *
copy_example(const EasqTrainRow *row)
{
	return memcpy(palloc(Max(row->length, 1)), row->example, row->length);
}

static void
add_pair(Collector *collector, EasqHeld *held, const EasqTrainRow *chosen, const EasqTrainRow *rejected)
{
	if ((Size) held->count == collector->room)
	{
		collector->room = Max(1024, 2 * collector->room);
		held->pair = held->pair ? repalloc_huge(held->pair, sizeof(EasqPair) * collector->room) :
			palloc(sizeof(EasqPair) * collector->room);
		held->group = held->group ? repalloc_huge(held->group, sizeof(int) * collector->room) :
			palloc(sizeof(int) * collector->room);
	}
	held->pair[held->count] = (EasqPair) {
		copy_example(chosen), chosen->length, copy_example(rejected), rejected->length
	};
	held->group[held->count++] = collector->groups;
}

/* True where the sample has all that it wants. */
static bool
add_group(Collector *collector, const EasqTrainRow *rows, int start, int end)
{
	EasqHeld   *held = collector->hold->sample[collector->sample];
	int			wanted = wanted_pairs[collector->sample];

	collector->pairs.count = 0;
	EasqDrawPairs(&collector->pairs, rows, start, end,
				  Max(PAIRS_PER_GROUP_MIN, (wanted + collector->most_groups - 1) / collector->most_groups),
				  &collector->random);
	if (collector->pairs.count == 0)
		return false;
	for (Size i = 0; i < collector->pairs.count; i++)
		add_pair(collector, held, &rows[collector->pairs.pair[i].chosen], &rows[collector->pairs.pair[i].rejected]);
	collector->groups++;
	return collector->groups >= collector->most_groups ||
		(held->count >= wanted && collector->groups >= GROUPS_MIN);
}

/* True where all samples are full. */
static bool
add_chunk(Collector *collector, const EasqTrainRow *rows, int count)
{
	int			end;

	for (int start = 0; start < count; start = end)
	{
		CHECK_FOR_INTERRUPTS();
		for (end = start + 1; end < count && rows[end].group == rows[start].group; end++)
			;
		collector->hold->last_group = rows[start].group;
		if (!add_group(collector, rows, start, end))
			continue;
		collector->groups = 0;
		collector->room = 0;
		if (++collector->sample == EASQ_HELD_SAMPLES)
			return true;
	}
	return false;
}

void
EasqHoldBack(EasqHold *hold, EasqSpool *spool, double share, uint64 seed)
{
	Collector	collector = {
		.hold = hold,
		.most_groups = (int) Min(share * (double) EasqSpoolFacts(spool)->groups_differing, 1e6),
		.random = {seed}
	};

	memset(hold, 0, sizeof(*hold));
	if (collector.most_groups < GROUPS_MIN)
		return;
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
		hold->sample[i] = palloc0(sizeof(EasqHeld));
	EasqPairsInit(&collector.pairs);
	for (int chunk = 0; !hold->any && chunk < EasqSpoolChunks(spool); chunk++)
	{
		int			count;
		const EasqTrainRow *rows = EasqSpoolRead(spool, chunk, &count);

		hold->any = add_chunk(&collector, rows, count);
	}
	for (int i = 0; hold->any && i < EASQ_HELD_SAMPLES; i++)
	{
		hold->sample[i]->trained = EasqFloats((Size) hold->sample[i]->count);
		hold->sample[i]->weight = EasqFloats((Size) hold->sample[i]->count);
	}
	pfree(collector.pairs.pair);
}

int64
EasqGroupsNeeded(double share)
{
	return (int64) Min(ceil(GROUPS_MIN / share), GROUPS_MOST);
}

int
EasqHeldRows(const EasqHold *hold, const EasqTrainRow *rows, int count)
{
	int			held = 0;

	while (hold->any && held < count && rows[held].group <= hold->last_group)
		held++;
	return held;
}
