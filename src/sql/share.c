#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "core/shapley.h"
#include "sql/share.h"

#define SAMPLED_SETS 8192		/* about so many */
#define LEAST_PAIRS 16			/* of orders */

typedef struct Sharing
{
	EasqScoring *scoring;
	const EasqScorer *trained;
	double		knob;
	int			count;			/* features */
	const char **row;			/* [count + 1] the row's example, as EasqExampleParts cuts it */
	const char **reference;
	int			differing;
	int		   *feature;		/* [differing] which differ from the reference */

	/* sets of them, in the order in which they were added */
	StringInfoData example;
	int			sets;
	int			filled;			/* of the block that is not scored yet */
	double	   *value[EASQ_SHARES];	/* [sets] logits */

	double	   *share[EASQ_SHARES]; /* [differing] */
	double	   *error;			/* [differing] */
} Sharing;

/* -------------------------------------------------------------- sets of features */

static const char **
parts_of(const EasqSpec *spec, const char *example)
{
	const char **part = palloc(sizeof(char *) * (spec->count + 1));

	EasqExampleParts(spec, example, part);
	return part;
}

static bool
differs(const Sharing *sharing, int feature)
{
	const char **row = sharing->row + feature;
	const char **reference = sharing->reference + feature;

	return row[1] - row[0] != reference[1] - reference[0] || memcmp(row[0], reference[0], row[1] - row[0]) != 0;
}

/* The logits of row i of the block. */
static void
keep_logits(Sharing *sharing, int i, float trained)
{
	EasqScoring *scoring = sharing->scoring;
	int			set = sharing->sets - sharing->filled + i;
	double		logit[EASQ_SHARES] = {
		[EASQ_SHARE_MAIN] = scoring->logit[EASQ_MAIN][i],
		[EASQ_SHARE_SATISFACTION] = scoring->beliefs ? scoring->opinion[i].logit : scoring->logit[EASQ_SATISFACTION][i],
		[EASQ_SHARE_TRAINED] = trained
	};

	for (int l = 0; l < EASQ_SHARES; l++)
	{
		if (!isfinite(logit[l]))
			EasqRefuseScore(scoring);
		sharing->value[l][set] = logit[l];
	}
}

static void
score_block(Sharing *sharing)
{
	EasqScoring *scoring = sharing->scoring;
	float		trained[EASQ_SCORE_BLOCK] = {0};

	CHECK_FOR_INTERRUPTS();
	EasqScoringFlush(scoring, &sharing->filled);
	if (scoring->beliefs)
		(void) EasqScoringOpinions(scoring, sharing->filled);
	else
		EasqScoringLogits(scoring, sharing->filled);
	if (sharing->trained)
		EasqLogitRows(sharing->trained, EASQ_MAIN, sharing->filled, scoring->x, scoring->u, trained, scoring->work);
	for (int i = 0; i < sharing->filled; i++)
		keep_logits(sharing, i, trained[i]);
	sharing->filled = 0;
}

/* in [differing]: which features are the row's */
static void
add_set(Sharing *sharing, const bool *in)
{
	StringInfo	example = &sharing->example;
	int			next = 0;

	resetStringInfo(example);
	for (int i = 0; i < sharing->count; i++)
	{
		const char **part = sharing->reference + i;

		if (next < sharing->differing && sharing->feature[next] == i && in[next++])
			part = sharing->row + i;
		appendBinaryStringInfo(example, part[0], part[1] - part[0]);
	}
	EasqScoringAdd(sharing->scoring, example->data, example->len, &sharing->filled);
	sharing->sets++;
	if (sharing->sets % EASQ_SCORE_BLOCK == 0)
		score_block(sharing);
}

static void
begin_sets(Sharing *sharing, int sets)
{
	initStringInfo(&sharing->example);
	for (int l = 0; l < EASQ_SHARES; l++)
		sharing->value[l] = palloc(sizeof(double) * sets);
	EasqScoringBegin(sharing->scoring);
}

static void
end_sets(Sharing *sharing)
{
	if (sharing->sets % EASQ_SCORE_BLOCK != 0)
		score_block(sharing);
}

/* ------------------------------------------------------------------------ shares */

static void
share_exactly(Sharing *sharing)
{
	int			n = sharing->differing;
	bool		in[EASQ_SHARED_EXACTLY];

	begin_sets(sharing, 1 << n);
	for (int set = 0; set < 1 << n; set++)
	{
		for (int i = 0; i < n; i++)
			in[i] = (set >> i) & 1;
		add_set(sharing, in);
	}
	end_sets(sharing);
	for (int l = 0; l < EASQ_SHARES; l++)
		EasqShapley(n, sharing->value[l], sharing->share[l]);
}

static void
add_order(Sharing *sharing, const int *order, bool *in)
{
	memset(in, false, sharing->differing);
	add_set(sharing, in);
	for (int place = 0; place < sharing->differing; place++)
	{
		in[order[place]] = true;
		add_set(sharing, in);
	}
}

/* Shares along a pair of orders [2, n], and the squares of their contributions. */
static void
add_pair(Sharing *sharing, int pair, const int *order, double *squares)
{
	int			n = sharing->differing;
	double	   *share[EASQ_SHARES];

	for (int l = 0; l < EASQ_SHARES; l++)
	{
		const double *value = sharing->value[l] + (Size) 2 * pair * (n + 1);

		share[l] = palloc0(sizeof(double) * n);
		EasqShapleyOfOrder(n, order, value, share[l]);
		EasqShapleyOfOrder(n, order + n, value + n + 1, share[l]);
	}
	for (int i = 0; i < n; i++)
	{
		double		contribution = (share[EASQ_SHARE_MAIN][i] + sharing->knob * share[EASQ_SHARE_SATISFACTION][i]) / 2;

		squares[i] += contribution * contribution;
		for (int l = 0; l < EASQ_SHARES; l++)
			sharing->share[l][i] += share[l][i] / 2;
	}
	for (int l = 0; l < EASQ_SHARES; l++)
		pfree(share[l]);
}

static void
share_by_orders(Sharing *sharing)
{
	int			n = sharing->differing;
	int			pairs = Max(SAMPLED_SETS / (2 * (n + 1)), LEAST_PAIRS);
	EasqRandom	random = {0};
	int		   *order = palloc(sizeof(int) * 2 * n * pairs);
	double	   *squares = palloc0(sizeof(double) * n);
	bool	   *in = palloc(sizeof(bool) * n);

	begin_sets(sharing, 2 * pairs * (n + 1));
	for (int pair = 0; pair < pairs; pair++)
	{
		int		   *one = order + (Size) 2 * n * pair;

		EasqDrawOrder(&random, n, one);
		for (int i = 0; i < n; i++)
			one[n + i] = one[n - 1 - i];
		add_order(sharing, one, in);
		add_order(sharing, one + n, in);
	}
	end_sets(sharing);
	for (int pair = 0; pair < pairs; pair++)
		add_pair(sharing, pair, order + (Size) 2 * n * pair, squares);
	for (int i = 0; i < n; i++)
	{
		double		mean;

		for (int l = 0; l < EASQ_SHARES; l++)
			sharing->share[l][i] /= pairs;
		mean = sharing->share[EASQ_SHARE_MAIN][i] + sharing->knob * sharing->share[EASQ_SHARE_SATISFACTION][i];
		sharing->error[i] = sqrt(Max(squares[i] / pairs - mean * mean, 0) / (pairs - 1));
	}
}

EasqShare *
EasqShareLogits(EasqScoring *scoring, const EasqScorer *trained, double knob, const char *row, const char *reference)
{
	const EasqSpec *spec = scoring->pin.version->model->spec;
	Sharing		sharing = {
		.scoring = scoring, .trained = trained, .knob = knob, .count = spec->count,
		.row = parts_of(spec, row), .reference = parts_of(spec, reference),
		.feature = palloc(sizeof(int) * spec->count), .error = palloc0(sizeof(double) * spec->count)
	};
	EasqShare  *share = palloc0(sizeof(EasqShare) * spec->count);

	for (int i = 0; i < spec->count; i++)
		if (differs(&sharing, i))
			sharing.feature[sharing.differing++] = i;
	for (int l = 0; l < EASQ_SHARES; l++)
		sharing.share[l] = palloc0(sizeof(double) * spec->count);
	if (sharing.differing <= EASQ_SHARED_EXACTLY)
		share_exactly(&sharing);
	else
		share_by_orders(&sharing);
	for (int i = 0; i < sharing.differing; i++)
	{
		EasqShare  *of = &share[sharing.feature[i]];

		for (int l = 0; l < EASQ_SHARES; l++)
			of->of[l] = sharing.share[l][i];
		of->error = sharing.error[i];
	}
	return share;
}
