#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/metric.h"
#include "core/random.h"

#include "check.h"
#include "fixture.h"
#include "golden.h"
#include "tests.h"

typedef struct GroupedRow
{
	EasqRanked	ranked;
	int			group;
} GroupedRow;

static double
metric_of(const char *name, size_t n, const EasqRanked *rows)
{
	if (strncmp(name, "hr@", 3) == 0)
		return EasqHitRate(n, rows, atoi(name + 3));
	if (strncmp(name, "ndcg@", 5) == 0)
		return EasqNdcg(n, rows, atoi(name + 5));
	if (strcmp(name, "mrr") == 0)
		return EasqReciprocalRank(n, rows);
	return EasqAuc(n, rows);
}

/* More rows than are sorted in one go: random scores, few different ones, and all of them in order already. */
static void
test_long_sort(void)
{
	const size_t n = 300000;
	EasqRanked *rows = allocate(n, sizeof(EasqRanked));
	EasqRandom	random = {77};

	for (int kind = 0; kind < 4; kind++)
	{
		size_t		labels = 0;
		bool		sorted = true;

		for (size_t i = 0; i < n; i++)
		{
			uint64_t	different = kind == 0 ? UINT64_C(1) << 40 : kind == 1 ? 3 : 1;

			rows[i].score = kind == 3 ? (double) (n - i) : (double) EasqBelow(&random, different);
			rows[i].label = EasqBelow(&random, 2) == 1;
			labels += rows[i].label;
		}
		EasqSortRanked(n, rows);
		for (size_t i = 1; i < n; i++)
			sorted = sorted && (rows[i - 1].score > rows[i].score ||
								(rows[i - 1].score == rows[i].score && rows[i - 1].label <= rows[i].label));
		for (size_t i = 0; i < n; i++)
			labels -= rows[i].label;
		check(sorted && labels == 0, "a long sort");
	}
	free(rows);
}

void
test_metrics(void)
{
	char	   *text = slurp(golden_folder, ".", "metrics.txt");
	char	   *at = strchr(text, '\n') + 1;
	char		name[64];
	int			count;
	int			used;

	while (sscanf(at, "case %63s %d%n", name, &count, &used) == 2)
	{
		GroupedRow	row[100];
		EasqRanked	ranked[100];
		int			values;

		at += used;
		for (int i = 0; i < count; i++)
		{
			int			positive;

			sscanf(at, "%lf %d %d%n", &row[i].ranked.score, &positive, &row[i].group, &used);
			row[i].ranked.label = positive != 0;
			at += used;
		}
		sscanf(at, "%d%n", &values, &used);
		at += used;
		for (int v = 0; v < values; v++)
		{
			char		metric[32];
			double		want;
			double		sum = 0.0;
			int			groups = 0;
			int			skipped = 0;
			bool		whole;

			sscanf(at, "%31s %lf %n", metric, &want, &used);
			at += used;
			whole = strcmp(metric, "auc") == 0;
			for (int g = whole ? -1 : 0; g < (whole ? 0 : 8); g++)
			{
				size_t		n = 0;
				size_t		positives = 0;

				for (int i = 0; i < count; i++)
					if (whole || row[i].group == g)
					{
						positives += row[i].ranked.label;
						ranked[n++] = row[i].ranked;
					}
				if (n == 0)
					continue;
				if (positives == 0 || positives == n)
				{
					skipped++;
					continue;
				}
				EasqSortRanked(n, ranked);
				sum += metric_of(metric, n, ranked);
				groups++;
			}
			if (strcmp(metric, "groups") == 0)
				check_near(groups, want, 1e-12, name);
			else if (strcmp(metric, "groups_skipped") == 0)
				check_near(skipped, want, 1e-12, name);
			else
				check_near(sum / groups, want, 1e-12, label("%s: %s", name, metric));
		}
	}
	check(*at == '\0', "metrics.txt is read to its end");
	free(text);
	EasqSortRanked(0, NULL);
	test_long_sort();
	end_group("ranking metrics");
}
