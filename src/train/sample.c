#include "postgres.h"

#include "utils/memutils.h"

#include "train/sample.h"

void
EasqSampleInit(EasqPairSample *sample, int capacity)
{
	memset(sample, 0, sizeof(*sample));
	sample->context = CurrentMemoryContext;
	sample->reservoir.capacity = capacity / 2;
	sample->pair = MemoryContextAllocExtended(sample->context, sizeof(EasqRehearsed) * Max(capacity, 1),
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static char *
copy_example(EasqPairSample *sample, const EasqTrainRow *row)
{
	return memcpy(MemoryContextAlloc(sample->context, Max(row->length, 1)), row->example, row->length);
}

static EasqRehearsed
copy_pair(EasqPairSample *sample, const EasqTrainRow *rows, const EasqRowPair *pair)
{
	const EasqTrainRow *chosen = &rows[pair->chosen];
	const EasqTrainRow *rejected = &rows[pair->rejected];

	return (EasqRehearsed) {
		.pair = {copy_example(sample, chosen), chosen->length, copy_example(sample, rejected), rejected->length}
	};
}

static void
free_pair(EasqRehearsed *rehearsed)
{
	if (rehearsed->pair.chosen == NULL)
		return;
	pfree(rehearsed->pair.chosen);
	pfree(rehearsed->pair.rejected);
}

static void
replace_pair(EasqRehearsed *place, EasqRehearsed with)
{
	free_pair(place);
	*place = with;
}

static void
add_couple(EasqPairSample *sample, const EasqTrainRow *rows, const EasqRowPair *couple)
{
	int			place = EasqReservoirPlace(&sample->reservoir);

	for (int i = 0; place >= 0 && i < 2; i++)
		replace_pair(&sample->pair[2 * place + i], copy_pair(sample, rows, &couple[i]));
}

static void
add_lone(EasqPairSample *sample, const EasqTrainRow *rows, const EasqRowPair *pair)
{
	int			place;

	if (!sample->waits)
	{
		replace_pair(&sample->lone, copy_pair(sample, rows, pair));
		sample->waits = true;
		return;
	}
	sample->waits = false;
	place = EasqReservoirPlace(&sample->reservoir);
	if (place < 0)
		return;
	replace_pair(&sample->pair[2 * place], sample->lone);
	memset(&sample->lone, 0, sizeof(sample->lone));
	replace_pair(&sample->pair[2 * place + 1], copy_pair(sample, rows, pair));
}

void
EasqSamplePairs(EasqPairSample *sample, const EasqPairList *list, const EasqTrainRow *rows)
{
	Size		i = 0;

	while (i < list->count)
	{
		const EasqRowPair *pair = &list->pair[i];

		if (i + 1 < list->count && rows[pair[0].chosen].group == rows[pair[1].chosen].group)
		{
			add_couple(sample, rows, pair);
			i += 2;
		}
		else
		{
			add_lone(sample, rows, pair);
			i++;
		}
	}
}

int
EasqSampleCount(const EasqPairSample *sample)
{
	return 2 * sample->reservoir.count;
}
