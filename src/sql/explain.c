/*
 * easq_explain: how the ranking logit of a row, less that of a reference row, is shared among the features.
 *
 * A set of features gives a row of its own: their values from the row, the others' from the reference.  What counts is
 * the model's own score of these rows, so that contributions are Shapley values of the whole model, interactions and
 * factors included, and add up.  Beliefs about values are a sum, of which each feature has its own term.
 *
 * Up to EXACT features that differ from the reference all sets are scored; of more, the sets along drawn orders and
 * their reverses, and the error says how sure the mean over these is.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "core/shapley.h"
#include "feature/json.h"
#include "sql/argument.h"
#include "sql/output.h"
#include "sql/scoring.h"

PG_FUNCTION_INFO_V1(easq_explain_record);
PG_FUNCTION_INFO_V1(easq_explain_jsonb);

#define COLUMNS 7
#define EXACT 12
#define SAMPLED_SETS 8192		/* about so many */
#define LEAST_PAIRS 16			/* of orders */

typedef struct Explanation
{
	EasqScoring *scoring;
	const EasqSpec *spec;
	double		knob;			/* contribution = main + knob satisfaction */
	const char **row;			/* [count + 1] the row's example, as EasqExampleParts cuts it */
	const char **reference;
	int			differing;
	int		   *feature;		/* [differing] which differ from the reference */

	/* sets of them, in the order in which they were added */
	StringInfoData example;
	int			sets;
	int			filled;			/* of the block that is not scored yet */
	double	   *value[EASQ_PATHWAYS];	/* [sets] main's logit, satisfaction's */

	double	   *share[EASQ_PATHWAYS];	/* [differing] of these */
	double	   *error;			/* [differing] */
} Explanation;

/* -------------------------------------------------------------- sets of features */

static const char **
parts_of(const EasqSpec *spec, const char *example)
{
	const char **part = palloc(sizeof(char *) * (spec->count + 1));

	EasqExampleParts(spec, example, part);
	return part;
}

static bool
differs(const Explanation *explanation, int feature)
{
	const char **row = explanation->row + feature;
	const char **reference = explanation->reference + feature;

	return row[1] - row[0] != reference[1] - reference[0] || memcmp(row[0], reference[0], row[1] - row[0]) != 0;
}

static void
score_block(Explanation *explanation)
{
	EasqScoring *scoring = explanation->scoring;
	int			rows;

	CHECK_FOR_INTERRUPTS();
	EasqScoringFlush(scoring, &explanation->filled);
	rows = explanation->filled;
	if (scoring->beliefs)
		(void) EasqScoringOpinions(scoring, rows);
	else
		EasqScoringLogits(scoring, rows);
	for (int i = 0; i < rows; i++)
	{
		double		main = scoring->logit[EASQ_MAIN][i];
		double		satisfaction = scoring->beliefs ? scoring->opinion[i].logit : scoring->logit[EASQ_SATISFACTION][i];

		if (!isfinite(main) || !isfinite(satisfaction))
			EasqRefuseScore(scoring);
		explanation->value[EASQ_MAIN][explanation->sets - rows + i] = main;
		explanation->value[EASQ_SATISFACTION][explanation->sets - rows + i] = satisfaction;
	}
	explanation->filled = 0;
}

/* in [differing]: which features are the row's */
static void
add_set(Explanation *explanation, const bool *in)
{
	StringInfo	example = &explanation->example;
	int			next = 0;

	resetStringInfo(example);
	for (int i = 0; i < explanation->spec->count; i++)
	{
		const char **part = explanation->reference + i;

		if (next < explanation->differing && explanation->feature[next] == i && in[next++])
			part = explanation->row + i;
		appendBinaryStringInfo(example, part[0], part[1] - part[0]);
	}
	EasqScoringAdd(explanation->scoring, example->data, example->len, &explanation->filled);
	explanation->sets++;
	if (explanation->sets % EASQ_SCORE_BLOCK == 0)
		score_block(explanation);
}

static void
make_room(Explanation *explanation, int sets)
{
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		explanation->value[p] = palloc(sizeof(double) * sets);
}

/* ------------------------------------------------------------------------ shares */

static void
share_exactly(Explanation *explanation)
{
	int			n = explanation->differing;
	bool		in[EXACT];

	make_room(explanation, 1 << n);
	for (int set = 0; set < 1 << n; set++)
	{
		for (int i = 0; i < n; i++)
			in[i] = (set >> i) & 1;
		add_set(explanation, in);
	}
	if (explanation->sets % EASQ_SCORE_BLOCK != 0)
		score_block(explanation);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		EasqShapley(n, explanation->value[p], explanation->share[p]);
}

static void
add_order(Explanation *explanation, const int *order, bool *in)
{
	memset(in, false, explanation->differing);
	add_set(explanation, in);
	for (int place = 0; place < explanation->differing; place++)
	{
		in[order[place]] = true;
		add_set(explanation, in);
	}
}

/* Shares of a pair of orders: of each pathway, and of the contribution the squares, too. */
static void
add_pair(Explanation *explanation, int pair, int *const *order, double *squares)
{
	int			n = explanation->differing;
	double	   *share[EASQ_PATHWAYS];

	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		const double *value = explanation->value[p] + (Size) 2 * pair * (n + 1);

		share[p] = palloc0(sizeof(double) * n);
		EasqShapleyOfOrder(n, order[0], value, share[p]);
		EasqShapleyOfOrder(n, order[1], value + n + 1, share[p]);
	}
	for (int i = 0; i < n; i++)
	{
		double		contribution = (share[EASQ_MAIN][i] + explanation->knob * share[EASQ_SATISFACTION][i]) / 2;

		squares[i] += contribution * contribution;
		for (int p = 0; p < EASQ_PATHWAYS; p++)
			explanation->share[p][i] += share[p][i] / 2;
	}
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		pfree(share[p]);
}

static void
share_by_orders(Explanation *explanation)
{
	int			n = explanation->differing;
	int			pairs = Max(SAMPLED_SETS / (2 * (n + 1)), LEAST_PAIRS);
	EasqRandom	random = {0};
	int		   *orders = palloc(sizeof(int) * 2 * n * pairs);
	double	   *squares = palloc0(sizeof(double) * n);
	bool	   *in = palloc(sizeof(bool) * n);

	make_room(explanation, 2 * pairs * (n + 1));
	for (int pair = 0; pair < pairs; pair++)
	{
		int		   *order = orders + (Size) 2 * n * pair;

		EasqDrawOrder(&random, n, order);
		for (int i = 0; i < n; i++)
			order[n + i] = order[n - 1 - i];
		add_order(explanation, order, in);
		add_order(explanation, order + n, in);
	}
	if (explanation->sets % EASQ_SCORE_BLOCK != 0)
		score_block(explanation);
	for (int pair = 0; pair < pairs; pair++)
	{
		int		   *order = orders + (Size) 2 * n * pair;

		add_pair(explanation, pair, (int *const[]) {order, order + n}, squares);
	}
	for (int i = 0; i < n; i++)
	{
		double		mean;

		for (int p = 0; p < EASQ_PATHWAYS; p++)
			explanation->share[p][i] /= pairs;
		mean = explanation->share[EASQ_MAIN][i] + explanation->knob * explanation->share[EASQ_SATISFACTION][i];
		explanation->error[i] = sqrt(Max(squares[i] / pairs - mean * mean, 0) / (pairs - 1));
	}
}

static void
explain(Explanation *explanation)
{
	int			count = explanation->spec->count;

	explanation->feature = palloc(sizeof(int) * count);
	for (int i = 0; i < count; i++)
		if (differs(explanation, i))
			explanation->feature[explanation->differing++] = i;
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		explanation->share[p] = palloc0(sizeof(double) * count);
	explanation->error = palloc0(sizeof(double) * count);
	initStringInfo(&explanation->example);
	EasqScoringBegin(explanation->scoring);
	if (explanation->differing <= EXACT)
		share_exactly(explanation);
	else
		share_by_orders(explanation);
}

/* ------------------------------------------------------------------------ values */

static char *
column_text(const EasqScoring *scoring, Datum record, const char *name)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(record);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	Oid			output;
	bool		varlena;
	bool		isnull;
	Datum		value;
	int			column = 0;

	while (TupleDescAttr(scoring->desc, column)->attisdropped || strcmp(NameStr(TupleDescAttr(scoring->desc, column)->attname), name) != 0)
		column++;
	value = heap_getattr(&tuple, column + 1, scoring->desc, &isnull);
	if (isnull)
		return NULL;
	getTypeOutputInfo(TupleDescAttr(scoring->desc, column)->atttypid, &output, &varlena);
	return OidOutputFunctionCall(output, value);
}

static char *
key_text(Jsonb *object, const char *name)
{
	JsonbValue	value;
	Jsonb	   *alone;

	if (getKeyJsonValueFromContainer(&object->root, name, strlen(name), &value) == NULL || value.type == jbvNull)
		return NULL;
	if (value.type == jbvString)
		return EasqJsonText(&value);
	alone = JsonbValueToJsonb(&value);
	return JsonbToCString(NULL, &alone->root, VARSIZE(alone));
}

/* ------------------------------------------------------------------------ output */

/* A feature's line. */
typedef struct Line
{
	int			feature;
	double		contribution;
	double		main;
	double		belief;
	double		satisfaction;
	double		error;
} Line;

static int
compare_lines(const void *a, const void *b)
{
	const Line *one = a;
	const Line *other = b;
	double		by = fabs(other->contribution) - fabs(one->contribution);

	return by > 0 ? 1 : by < 0 ? -1 : one->feature - other->feature;
}

/* The largest contributions first. */
static Line *
lines_of(const Explanation *explanation)
{
	int			count = explanation->spec->count;
	Line	   *line = palloc0(sizeof(Line) * count);

	for (int i = 0; i < count; i++)
		line[i].feature = i;
	for (int i = 0; i < explanation->differing; i++)
	{
		Line	   *of = &line[explanation->feature[i]];

		of->main = explanation->share[EASQ_MAIN][i];
		of->satisfaction = explanation->share[EASQ_SATISFACTION][i];
		of->belief = explanation->knob * of->satisfaction;
		of->contribution = of->main + of->belief;
		of->error = explanation->error[i];
	}
	qsort(line, count, sizeof(Line), compare_lines);
	return line;
}

static void
put_line(EasqOutput *output, const char *name, const char *value, const Line *line)
{
	Datum		values[COLUMNS] = {
		CStringGetTextDatum(name),
		value ? CStringGetTextDatum(EasqClipText(value, EASQ_QUOTED)) : (Datum) 0,
		Float8GetDatum(line->contribution),
		Float8GetDatum(line->main),
		Float8GetDatum(line->belief),
		Float8GetDatum(line->satisfaction),
		Float8GetDatum(line->error)
	};
	bool		nulls[COLUMNS] = {false, value == NULL};

	EasqOutputPut(output, values, nulls);
}

/* The packed reference: features by key, NULL where it says nothing. */
static char *
pack_reference(FunctionCallInfo fcinfo, const EasqSpec *spec)
{
	StringInfoData example;

	initStringInfo(&example);
	EasqReadObject(spec, PG_ARGISNULL(4) ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"))) : PG_GETARG_JSONB_P(4),
				   true, &example);
	return example.data;
}

static Datum
explain_row(FunctionCallInfo fcinfo, EasqForm form)
{
	EasqOutput	output = EasqOutputBegin(fcinfo, "easq_explain", COLUMNS);
	MemoryContext context;
	MemoryContext old;
	Explanation explanation = {0};
	EasqScoring *scoring;
	StringInfoData row;
	Line	   *line;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	EasqRefuseSelectors(fcinfo);
	context = AllocSetContextCreate(CurrentMemoryContext, "easq_explain", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	scoring = explanation.scoring = EasqScoringCreate(context, EASQ_ASKED_OPINION, form, EASQ_SCORE_BLOCK);
	(void) EasqScoringUse(scoring, PG_GETARG_TEXT_PP(0));
	explanation.spec = scoring->pin.version->model->spec;
	explanation.knob = scoring->beliefs ? scoring->pin.version->model->adapter.alignment.knob : 0;
	initStringInfo(&row);
	EasqScoringPack(scoring, PG_GETARG_DATUM(1), &row);
	explanation.row = parts_of(explanation.spec, row.data);
	explanation.reference = parts_of(explanation.spec, pack_reference(fcinfo, explanation.spec));
	explain(&explanation);

	line = lines_of(&explanation);
	for (int i = 0; i < explanation.spec->count; i++)
	{
		const char *name = explanation.spec->feature[line[i].feature].name;

		put_line(&output, name, form == EASQ_FORM_JSONB ? key_text(PG_GETARG_JSONB_P(1), name) :
				 column_text(scoring, PG_GETARG_DATUM(1), name), &line[i]);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

Datum
easq_explain_record(PG_FUNCTION_ARGS)
{
	return explain_row(fcinfo, EASQ_FORM_RECORD);
}

Datum
easq_explain_jsonb(PG_FUNCTION_ARGS)
{
	return explain_row(fcinfo, EASQ_FORM_JSONB);
}
