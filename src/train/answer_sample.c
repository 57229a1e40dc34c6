#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "train/answer_sample.h"

void
EasqAnswerSampleInit(EasqAnswerSample *sample, int capacity, uint64 seed)
{
	memset(sample, 0, sizeof(*sample));
	sample->context = CurrentMemoryContext;
	sample->random.state = seed;
	sample->capacity = capacity;
	sample->row = MemoryContextAllocExtended(sample->context, sizeof(EasqTrainRow) * Max(capacity, 1),
										   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static bool
is_of_kind(const EasqSampledKind *kind, double answer)
{
	return isnan(kind->value) || kind->value == answer;
}

/* One more value than are told apart: all are of one kind from here on. */
static EasqSampledKind *
mix_kinds(EasqAnswerSample *sample)
{
	EasqSampledKind all = {.value = NAN};

	for (int i = 0; i < sample->kinds; i++)
	{
		all.sampled += sample->kind[i].sampled;
		all.seen += sample->kind[i].seen;
	}
	sample->kind[0] = all;
	sample->kinds = 1;
	return &sample->kind[0];
}

static EasqSampledKind *
find_kind(EasqAnswerSample *sample, double answer)
{
	for (int i = 0; i < sample->kinds; i++)
		if (is_of_kind(&sample->kind[i], answer))
			return &sample->kind[i];
	if (sample->kinds == EASQ_SAMPLED_VALUES)
		return mix_kinds(sample);
	sample->kind[sample->kinds] = (EasqSampledKind) {.value = answer};
	return &sample->kind[sample->kinds++];
}

static EasqSampledKind *
most_common(EasqAnswerSample *sample)
{
	EasqSampledKind *most = &sample->kind[0];

	for (int i = 1; i < sample->kinds; i++)
		if (sample->kind[i].sampled > most->sampled)
			most = &sample->kind[i];
	return most;
}

/* One of a kind's places: a kind that is asked for this has its share of all, so that a few draws find one. */
static int
draw_place(EasqAnswerSample *sample, const EasqSampledKind *kind)
{
	int			place;

	do
		place = (int) EasqBelow(&sample->random, (uint64) sample->count);
	while (!is_of_kind(kind, sample->row[place].answer));
	return place;
}

/*
 * Where the next answer of a kind goes, -1: nowhere.  A kind that has lost none yet takes a place of the
 * most common kind; the others are at their share, and each is a reservoir of its own.
 */
static int
find_place(EasqAnswerSample *sample, EasqSampledKind *kind)
{
	bool		complete = kind->seen == kind->sampled;
	EasqSampledKind *most;

	kind->seen++;
	if (sample->count < sample->capacity)
	{
		kind->sampled++;
		return sample->count++;
	}
	if (sample->capacity == 0)
		return -1;
	most = most_common(sample);
	if (complete && kind->sampled < most->sampled)
	{
		int			place = draw_place(sample, most);

		most->sampled--;
		kind->sampled++;
		return place;
	}
	return EasqBelow(&sample->random, (uint64) kind->seen) < (uint64) kind->sampled ? draw_place(sample, kind) : -1;
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
EasqSampleAnswer(EasqAnswerSample *sample, const EasqTrainRow *row)
{
	int			place = find_place(sample, find_kind(sample, row->answer));
	EasqTrainRow *copy = &sample->row[Max(place, 0)];

	if (place < 0)
		return;
	free_row(copy);
	*copy = *row;
	copy->example = memcpy(MemoryContextAlloc(sample->context, Max(row->length, 1)), row->example, row->length);
	if (row->respondent_text)
		copy->respondent_text = MemoryContextStrdup(sample->context, row->respondent_text);
}

static int
by_number(const void *a, const void *b)
{
	int64		x = ((const EasqTrainRow *) a)->number;
	int64		y = ((const EasqTrainRow *) b)->number;

	return x < y ? -1 : x > y;
}

void
EasqAnswerSampleFinish(EasqAnswerSample *sample)
{
	qsort(sample->row, sample->count, sizeof(EasqTrainRow), by_number);
}
