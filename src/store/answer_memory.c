#include "postgres.h"

#include <math.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "store/columns.h"
#include "store/answer_memory.h"

/* Answers that are read in a row in the time of one look-up. */
#define READ_FOR_A_LOOKUP 8

struct EasqAnswerMemory
{
	EasqAnswer *answer;			/* [count] by ordinal */
	const EasqAnswer **by_value;	/* [count] by value, then ordinal */
	int			count;
	int		   *bucket;			/* [buckets] by respondent: the newest of a chain, -1: none */
	int		   *older;			/* [count] the next of its chain */
	uint32		buckets;		/* a power of 2 */
};

static uint32
bucket_of(const EasqAnswerMemory *memory, const char *respondent)
{
	return hash_bytes((const unsigned char *) respondent, (int) strlen(respondent)) & (memory->buckets - 1);
}

static void
chain_by_respondent(EasqAnswerMemory *memory)
{
	memory->buckets = pg_nextpower2_32((uint32) Max(memory->count, 1));
	memory->bucket = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * (Size) memory->buckets);
	memory->older = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int) * (Size) Max(memory->count, 1));
	memset(memory->bucket, -1, sizeof(int) * (Size) memory->buckets);
	for (int i = 0; i < memory->count; i++)
	{
		int		   *newest;

		if (memory->answer[i].respondent == NULL)
			continue;
		newest = &memory->bucket[bucket_of(memory, memory->answer[i].respondent)];
		memory->older[i] = *newest;
		*newest = i;
	}
}

static const EasqAnswer *
first_of_chain(const EasqAnswerMemory *memory, int i, const char *respondent)
{
	while (i >= 0 && strcmp(memory->answer[i].respondent, respondent) != 0)
		i = memory->older[i];
	return i < 0 ? NULL : &memory->answer[i];
}

const EasqAnswer *
EasqAnswerMemoryNewest(const EasqAnswerMemory *memory, const char *respondent)
{
	return first_of_chain(memory, memory->bucket[bucket_of(memory, respondent)], respondent);
}

const EasqAnswer *
EasqAnswerMemoryOlder(const EasqAnswerMemory *memory, const EasqAnswer *answer)
{
	return first_of_chain(memory, memory->older[answer - memory->answer], answer->respondent);
}

static int
compare_value(const void *a, const void *b)
{
	const EasqAnswer *x = *(const EasqAnswer *const *) a;
	const EasqAnswer *y = *(const EasqAnswer *const *) b;

	if (x->answer != y->answer)
		return x->answer < y->answer ? -1 : 1;
	return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

void
EasqAnswersToMemory(EasqModel *model, int draws)
{
	int			room = Max(EasqAnswerCountsTotal(&model->adapter.counts), 1);
	EasqAnswerMemory *memory;
	ScanKeyData keys[EASQ_OWNER_KEYS];
	EasqScan	scan;
	HeapTuple	tuple;

	model->memory = NULL;
	if ((int64) draws * READ_FOR_A_LOOKUP < room)
		return;
	memory = palloc0(sizeof(EasqAnswerMemory));
	memory->answer = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswer) * (Size) room);
	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqScanBegin(&scan, "answer", "answer_pkey", AccessShareLock, GetActiveSnapshot(), EASQ_OWNER_KEYS, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		CHECK_FOR_INTERRUPTS();
		if (memory->count == room)
			memory->answer = repalloc_huge(memory->answer, sizeof(EasqAnswer) * (Size) (room *= 2));
		EasqReadAnswerRow(&scan, tuple, &memory->answer[memory->count++]);
	}
	EasqScanEnd(&scan);
	memory->by_value = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswer *) * (Size) room);
	for (int i = 0; i < memory->count; i++)
		memory->by_value[i] = &memory->answer[i];
	if (memory->count > 1)
		qsort(memory->by_value, memory->count, sizeof(EasqAnswer *), compare_value);
	chain_by_respondent(memory);
	model->memory = memory;
}

/* Does an answer come before the first of a value (NaN: of any) with this ordinal? */
static bool
is_before(const EasqAnswer *answer, double value, int64 from)
{
	if (!isnan(value) && answer->answer != value)
		return answer->answer < value;
	return answer->ordinal < from;
}

static const EasqAnswer *
at(const EasqAnswerMemory *memory, double value, int i)
{
	return isnan(value) ? &memory->answer[i] : memory->by_value[i];
}

static bool
is_of(const EasqAnswer *answer, double value)
{
	return isnan(value) || answer->answer == value;
}

bool
EasqAnswerMemoryFind(const EasqAnswerMemory *memory, double value, int64 from, EasqAnswer *found)
{
	int			low = 0;
	int			high = memory->count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (is_before(at(memory, value, middle), value, from))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == memory->count || !is_of(at(memory, value, low), value))
		low--;
	if (low < 0 || !is_of(at(memory, value, low), value))
		return false;
	*found = *at(memory, value, low);
	return true;
}
