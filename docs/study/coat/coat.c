#include "coat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "stream.h"

/* Chosen and unchosen coats of a shopper for B_test and B_val; the rest trains. */
#define CHOSEN_TEST 4
#define CHOSEN_VALIDATION 2
#define UNCHOSEN_TEST 60
#define UNCHOSEN_VALIDATION 30

#define HELD_SHARE 0.2			/* of a shopper's remaining answers: A_val */
#define LINE 512

static FILE *
open_file(const char *folder, const char *name)
{
	char		path[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "r");
	if (file == NULL)
	{
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	return file;
}

static void
refuse_line(const char *name, const char *line)
{
	fprintf(stderr, "%s: unexpected line: %s", name, line);
	exit(1);
}

/* The next line as numbers; returns how many there are, -1 at the end. */
static int
read_numbers(FILE *file, char *line, int *number, int most)
{
	int			count = 0;
	char	   *at = line;

	if (fgets(line, LINE, file) == NULL)
		return -1;
	while (count < most)
	{
		char	   *end;

		number[count] = (int) strtol(at, &end, 10);
		if (end == at)
			break;
		count++;
		if (*end != ',')
			break;
		at = end + 1;
	}
	return count;
}

static void
read_features(const char *folder, const char *name, int entities, int features, float *table)
{
	FILE	   *file = open_file(folder, name);
	char		line[2 * LINE];
	int			number[1 + LOOKS];
	int			count;
	int			rows = 0;

	if (fgets(line, sizeof(line), file) == NULL)
		refuse_line(name, "(empty)\n");
	while ((count = read_numbers(file, line, number, features + 1)) >= 0)
	{
		if (count != features + 1 || number[0] < 0 || number[0] >= entities)
			refuse_line(name, line);
		for (int i = 0; i < features; i++)
			table[number[0] * features + i] = (float) number[i + 1];
		rows++;
	}
	fclose(file);
	if (rows != entities)
		refuse_line(name, "(wrong number of lines)\n");
}

static void
read_ratings(const char *folder, const char *name, signed char *rating)
{
	FILE	   *file = open_file(folder, name);
	char		line[LINE];
	int			number[3];
	int			count;

	if (fgets(line, sizeof(line), file) == NULL)
		refuse_line(name, "(empty)\n");
	while ((count = read_numbers(file, line, number, 3)) >= 0)
	{
		if (count != 3 || number[0] < 0 || number[0] >= SHOPPERS || number[1] < 0 || number[1] >= COATS ||
			number[2] < 1 || number[2] > 5)
			refuse_line(name, line);
		rating[number[0] * COATS + number[1]] = (signed char) number[2];
	}
	fclose(file);
}

void
CoatRead(CoatData *data, const char *folder)
{
	memset(data, 0, sizeof(*data));
	read_features(folder, "users.csv", SHOPPERS, PERSON, &data->person[0][0]);
	read_features(folder, "items.csv", COATS, LOOKS, &data->looks[0][0]);
	read_ratings(folder, "ratings_train.csv", data->chosen);
	read_ratings(folder, "ratings_test.csv", data->drawn);
}

/* Gives the first of the rows, in random order, to the test, the next to validation, the rest to training. */
static void
divide_rows(CoatSplit *split, int *rows, int count, int test, int validation, EasqRandom *random)
{
	ShuffleInts(rows, count, random);
	for (int i = 0; i < count; i++)
		split->part[rows[i]] = i < test ? PART_TEST : i < test + validation ? PART_VALIDATION : PART_TRAIN;
}

/* A fifth of the shopper's answers to the chosen coats that train; the odd one by chance. */
static void
hold_answers(CoatSplit *split, const int *rows, int count, EasqRandom *random)
{
	int			left[COATS];
	int			n = 0;
	int			held;

	for (int i = 0; i < count; i++)
		if (split->part[rows[i]] == PART_TRAIN)
			left[n++] = rows[i];
	ShuffleInts(left, n, random);
	held = (int) (HELD_SHARE * n + EasqUniform(random));
	for (int i = 0; i < held; i++)
		split->held[left[i]] = true;
}

static void
fill_stream(const CoatData *data, uint64_t seed, CoatSplit *split)
{
	EasqRandom	random = {EasqMix(seed, DRAW_ORDER)};
	static int	order[ROWS];
	int			count = 0;

	for (int row = 0; row < ROWS; row++)
	{
		if (data->chosen[row] == 0 || split->part[row] != PART_TRAIN || split->held[row])
			continue;
		if (data->chosen[row] == 3)
			split->uncertain++;
		else
			order[count++] = row;
	}
	ShuffleInts(order, count, &random);
	for (int i = 0; i < count; i++)
		split->answer[i] = (CoatAnswer) {order[i], data->chosen[order[i]] > 3};
	split->answers = count;
}

void
CoatDivide(const CoatData *data, uint64_t seed, CoatSplit *split)
{
	EasqRandom	random = {EasqMix(seed, DRAW_SPLIT)};

	memset(split, 0, sizeof(*split));
	for (int shopper = 0; shopper < SHOPPERS; shopper++)
	{
		int			chosen[COATS];
		int			unchosen[COATS];
		int			n_chosen = 0;
		int			n_unchosen = 0;

		for (int row = shopper * COATS; row < (shopper + 1) * COATS; row++)
			if (data->chosen[row])
				chosen[n_chosen++] = row;
			else if (!data->drawn[row])
				unchosen[n_unchosen++] = row;
		divide_rows(split, chosen, n_chosen, CHOSEN_TEST, CHOSEN_VALIDATION, &random);
		divide_rows(split, unchosen, n_unchosen, UNCHOSEN_TEST, UNCHOSEN_VALIDATION, &random);
		hold_answers(split, chosen, n_chosen, &random);
	}
	fill_stream(data, seed, split);
}
