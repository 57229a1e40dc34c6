#include "postgres.h"

#include "utils/memutils.h"

#include "train/sample.h"

void
EasqSampleInit(EasqPairSample *sample, int capacity)
{
	memset(sample, 0, sizeof(*sample));
	sample->context = CurrentMemoryContext;
	sample->reservoir.capacity = capacity;
	sample->pair = MemoryContextAllocExtended(sample->context, sizeof(EasqPair) * Max(capacity, 1),
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static char *
copy_example(EasqPairSample *sample, const EasqTrainRow *row)
{
	return memcpy(MemoryContextAlloc(sample->context, Max(row->length, 1)), row->example, row->length);
}

void
EasqSamplePairs(EasqPairSample *sample, const EasqPairList *list, const EasqTrainRow *rows)
{
	for (Size i = 0; i < list->count; i++)
	{
		int			place = EasqReservoirPlace(&sample->reservoir);
		EasqPair   *pair;

		if (place < 0)
			continue;
		pair = &sample->pair[place];
		if (pair->chosen)
		{
			pfree(pair->chosen);
			pfree(pair->rejected);
		}
		pair->chosen = copy_example(sample, &rows[list->pair[i].chosen]);
		pair->chosen_length = rows[list->pair[i].chosen].length;
		pair->rejected = copy_example(sample, &rows[list->pair[i].rejected]);
		pair->rejected_length = rows[list->pair[i].rejected].length;
	}
}
