#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "feature/floats.h"
#include "train/hold.h"
#include "train/pairs.h"

/* Pairs that a sample is to have, and fewest groups of a kind that its error can be told from. */
static const int wanted_pairs[EASQ_HELD_SAMPLES] = {8192, 16384};

#define GROUPS_MIN 8
#define GROUPS_MOST 1e18		/* of an answer in int64: a share may be as small as a double can */
#define PAIRS_PER_GROUP_MIN 32	/* of whole groups */
#define PAIRS_PER_TRAINED_MIN 4 /* of groups that are trained on: each pair costs them rows */
#define WHOLE_PART 0.25			/* of the pairs, and of the share of groups, where rows are held too */
#define GATE_PART 3				/* of so many trained groups one is the gate's, as of the pairs */

typedef struct Sample
{
	EasqHeld   *held;
	Size		room;
	int			groups[EASQ_HELD_KINDS];
	int			wanted;			/* pairs, of the kind that is being held */
	int			per_group;
} Sample;

typedef struct Collector
{
	EasqSpool  *spool;
	int			chunk;			/* read last */
	double		row_share;		/* of a group's rows; 0: whole groups alone */
	int			whole_groups;	/* most for each sample; 0: none */
	uint64		seed;
	Sample		sample[EASQ_HELD_SAMPLES];
	int			whole;			/* sample that whole groups are held for; behind the last: enough of them */
	EasqPairList pairs;			/* of one group */
	EasqRandom	random;
} Collector;

/* ---------------------------------------------------------------- samples */

static char *
copy_example(const EasqTrainRow *row)
{
	return memcpy(palloc(Max(row->length, 1)), row->example, row->length);
}

static void
add_pair(Sample *sample, const EasqTrainRow *chosen, const EasqTrainRow *rejected, int group)
{
	EasqHeld   *held = sample->held;

	if ((Size) held->count == sample->room)
	{
		sample->room = Max(1024, 2 * sample->room);
		held->pair = held->pair ? repalloc_huge(held->pair, sizeof(EasqPair) * sample->room) :
			palloc(sizeof(EasqPair) * sample->room);
		held->group = held->group ? repalloc_huge(held->group, sizeof(int) * sample->room) :
			palloc(sizeof(int) * sample->room);
	}
	held->pair[held->count] = (EasqPair) {
		copy_example(chosen), chosen->length, copy_example(rejected), rejected->length
	};
	held->group[held->count++] = group;
}

/* Pairs of the held rows of a group. */
static void
add_group(Collector *collector, Sample *sample, EasqHeldKind kind, const EasqTrainRow *rows, int start, int end)
{
	int			group = sample->groups[EASQ_NEW_GROUPS] + sample->groups[EASQ_TRAINED_GROUPS];

	collector->pairs.count = 0;
	EasqPairHeld(&collector->pairs, rows, start, end, sample->per_group, &collector->random);
	for (Size i = 0; i < collector->pairs.count; i++)
		add_pair(sample, &rows[collector->pairs.pair[i].chosen], &rows[collector->pairs.pair[i].rejected], group);
	if (collector->pairs.count == 0)
		return;
	sample->groups[kind]++;
	if (kind == EASQ_NEW_GROUPS)
		sample->held->of_new = sample->held->count;
}

static void
want(Sample *sample, int wanted, double groups, int least)
{
	sample->wanted = wanted;
	sample->per_group = Max(least, (int) ceil(wanted / Max(groups, 1)));
}

static void
want_whole(Collector *collector)
{
	double		part = collector->row_share > 0 ? WHOLE_PART : 1;

	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
		want(&collector->sample[i], (int) (part * wanted_pairs[i]), collector->whole_groups, PAIRS_PER_GROUP_MIN);
}

static void
want_rows(Collector *collector)
{
	double		part = collector->whole_groups > 0 ? 1 - WHOLE_PART : 1;
	double		groups = (double) EasqSpoolFacts(collector->spool)->groups_differing;

	want(&collector->sample[EASQ_GATE], (int) (part * wanted_pairs[EASQ_GATE]), groups / GATE_PART, PAIRS_PER_TRAINED_MIN);
	want(&collector->sample[EASQ_AUDIT], (int) (part * wanted_pairs[EASQ_AUDIT]), groups - groups / GATE_PART, PAIRS_PER_TRAINED_MIN);
}

/* ----------------------------------------------------------- whole groups */

static void
hold_whole(Collector *collector, const EasqTrainRow *rows, int start, int end)
{
	Sample	   *sample = &collector->sample[collector->whole];

	for (int i = start; i < end; i++)
		EasqSpoolHold(collector->spool, collector->chunk, i);
	add_group(collector, sample, EASQ_NEW_GROUPS, rows, start, end);
	if (sample->groups[EASQ_NEW_GROUPS] >= collector->whole_groups ||
		(sample->held->count >= sample->wanted && sample->groups[EASQ_NEW_GROUPS] >= GROUPS_MIN))
		collector->whole++;
}

/* ------------------------------------------------------------- some rows */

/* A group's rows by whether their label is above the mean: both sides lose the same share, and the rarer one is what counts. */
typedef struct Sides
{
	double		mean;
	int			rows[2];
	int			most[2];		/* rows that may be held */
} Sides;

static Sides
count_sides(const EasqTrainRow *rows, int start, int end)
{
	Sides		sides = {0};
	int			labelled = 0;

	for (int i = start; i < end; i++)
		if (!isnan(rows[i].label))
			sides.mean += (rows[i].label - sides.mean) / ++labelled;
	for (int i = start; i < end; i++)
		if (!isnan(rows[i].label))
			sides.rows[rows[i].label > sides.mean]++;
	return sides;
}

/* Of groups whose share of rows is less than a row of each side, as many lose one as the share says. */
static bool
may_hold(const Collector *collector, Sides *sides, int per_group, uint64 group)
{
	double		rarer = collector->row_share * Min(sides->rows[0], sides->rows[1]);
	int			enough = (int) ceil(sqrt(per_group));
	EasqRandom	random = {EasqMix(collector->seed, group)};

	if (Min(sides->rows[0], sides->rows[1]) < 2 || (rarer < 1 && EasqUniform(&random) >= rarer))
		return false;
	for (int side = 0; side < 2; side++)
		sides->most[side] = Min(Max((int) (collector->row_share * sides->rows[side]), 1), enough);
	return true;
}

static bool
has_enough_rows(const Sample *sample)
{
	return sample->held->count - sample->held->of_new >= sample->wanted;
}

static void
hold_rows(Collector *collector, const EasqTrainRow *rows, int start, int end)
{
	Sample	   *gate = &collector->sample[EASQ_GATE];
	Sample	   *audit = &collector->sample[EASQ_AUDIT];
	Sample	   *sample = EasqMix(rows[start].group, collector->seed) % GATE_PART == 0 ? gate : audit;
	Sides		sides = count_sides(rows, start, end);

	if (has_enough_rows(sample))
		sample = sample == gate ? audit : gate;
	if (has_enough_rows(sample) ||
		!may_hold(collector, &sides, sample->per_group, rows[start].group))
		return;
	for (int i = start; i < end; i++)
	{
		int			side = rows[i].label > sides.mean;

		if (isnan(rows[i].label) || sides.most[side] == 0)
			continue;
		sides.most[side]--;
		EasqSpoolHold(collector->spool, collector->chunk, i);
	}
	add_group(collector, sample, EASQ_TRAINED_GROUPS, rows, start, end);
}

/* -------------------------------------------------------------------- all */

static bool
is_full(const Collector *collector)
{
	return collector->whole == EASQ_HELD_SAMPLES &&
		(collector->row_share == 0 ||
		 (has_enough_rows(&collector->sample[EASQ_GATE]) && has_enough_rows(&collector->sample[EASQ_AUDIT])));
}

static void
hold_in_chunk(Collector *collector)
{
	int			count;
	int			end;
	const EasqTrainRow *rows = EasqSpoolRead(collector->spool, collector->chunk, &count);

	for (int start = 0; start < count; start = end)
	{
		CHECK_FOR_INTERRUPTS();
		for (end = start + 1; end < count && rows[end].group == rows[start].group; end++)
			;
		if (collector->whole < EASQ_HELD_SAMPLES)
		{
			hold_whole(collector, rows, start, end);
			if (collector->whole == EASQ_HELD_SAMPLES)
				want_rows(collector);
		}
		else if (collector->row_share > 0)
			hold_rows(collector, rows, start, end);
	}
}

/* A kind that has too few groups in one of the samples says nothing. */
static bool
enough_groups(const Collector *collector, EasqHeldKind kind)
{
	return collector->sample[EASQ_GATE].groups[kind] >= GROUPS_MIN &&
		collector->sample[EASQ_AUDIT].groups[kind] >= GROUPS_MIN;
}

/* Rows of groups beside fewer whole groups, or whole groups alone. */
static bool
try_to_hold(Collector *collector, double share, bool rows)
{
	double		groups = (double) EasqSpoolFacts(collector->spool)->groups_differing;
	int			whole = (int) Min(share * (rows ? WHOLE_PART : 1) * groups, 1e6);

	EasqSpoolHoldNone(collector->spool);
	collector->row_share = rows ? EASQ_HELD_SAMPLES * share : 0;
	collector->whole_groups = whole >= GROUPS_MIN ? whole : 0;
	collector->whole = collector->whole_groups > 0 ? 0 : EASQ_HELD_SAMPLES;
	collector->random.state = collector->seed;
	for (int i = 0; i < EASQ_HELD_SAMPLES; i++)
		collector->sample[i] = (Sample) {.held = palloc0(sizeof(EasqHeld))};
	if (collector->whole_groups > 0)
		want_whole(collector);
	else
		want_rows(collector);
	for (collector->chunk = 0; !is_full(collector) && collector->chunk < EasqSpoolChunks(collector->spool); collector->chunk++)
		hold_in_chunk(collector);
	return enough_groups(collector, rows ? EASQ_TRAINED_GROUPS : EASQ_NEW_GROUPS);
}

void
EasqHoldBack(EasqHold *hold, EasqSpool *spool, double share, uint64 seed)
{
	Collector	collector = {.spool = spool, .seed = seed};

	memset(hold, 0, sizeof(*hold));
	EasqPairsInit(&collector.pairs);
	hold->any = try_to_hold(&collector, share, true) || try_to_hold(&collector, share, false);
	if (!hold->any)
		EasqSpoolHoldNone(spool);
	for (int i = 0; hold->any && i < EASQ_HELD_SAMPLES; i++)
	{
		hold->sample[i] = collector.sample[i].held;
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
