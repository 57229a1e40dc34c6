/*
 * The Coat study: study COMMAND DATA FOLDER SCRATCH SEEDS
 *
 *   tune          chooses the settings on A_val and B_val: FOLDER/settings.txt
 *   alignments    forms of the alignment, on A_val and B_val: FOLDER/alignments.md
 *   quick, full   the test with the settings of settings.txt: FOLDER/quick.md and so on
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "report.h"

#define PROCESSES 2

static void
settings_path(const char *folder, char *path, size_t size)
{
	snprintf(path, size, "%s/settings.txt", folder);
}

static FILE *
open_settings(const char *folder, const char *mode)
{
	char		path[4096];
	FILE	   *file;

	settings_path(folder, path, sizeof(path));
	file = fopen(path, mode);
	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	return file;
}

/* What does not learn by a setting needs one run alone. */
static bool
worth_tuning(const Plan *plan, int method, int setting)
{
	return plan->method[method].learns != LEARNS_NOTHING || setting == 0;
}

/* Mean over the targets of the accuracy of A_val at that loss of B_val. */
static double
merit(const Runs *runs, int method, int setting, int share)
{
	Weights		once;
	double		sum = 0.0;

	WeightsOnce(&once, runs->plan->seeds);
	for (int t = 0; t < TARGETS; t++)
		sum += AtLoss(runs, &once, method, setting, share, target_loss[t], METRIC_ACCURACY, NULL);
	return sum / TARGETS;
}

static void
write_settings(const Runs *runs, const char *folder)
{
	FILE	   *file = open_settings(folder, "w");

	fprintf(file, "# method, share of the answers, number of the setting: merit of each setting (mean accuracy of A_val at the four G of B_val)\n");
	fprintf(file, "# written by ./docs/study/coat/run tune, %d seeds\n", runs->plan->seeds);
	for (int method = 0; method < METHODS; method++)
		for (int share = 0; share < SHARES; share++)
		{
			int			best = 0;
			char		text[128];

			for (int setting = 1; setting < SETTINGS; setting++)
				if (merit(runs, method, setting, share) > merit(runs, method, best, share))
					best = setting;
			fprintf(file, "%s %g %d #", method_list[method].key, answer_share[share], best);
			for (int setting = 0; setting < SETTINGS; setting++)
				if (!isnan(merit(runs, method, setting, share)))
					fprintf(file, " %.4f", merit(runs, method, setting, share));
			DescribeSetting(&method_list[method], best, text, sizeof(text));
			fprintf(file, "; %s\n", text);
		}
	fclose(file);
}

static int
share_number(double share)
{
	for (int i = 0; i < SHARES; i++)
		if (fabs(share - answer_share[i]) < 1e-9)
			return i;
	return -1;
}

static int
method_number(const char *key)
{
	for (int i = 0; i < METHODS; i++)
		if (strcmp(method_list[i].key, key) == 0)
			return i;
	return -1;
}

static void
read_settings(const char *folder, Choices chosen)
{
	FILE	   *file = open_settings(folder, "r");
	char		line[512];
	int			found = 0;

	while (fgets(line, sizeof(line), file))
	{
		char		key[64];
		double		share;
		int			setting;

		if (line[0] == '#')
			continue;
		if (sscanf(line, "%63s %lf %d", key, &share, &setting) != 3 || method_number(key) < 0 ||
			share_number(share) < 0 || setting < 0 || setting >= SETTINGS)
		{
			fprintf(stderr, "settings.txt: unexpected line: %s", line);
			exit(1);
		}
		chosen[method_number(key)][share_number(share)] = setting;
		found++;
	}
	fclose(file);
	if (found != METHODS * SHARES)
	{
		fprintf(stderr, "settings.txt: %d lines instead of %d\n", found, METHODS * SHARES);
		exit(1);
	}
}

static bool
is_chosen(const Plan *plan, int method, int setting)
{
	const int  (*chosen)[SHARES] = plan->arg;

	for (int share = 0; share < SHARES; share++)
		if (chosen[method][share] == setting)
			return true;
	return false;
}

/* At one learning rate: labels, margins, margins and replays. */
static bool
in_alignments(const Plan *plan, int method, int setting)
{
	return worth_tuning(plan, method, setting) && (setting < 2 || setting == 3);
}

int
main(int argc, char **argv)
{
	static CoatData data;
	static Choices chosen;
	Plan		plan = {.method = method_list, .methods = METHODS, .processes = PROCESSES};
	Runs		runs;
	const char *command;
	const char *folder;

	if (argc != 6)
	{
		fprintf(stderr, "usage: study tune|alignments|quick|full DATA FOLDER SCRATCH SEEDS\n");
		return 2;
	}
	command = argv[1];
	folder = argv[3];
	plan.folder = argv[4];
	plan.seeds = atoi(argv[5]);
	plan.name = command;
	if (plan.seeds < 1 || plan.seeds > SEEDS_MAX)
		return 2;
	(void) EasqBlasSelfTest();
	CoatRead(&data, argv[2]);

	if (strcmp(command, "tune") == 0)
	{
		plan.wanted = worth_tuning;
		RunPlan(&plan, &data, &runs);
		write_settings(&runs, folder);
	}
	else if (strcmp(command, "alignments") == 0)
	{
		plan.method = alignment_list;
		plan.methods = ALIGNMENTS;
		plan.wanted = in_alignments;
		RunPlan(&plan, &data, &runs);
		ReportAlignments(&runs, folder);
	}
	else
	{
		read_settings(folder, chosen);
		plan.test = true;
		plan.wanted = is_chosen;
		plan.arg = chosen;
		RunPlan(&plan, &data, &runs);
		ReportTest(&runs, chosen, folder, command);
	}
	RunsFree(&runs);
	return 0;
}
