#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "train/answer_sample.h"

void
EasqAnswerSampleInit(EasqAnswerSample *kept, int capacity, uint64 seed)
{
	memset(kept, 0, sizeof(*kept));
	kept->context = CurrentMemoryContext;
	kept->random.state = seed;
	kept->capacity = capacity;
	kept->row = MemoryContextAllocExtended(kept->context, sizeof(EasqTrainRow) * Max(capacity, 1),
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static bool
is_of_kind(const EasqSampledKind *kind, double answer)
{
	return isnan(kind->value) || kind->value == answer;
}

/* One more value than are told apart: all are of one kind from here on. */
static EasqSampledKind *
mix_kinds(EasqAnswerSample *kept)
{
	EasqSampledKind all = {.value = NAN};

	for (int i = 0; i < kept->kinds; i++)
	{
		all.kept += kept->kind[i].kept;
		all.seen += kept->kind[i].seen;
	}
	kept->kind[0] = all;
	kept->kinds = 1;
	return &kept->kind[0];
}

static EasqSampledKind *
find_kind(EasqAnswerSample *kept, double answer)
{
	for (int i = 0; i < kept->kinds; i++)
		if (is_of_kind(&kept->kind[i], answer))
			return &kept->kind[i];
	if (kept->kinds == EASQ_SAMPLED_VALUES)
		return mix_kinds(kept);
	kept->kind[kept->kinds] = (EasqSampledKind) {.value = answer};
	return &kept->kind[kept->kinds++];
}

static EasqSampledKind *
most_common(EasqAnswerSample *kept)
{
	EasqSampledKind *most = &kept->kind[0];

	for (int i = 1; i < kept->kinds; i++)
		if (kept->kind[i].kept > most->kept)
			most = &kept->kind[i];
	return most;
}

/* One of a kind's places: a kind that is asked for this has its share of all, so that a few draws find one. */
static int
draw_place(EasqAnswerSample *kept, const EasqSampledKind *kind)
{
	int			place;

	do
		place = (int) EasqBelow(&kept->random, (uint64) kept->count);
	while (!is_of_kind(kind, kept->row[place].answer));
	return place;
}

/*
 * Where the next answer of a kind goes, -1: nowhere.  A kind that has lost none yet takes a place of the
 * most common kind; the others are at their share, and each is a reservoir of its own.
 */
static int
find_place(EasqAnswerSample *kept, EasqSampledKind *kind)
{
	bool		complete = kind->seen == kind->kept;
	EasqSampledKind *most;

	kind->seen++;
	if (kept->count < kept->capacity)
	{
		kind->kept++;
		return kept->count++;
	}
	if (kept->capacity == 0)
		return -1;
	most = most_common(kept);
	if (complete && kind->kept < most->kept)
	{
		int			place = draw_place(kept, most);

		most->kept--;
		kind->kept++;
		return place;
	}
	return EasqBelow(&kept->random, (uint64) kind->seen) < (uint64) kind->kept ? draw_place(kept, kind) : -1;
}

static void
free_row(EasqTrainRow *row)
{
	if (row->example)
		pfree((char *) row->example);
	if (row->respondent_text)
		pfree((char *) row->respondent_text);
}

void
EasqSampleAnswer(EasqAnswerSample *kept, const EasqTrainRow *row)
{
	int			place = find_place(kept, find_kind(kept, row->answer));
	EasqTrainRow *copy = &kept->row[Max(place, 0)];

	if (place < 0)
		return;
	free_row(copy);
	*copy = *row;
	copy->example = memcpy(MemoryContextAlloc(kept->context, Max(row->length, 1)), row->example, row->length);
	if (row->respondent_text)
		copy->respondent_text = MemoryContextStrdup(kept->context, row->respondent_text);
}

static int
by_number(const void *a, const void *b)
{
	int64		x = ((const EasqTrainRow *) a)->number;
	int64		y = ((const EasqTrainRow *) b)->number;

	return x < y ? -1 : x > y;
}

void
EasqAnswerSampleFinish(EasqAnswerSample *kept)
{
	qsort(kept->row, kept->count, sizeof(EasqTrainRow), by_number);
}
