#include "stream.h"

#include <stdlib.h>

void
ShuffleInts(int *array, int count, EasqRandom *random)
{
	for (int i = count - 1; i > 0; i--)
	{
		int			j = (int) EasqBelow(random, (uint64_t) i + 1);
		int			swap = array[i];

		array[i] = array[j];
		array[j] = swap;
	}
}

static void
shuffle_pairs(RowPair *pairs, int count, EasqRandom *random)
{
	for (int i = count - 1; i > 0; i--)
	{
		int			j = (int) EasqBelow(random, (uint64_t) i + 1);
		RowPair		swap = pairs[i];

		pairs[i] = pairs[j];
		pairs[j] = swap;
	}
}

void
DrawTrainingPairs(const CoatData *data, const CoatSplit *split, int per_chosen,
				  EasqRandom *random, RowPair **pairs, int *count)
{
	*pairs = malloc(sizeof(RowPair) * (size_t) SHOPPERS * COATS * per_chosen);
	*count = 0;
	for (int shopper = 0; shopper < SHOPPERS; shopper++)
	{
		int			unchosen[COATS];
		int			n = 0;

		for (int row = shopper * COATS; row < (shopper + 1) * COATS; row++)
			if (split->part[row] == PART_TRAIN && !data->chosen[row])
				unchosen[n++] = row;
		for (int row = shopper * COATS; row < (shopper + 1) * COATS; row++)
			if (split->part[row] == PART_TRAIN && data->chosen[row])
				for (int i = 0; i < per_chosen; i++)
					(*pairs)[(*count)++] = (RowPair) {row, unchosen[EasqBelow(random, (uint64_t) n)]};
	}
	shuffle_pairs(*pairs, *count, random);
}

static bool
is_partner_already(const int *partner, int count, int answer)
{
	for (int i = 0; i < count; i++)
		if (partner[i] == answer)
			return true;
	return false;
}

/*
 * Partners of answer number i among those before it: from a random place on
 * around the ring, of one respondent (shopper) or of anybody (-1).
 */
static int
find_opposite(const CoatSplit *split, int i, int shopper, int limit, EasqRandom *random, int *found)
{
	int			start = (int) EasqBelow(random, (uint64_t) i + 1);
	int			count = 0;

	for (int step = 0; step <= i && count < limit; step++)
	{
		int			j = (start + step) % (i + 1);

		if (split->answer[j].satisfied == split->answer[i].satisfied ||
			(shopper >= 0 && split->answer[j].row / COATS != shopper))
			continue;
		found[count++] = j;
	}
	return count;
}

static int
draw_answer_pairs(const CoatSplit *split, int i, EasqRandom *random, RowPair *pairs)
{
	const CoatAnswer *answer = &split->answer[i];
	int			partner[PAIRS_PER_ANSWER];
	int			count = find_opposite(split, i, answer->row / COATS, PAIRS_PER_ANSWER, random, partner);

	for (int draw = count; draw < PAIRS_PER_ANSWER; draw++)
	{
		int			found;

		if (find_opposite(split, i, -1, 1, random, &found) == 0)
			break;
		if (!is_partner_already(partner, count, found))
			partner[count++] = found;
	}
	for (int j = 0; j < count; j++)
	{
		int			other = split->answer[partner[j]].row;

		pairs[j] = answer->satisfied ? (RowPair) {answer->row, other} : (RowPair) {other, answer->row};
	}
	return count;
}

/* Of the remembered pairs, by shopper. */
typedef struct Sample
{
	RowPair		pair[REPLAY_BEHAVIOUR];
	int			count;
	int			of[SHOPPERS][REPLAY_BEHAVIOUR];
	int			n_of[SHOPPERS];
} Sample;

static void
draw_behaviour(const Sample *sample, EasqRandom *random, RowPair *pairs)
{
	int			drawn[BEHAVIOUR_PAIRS];

	for (int j = 0; j < BEHAVIOUR_PAIRS; j++)
	{
		do
			drawn[j] = (int) EasqBelow(random, (uint64_t) sample->count);
		while (is_partner_already(drawn, j, drawn[j]));
		pairs[j] = sample->pair[drawn[j]];
	}
}

static void
draw_grouped(const Sample *sample, EasqRandom *random, RowPair *pairs)
{
	for (int j = 0; j < BEHAVIOUR_PAIRS; j += 2)
	{
		const int  *of;
		int			shopper;

		pairs[j] = sample->pair[EasqBelow(random, (uint64_t) sample->count)];
		shopper = pairs[j].chosen / COATS;
		of = sample->of[shopper];
		pairs[j + 1] = sample->pair[of[EasqBelow(random, (uint64_t) sample->n_of[shopper])]];
	}
}

void
StreamDraw(const CoatData *data, const CoatSplit *split, uint64_t seed, Stream *stream)
{
	EasqRandom	draw_sample = {EasqMix(seed, DRAW_SAMPLE)};
	EasqRandom	partners = {EasqMix(seed, DRAW_PARTNERS)};
	EasqRandom	behaviour = {EasqMix(seed, DRAW_BEHAVIOUR)};
	EasqRandom	grouped = {EasqMix(seed, DRAW_GROUPED)};
	Sample	   *sample = calloc(1, sizeof(Sample));
	RowPair    *all;
	int			count;

	DrawTrainingPairs(data, split, 4, &draw_sample, &all, &count);
	sample->count = count < REPLAY_BEHAVIOUR ? count : REPLAY_BEHAVIOUR;
	for (int i = 0; i < sample->count; i++)
	{
		int			shopper = all[i].chosen / COATS;

		sample->pair[i] = all[i];
		sample->of[shopper][sample->n_of[shopper]++] = i;
	}
	free(all);

	stream->steps = split->answers;
	stream->step = malloc(sizeof(StreamStep) * (size_t) stream->steps);
	for (int i = 0; i < stream->steps; i++)
	{
		StreamStep *step = &stream->step[i];

		step->pairs = draw_answer_pairs(split, i, &partners, step->answer);
		draw_behaviour(sample, &behaviour, step->behaviour);
		draw_grouped(sample, &grouped, step->grouped);
	}
	free(sample);
}

void
StreamFree(Stream *stream)
{
	free(stream->step);
}
