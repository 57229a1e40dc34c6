#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

#define FULL_SEEDS 10			/* fewer, and the report says that it is not the study */

static const char *const metric_titles[METRICS] = {
	"pair accuracy", "satisfaction GAUC", "NDCG@5", "HR@1", "MRR", "behaviour accuracy"
};

static FILE *
create(const char *folder, const char *name, const char *extension)
{
	char		path[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, extension);
	file = fopen(path, "w");
	if (file == NULL)
	{
		perror(path);
		exit(1);
	}
	return file;
}

static void
write_at_losses(FILE *file, const Runs *runs, const Choices chosen, int share)
{
	Weights		once;

	WeightsOnce(&once, runs->plan->seeds);
	fprintf(file, "| method | 1 %% | 2 %% | 5 %% | 10 %% | setting |\n|---|---|---|---|---|---|\n");
	for (int method = 0; method < runs->plan->methods; method++)
	{
		const Method *m = &runs->plan->method[method];
		int			setting = chosen[method][share];
		char		text[128];

		fprintf(file, "| %s |", m->title);
		for (int t = 0; t < TARGETS; t++)
		{
			bool		reached;
			double		value = AtLoss(runs, &once, method, setting, share, target_loss[t], METRIC_ACCURACY, &reached);

			fprintf(file, " %.3f%s |", value, reached ? "" : "*");
		}
		DescribeSetting(m, setting, text, sizeof(text));
		fprintf(file, " %s |\n", text);
	}
	fprintf(file, "\n");
}

static const char *
verdict_of(const Difference *difference)
{
	return difference->verdict > 0 ? "**better**" : difference->verdict < 0 ? "**worse**" : "not separated";
}

/* Rows of differences of ours to others [count], one family. */
static void
write_family(FILE *file, const Runs *runs, int count, const int *others, Difference (*difference)[METHODS])
{
	for (int i = 0; i < count; i++)
	{
		fprintf(file, "| %s |", runs->plan->method[others[i]].title);
		for (int t = 0; t < TARGETS; t++)
		{
			const Difference *d = &difference[t][i];

			fprintf(file, " %+.3f [%+.3f, %+.3f] %s |", d->value, d->low, d->high, verdict_of(d));
		}
		fprintf(file, "\n");
	}
}

static void
compare_all(const Runs *runs, const Choices chosen, int share, int count, const int *others, Difference (*difference)[METHODS])
{
	for (int t = 0; t < TARGETS; t++)
		Compare(runs, chosen, share, target_loss[t], count, others, (uint64_t) (share * TARGETS + t), difference[t]);
}

/* Is the goal met with all answers: better than each rival at 5 and 10 %, not worse at 1 and 2 %? */
static void
write_goal(FILE *file, Difference (*difference)[METHODS])
{
	int			better = 0;
	int			worse = 0;

	for (int i = 0; i < OURS; i++)
	{
		better += difference[2][i].verdict > 0;
		better += difference[3][i].verdict > 0;
		worse += difference[0][i].verdict < 0;
		worse += difference[1][i].verdict < 0;
	}
	fprintf(file, "Goal, with all answers: better than every rival at 5 and 10 %%: %s (%d of %d comparisons). "
			"Worse than none at 1 and 2 %%: %s (worse in %d of %d).\n\n",
			better == 2 * OURS ? "met" : "**not met**", better, 2 * OURS, worse == 0 ? "met" : "**not met**", worse, 2 * OURS);
}

static void
write_differences(FILE *file, const Runs *runs, const Choices chosen, int share)
{
	static Difference rivals[TARGETS][METHODS];
	static Difference ablations[TARGETS][METHODS];
	int			rival[OURS];
	int			ablation[METHODS - OURS - 1];

	for (int i = 0; i < OURS; i++)
		rival[i] = i;
	for (int i = 0; i < METHODS - OURS - 1; i++)
		ablation[i] = OURS + 1 + i;
	compare_all(runs, chosen, share, OURS, rival, rivals);
	compare_all(runs, chosen, share, METHODS - OURS - 1, ablation, ablations);
	fprintf(file, "| ours minus | 1 %% | 2 %% | 5 %% | 10 %% |\n|---|---|---|---|---|\n");
	write_family(file, runs, OURS, rival, rivals);
	write_family(file, runs, METHODS - OURS - 1, ablation, ablations);
	fprintf(file, "\n");
	if (share == 0)
		write_goal(file, rivals);
}

static void
write_secondary(FILE *file, const Runs *runs, const Choices chosen)
{
	Weights		once;

	WeightsOnce(&once, runs->plan->seeds);
	fprintf(file, "| method |");
	for (int t = 2; t < TARGETS; t++)
		for (int metric = METRIC_GAUC; metric <= METRIC_RECIPROCAL; metric++)
			fprintf(file, " %s, %g %% |", metric_titles[metric], 100.0 * target_loss[t]);
	fprintf(file, "\n|---|---|---|---|---|---|---|---|---|\n");
	for (int method = 0; method < runs->plan->methods; method++)
	{
		fprintf(file, "| %s |", runs->plan->method[method].title);
		for (int t = 2; t < TARGETS; t++)
			for (int metric = METRIC_GAUC; metric <= METRIC_RECIPROCAL; metric++)
				fprintf(file, " %.3f |", AtLoss(runs, &once, method, chosen[method][0], 0, target_loss[t], (Metric) metric, NULL));
		fprintf(file, "\n");
	}
	fprintf(file, "\n");
}

/* knob: G, accuracy */
static void
write_points(FILE *file, const Runs *runs, const Choices chosen)
{
	Weights		once;

	WeightsOnce(&once, runs->plan->seeds);
	fprintf(file, "| method | knob: G, accuracy |\n|---|---|\n");
	for (int method = 0; method < runs->plan->methods; method++)
	{
		const Method *m = &runs->plan->method[method];
		int			setting = chosen[method][0];

		fprintf(file, "| %s |", m->title);
		for (int knob = 0; knob < m->knobs; knob++)
			fprintf(file, "%s %g: %.1f %%, %.3f", knob ? " ·" : "", m->knob[knob],
					100.0 * BehaviourLoss(runs, &once, method, setting, 0, knob),
					MeanMeasure(runs, &once, method, setting, 0, knob, METRIC_ACCURACY));
		fprintf(file, " |\n");
	}
	fprintf(file, "\n");
}

/* Markdown's marks, which a plot does not want. */
static const char *
plain_title(const Method *method)
{
	static char text[METHODS][128];
	static int	next;
	char	   *to = text[next = (next + 1) % METHODS];
	int			length = 0;

	for (const char *from = method->title; *from && length < 127; from++)
		if (*from != '*')
			to[length++] = *from;
	to[length] = '\0';
	return to;
}

static void
plot_curves(const Runs *runs, const Choices chosen, const char *folder, const char *name)
{
	static PlotLine line[METHODS];
	Plot		plot = {"Coat, all answers: accuracy against what behaviour lost", "G: loss of behaviour accuracy (B_test)",
		"accuracy over pairs of different ratings", true, false, -0.01, 0.15, 5, {0.0, 0.01, 0.02, 0.05, 0.10}};
	Weights		once;
	char		path[4096];

	WeightsOnce(&once, runs->plan->seeds);
	for (int method = 0; method < METHODS; method++)
	{
		const Method *m = &runs->plan->method[method];
		int			setting = chosen[method][0];

		line[method] = (PlotLine) {.title = plain_title(m), .bold = method == OURS, .points = m->knobs};
		for (int knob = 0; knob < m->knobs; knob++)
		{
			line[method].x[knob] = BehaviourLoss(runs, &once, method, setting, 0, knob);
			line[method].y[knob] = MeanMeasure(runs, &once, method, setting, 0, knob, METRIC_ACCURACY);
		}
	}
	snprintf(path, sizeof(path), "%s/%s-curves.svg", folder, name);
	PlotWrite(path, &plot, METHODS, line);
}

static void
plot_shares(const Runs *runs, const Choices chosen, const char *folder, const char *name)
{
	static PlotLine line[METHODS];
	Plot		plot = {"Coat: accuracy at G = 5 % by share of the answers", "share of the answers",
		"accuracy over pairs of different ratings", true, true, 0.025, 1.2, SHARES, {0.03, 0.1, 0.3, 1.0}};
	Weights		once;
	char		path[4096];

	WeightsOnce(&once, runs->plan->seeds);
	for (int method = 0; method < METHODS; method++)
	{
		line[method] = (PlotLine) {.title = plain_title(&runs->plan->method[method]), .bold = method == OURS, .points = SHARES};
		for (int share = 0; share < SHARES; share++)
		{
			line[method].x[share] = answer_share[share];
			line[method].y[share] = AtLoss(runs, &once, method, chosen[method][share], share, 0.05, METRIC_ACCURACY, NULL);
		}
	}
	snprintf(path, sizeof(path), "%s/%s-shares.svg", folder, name);
	PlotWrite(path, &plot, METHODS, line);
}

static void
write_head(FILE *file, const Runs *runs, const char *name)
{
	Weights		once;
	int			seeds = runs->plan->seeds;

	WeightsOnce(&once, seeds);
	fprintf(file, "# Coat: the test, %d seeds\n\n", seeds);
	if (seeds < FULL_SEEDS)
		fprintf(file, "**Quick mode: %d seeds instead of %d, settings as committed. A look, not the study.**\n\n", seeds, FULL_SEEDS);
	fprintf(file, "Written by `./docs/study/coat/run %s`; settings from `settings.txt`, chosen on A_val and B_val before. "
			"The protocol and what the methods are: [../README.md](../README.md).\n\n", name);
	fprintf(file, "Behaviour-only model: accuracy on B_test %.4f (A0), on pairs of different ratings %.4f.\n\n",
			MeanMeasure(runs, &once, BEHAVIOUR_ONLY, 0, 0, 0, METRIC_BEHAVIOUR),
			MeanMeasure(runs, &once, BEHAVIOUR_ONLY, 0, 0, 0, METRIC_ACCURACY));
	fprintf(file, "![curves](%s-curves.svg)\n\n![shares](%s-shares.svg)\n\n", name, name);
}

void
ReportTest(const Runs *runs, const Choices chosen, const char *folder, const char *name)
{
	FILE	   *file = create(folder, name, ".md");

	write_head(file, runs, name);
	for (int share = 0; share < SHARES; share++)
	{
		fprintf(file, "## %g %% of the answers: accuracy at equal G\n\n", 100.0 * answer_share[share]);
		fprintf(file, "`*`: the largest knob, or the only point, costs less than that; its accuracy stands there.\n\n");
		write_at_losses(file, runs, chosen, share);
		write_differences(file, runs, chosen, share);
		fflush(file);
	}
	fprintf(file, "Intervals: bootstrap of seeds and shoppers, %d replicates, at Holm's level for the place among the %d rivals, "
			"and among the %d ablations (together 95 %%). \"Not separated\" where the interval, or one before it, holds 0.\n\n",
			REPLICATES, OURS, METHODS - OURS - 1);
	fprintf(file, "## Secondary metrics, all answers\n\n");
	write_secondary(file, runs, chosen);
	fprintf(file, "## Points, all answers\n\n");
	write_points(file, runs, chosen);
	fclose(file);
	plot_curves(runs, chosen, folder, name);
	plot_shares(runs, chosen, folder, name);
}

void
ReportAlignments(const Runs *runs, const char *folder)
{
	FILE	   *file = create(folder, "alignments", ".md");
	Weights		once;

	WeightsOnce(&once, runs->plan->seeds);
	fprintf(file, "# Coat: forms of the alignment, validation only, %d seeds\n\n", runs->plan->seeds);
	fprintf(file, "Written by `./docs/study/coat/run alignments`: accuracy of A_val at equal G of B_val, all answers. "
			"The seed spread is about 0.01.\n\n| alignment | 1 %% | 2 %% | 5 %% | 10 %% | setting |\n|---|---|---|---|---|---|\n");
	for (int method = 0; method < runs->plan->methods; method++)
		for (int setting = 0; setting < SETTINGS; setting++)
		{
			const Method *m = &runs->plan->method[method];
			char		text[128];

			if (runs->plan->wanted != NULL && !runs->plan->wanted(runs->plan, method, setting))
				continue;
			fprintf(file, "| %s |", m->title);
			for (int t = 0; t < TARGETS; t++)
			{
				bool		reached;
				double		value = AtLoss(runs, &once, method, setting, 0, target_loss[t], METRIC_ACCURACY, &reached);

				fprintf(file, " %.3f%s |", value, reached ? "" : "*");
			}
			DescribeSetting(m, setting, text, sizeof(text));
			fprintf(file, " %s |\n", text);
		}
	fclose(file);
}
