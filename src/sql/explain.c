/*
 * easq_explain: how the ranking logit of a row, less that of a reference row, is shared among the features (share.h).
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

#include "compat.h"
#include "feature/floats.h"
#include "feature/json.h"
#include "sql/argument.h"
#include "sql/output.h"
#include "sql/share.h"
#include "store/weight_saved.h"

PG_FUNCTION_INFO_V1(easq_explain_record);
PG_FUNCTION_INFO_V1(easq_explain_jsonb);

#define COLUMNS 8

/* Of a call site. */
typedef struct Explainer
{
	EasqScoring *scoring;
	MemoryContext context;		/* of trained */
	const EasqVersion *version;	/* that trained is of, NULL: of none */
	EasqScorer *trained;		/* the model as training left it; NULL: it never was trained */
} Explainer;

/* --------------------------------------------------------------------- the model */

/* The scorer of the adapter that training left, on the backbone as it is. */
static EasqScorer *
open_trained(const EasqVersion *version)
{
	const EasqModel *model = version->model;
	const EasqLayout *layout = &model->layout;
	float	   *weights = EasqFloats(layout->total);
	EasqAdam	moments = {.m = EasqFloats(layout->adapter), .v = EasqFloats(layout->adapter)};
	EasqAlignmentState alignment;
	EasqScorer *scorer = NULL;

	memcpy(weights, version->weights, sizeof(float) * layout->backbone);
	if (EasqSavedRead(model, EASQ_TRAINED, weights, &moments, &alignment))
	{
		scorer = palloc(sizeof(EasqScorer));
		EasqScorerPack(scorer, layout, weights, (float) model->options.hyper.alpha, EasqFloats(EasqScorerFloats(layout)));
	}
	pfree(moments.m);
	pfree(moments.v);
	return scorer;
}

static Explainer *
explainer_of(FunctionCallInfo fcinfo, EasqForm form)
{
	Explainer  *explainer = fcinfo->flinfo->fn_extra;
	const EasqVersion *version;
	MemoryContext old;

	if (explainer == NULL)
	{
		explainer = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(Explainer));
		explainer->scoring = EasqScoringCreate(fcinfo->flinfo->fn_mcxt, EASQ_ASKED_OPINION, form, EASQ_SCORE_BLOCK);
		explainer->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt, "easq model as trained", ALLOCSET_DEFAULT_SIZES);
		fcinfo->flinfo->fn_extra = explainer;
	}
	(void) EasqScoringUse(explainer->scoring, PG_GETARG_TEXT_PP(0));
	version = explainer->scoring->pin.version;
	if (explainer->version == version)
		return explainer;
	explainer->version = NULL;
	MemoryContextReset(explainer->context);
	old = MemoryContextSwitchTo(explainer->context);
	explainer->trained = open_trained(version);
	MemoryContextSwitchTo(old);
	explainer->version = version;
	return explainer;
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
	double		belief;
	const EasqShare *share;
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
lines_of(const EasqShare *share, int count, double knob)
{
	Line	   *line = palloc(sizeof(Line) * count);

	for (int i = 0; i < count; i++)
	{
		double		belief = knob * share[i].of[EASQ_SHARE_SATISFACTION];

		line[i] = (Line) {i, share[i].of[EASQ_SHARE_MAIN] + belief, belief, &share[i]};
	}
	qsort(line, count, sizeof(Line), compare_lines);
	return line;
}

static void
put_line(EasqOutput *output, const char *name, const char *value, const Line *line, bool trained)
{
	const EasqShare *share = line->share;
	Datum		values[COLUMNS] = {
		CStringGetTextDatum(name),
		value ? CStringGetTextDatum(EasqClipText(value, EASQ_QUOTED)) : (Datum) 0,
		Float8GetDatum(line->contribution),
		Float8GetDatum(share->of[EASQ_SHARE_MAIN]),
		Float8GetDatum(share->of[EASQ_SHARE_MAIN] - share->of[EASQ_SHARE_TRAINED]),
		Float8GetDatum(line->belief),
		Float8GetDatum(share->of[EASQ_SHARE_SATISFACTION]),
		Float8GetDatum(share->error)
	};
	bool		nulls[COLUMNS] = {false, value == NULL, false, false, !trained};

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
	Explainer  *explainer;
	EasqScoring *scoring;
	const EasqModel *model;
	StringInfoData row;
	EasqShare  *share;
	Line	   *line;
	double		knob;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	EasqRefuseSelectors(fcinfo);
	context = AllocSetContextCreate(CurrentMemoryContext, "easq_explain", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	explainer = explainer_of(fcinfo, form);
	scoring = explainer->scoring;
	model = scoring->pin.version->model;
	knob = scoring->beliefs ? model->adapter.alignment.knob : 0;
	initStringInfo(&row);
	EasqScoringPack(scoring, PG_GETARG_DATUM(1), &row);
	share = EasqShareLogits(scoring, explainer->trained, knob, row.data, pack_reference(fcinfo, model->spec));
	line = lines_of(share, model->spec->count, knob);
	for (int i = 0; i < model->spec->count; i++)
	{
		const char *name = model->spec->feature[line[i].feature].name;

		put_line(&output, name, form == EASQ_FORM_JSONB ? key_text(PG_GETARG_JSONB_P(1), name) :
				 column_text(scoring, PG_GETARG_DATUM(1), name), &line[i], explainer->trained != NULL);
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
