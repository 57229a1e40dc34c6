/*
 * easq_explain_answers: which remembered answers moved what is believed of a row, and how far.
 *
 * The remembered answers are learned once more, in memory, from the priors on.  Each moves beliefs by s_j x_j step, and
 * those that come after make good a part of it, damping for each: going back from the last answer to the first, the
 * row's x_j becomes what a change of each belief at that time would have done to the row's log-odds in the end.  The
 * influence of an answer is what it did, followed so: what leaving it out would take away, to first order.
 *
 * Answers that are not remembered any more are not in it, nor what pathways and LoRA learned: their logits are taken
 * as they are now.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "learn/partners.h"
#include "sql/argument.h"
#include "sql/output.h"
#include "sql/scoring.h"
#include "store/answer.h"

PG_FUNCTION_INFO_V1(easq_explain_answers_record);
PG_FUNCTION_INFO_V1(easq_explain_answers_jsonb);

#define COLUMNS 7

/* A belief, numbered as it is met: those of the row come first. */
typedef struct Place
{
	struct
	{
		int64		table;
		int64		row;
	}			key;
	int			number;
} Place;

typedef struct Term
{
	int			place;
	float		x;
	float		variance;		/* before the answer */
} Term;

/* An answer as it was learned again. */
typedef struct Influence
{
	const EasqAnswer *answer;
	Size		first;			/* of its terms */
	int			terms;
	double		step;
	double		damping;
	bool	   *shares;			/* [features] categories that are the row's, too */
	double		influence;
} Influence;

typedef struct Replay
{
	EasqScoring *scoring;
	EasqBeliefs *beliefs;		/* after the answers so far */
	EasqSurprise surprise;
	HTAB	   *places;
	int			of_row;			/* places of the row: the first ones */
	Term	   *term;			/* the row's, then those of each answer */
	Size		terms;
	Size		room;
	EasqOpinion opinion;		/* of the terms that are being taken */
	bool	   *shares;			/* or NULL */
} Replay;

/* ----------------------------------------------------------------------- terms */

static int
place_of(Replay *replay, int table, int64 row)
{
	Place		key = {.key = {table, row}};
	Place	   *place;
	bool		found;

	place = hash_search(replay->places, &key.key, HASH_ENTER, &found);
	if (!found)
		place->number = (int) hash_get_num_entries(replay->places) - 1;
	return place->number;
}

static void
take_term(const EasqFeature *feature, int table, int64 row, EasqBelief belief, double x, void *arg)
{
	Replay	   *replay = arg;
	int			place = place_of(replay, table, row);

	if (replay->terms == replay->room)
	{
		replay->room *= 2;
		replay->term = repalloc_huge(replay->term, sizeof(Term) * replay->room);
	}
	replay->term[replay->terms++] = (Term) {place, (float) x, belief.variance};
	EasqOpinionAdd(&replay->opinion, &belief, x);
	if (replay->shares && feature && feature->table >= 0 && place < replay->of_row)
		replay->shares[feature - replay->beliefs->spec->feature] = true;
}

/* Takes the terms of an example, row i of the block that is scored; main and pathway are its terms of these. */
static void
take_terms(Replay *replay, const char *example, int i, bool *shares, double *main, double *pathway)
{
	const EasqVersion *version = replay->scoring->pin.version;
	const EasqAlignmentState *state = &version->model->adapter.alignment;

	*main = EasqMainTerm(replay->scoring->logit[EASQ_MAIN][i], state->main_mean, state->main_deviation);
	*pathway = EasqPathwayTerm(replay->scoring->logit[EASQ_SATISFACTION][i], state->pathway_scale);
	replay->opinion = (EasqOpinion) {0};
	replay->shares = shares;
	EasqBeliefsVisit(replay->beliefs, &version->backbone->encoding, example, *main, *pathway, take_term, replay);
}

static void
take_row(Replay *replay, const StringInfoData *row)
{
	double		main;
	double		pathway;
	int			filled = 0;

	EasqScoringBegin(replay->scoring);
	EasqScoringAdd(replay->scoring, row->data, row->len, &filled);
	EasqScoringFlush(replay->scoring, &filled);
	EasqScoringLogits(replay->scoring, 1);
	take_terms(replay, row->data, 0, NULL, &main, &pathway);
	replay->of_row = (int) hash_get_num_entries(replay->places);
}

static Replay
begin_replay(EasqScoring *scoring, const StringInfoData *row)
{
	const EasqModel *model = scoring->pin.version->model;
	HASHCTL		control = {.keysize = sizeof(((Place *) NULL)->key), .entrysize = sizeof(Place), .hcxt = CurrentMemoryContext};
	Replay		replay = {
		.scoring = scoring,
		.beliefs = EasqBeliefsCreate(model->spec, &model->backbone.priors),
		.places = hash_create("easq beliefs of answers", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT),
		.term = palloc(sizeof(Term) * 1024),
		.room = 1024
	};

	EasqSurpriseInit(&replay.surprise);
	take_row(&replay, row);
	return replay;
}

/* ------------------------------------------------------------------- influences */

/* Learns an answer, row i of the block, once more. */
static Influence
learn(Replay *replay, const EasqAnswer *answer, int i)
{
	const EasqVersion *version = replay->scoring->pin.version;
	const EasqModel *model = version->model;
	double		mean = model->adapter.alignment.answer_weight;
	double		weight = answer->weight / (mean > 0 ? mean : 1) * EasqFreshness(model, answer);
	bool		satisfied = answer->answer >= model->options.satisfied;
	Influence	influence = {.answer = answer, .first = replay->terms, .shares = palloc0(sizeof(bool) * model->spec->count)};
	EasqBeliefUpdate update;
	double		main;
	double		pathway;

	take_terms(replay, answer->example, i, influence.shares, &main, &pathway);
	influence.terms = (int) (replay->terms - influence.first);
	update = EasqBeliefUpdateOf(&replay->opinion, satisfied, weight);
	influence.step = update.step;
	influence.damping = update.damping;
	EasqBeliefsLearn(replay->beliefs, &version->backbone->encoding, answer->example, main, pathway, satisfied, weight,
					 &replay->surprise);
	return influence;
}

static Influence *
learn_again(Replay *replay, const EasqAnswer *answer, int count)
{
	EasqScoring *scoring = replay->scoring;
	Influence  *influence = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Influence) * (Size) Max(count, 1));

	for (int first = 0; first < count; first += EASQ_SCORE_BLOCK)
	{
		int			rows = Min(count - first, EASQ_SCORE_BLOCK);
		int			filled = 0;

		CHECK_FOR_INTERRUPTS();
		EasqScoringBegin(scoring);
		for (int i = 0; i < rows; i++)
			EasqScoringAdd(scoring, answer[first + i].example, answer[first + i].length, &filled);
		EasqScoringFlush(scoring, &filled);
		EasqScoringLogits(scoring, rows);
		for (int i = 0; i < rows; i++)
			influence[first + i] = learn(replay, &answer[first + i], i);
	}
	return influence;
}

/* From the last answer to the first: effect [places] of a change of each belief on the row. */
static void
follow(const Replay *replay, Influence *influence, int count)
{
	double	   *effect = palloc0(sizeof(double) * hash_get_num_entries(replay->places));
	Size		row_terms = count > 0 ? influence[0].first : 0;

	for (Size j = 0; j < row_terms; j++)
		effect[replay->term[j].place] += replay->term[j].x;
	for (int n = count - 1; n >= 0; n--)
	{
		const Term *term = replay->term + influence[n].first;
		double		along = 0;

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < influence[n].terms; j++)
			along += effect[term[j].place] * (double) term[j].variance * (double) term[j].x;
		influence[n].influence = along * influence[n].step;
		for (int j = 0; j < influence[n].terms; j++)
			effect[term[j].place] -= (double) term[j].x * influence[n].damping * along;
	}
}

/* By size, older answers first. */
static int
compare_influences(const void *a, const void *b)
{
	const Influence *one = a;
	const Influence *other = b;
	double		by = fabs(other->influence) - fabs(one->influence);

	return by > 0 ? 1 : by < 0 ? -1 : one->answer->ordinal < other->answer->ordinal ? -1 : 1;
}

/* ----------------------------------------------------------------------- output */

static Datum
names_of(const EasqSpec *spec, const bool *shares)
{
	Datum	   *name = palloc(sizeof(Datum) * spec->count);
	int			count = 0;

	for (int i = 0; i < spec->count; i++)
		if (shares[i])
			name[count++] = CStringGetTextDatum(spec->feature[i].name);
	return PointerGetDatum(construct_array(name, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static void
put_influence(EasqOutput *output, const EasqModel *model, const Influence *influence)
{
	const EasqAnswer *answer = influence->answer;
	Datum		values[COLUMNS] = {
		answer->respondent ? CStringGetTextDatum(answer->respondent) : (Datum) 0,
		Float8GetDatum(answer->answer),
		Float8GetDatum(answer->weight),
		TimestampTzGetDatum(answer->asked_at),
		names_of(model->spec, influence->shares),
		Float8GetDatum(model->adapter.alignment.knob * influence->influence),
		Float8GetDatum(influence->influence)
	};
	bool		nulls[COLUMNS] = {answer->respondent == NULL, false, false, answer->asked_at == DT_NOBEGIN};

	EasqOutputPut(output, values, nulls);
}

static Datum
explain_answers(FunctionCallInfo fcinfo, EasqForm form)
{
	EasqOutput	output = EasqOutputBegin(fcinfo, "easq_explain_answers", COLUMNS);
	MemoryContext context;
	MemoryContext old;
	EasqScoring *scoring;
	StringInfoData row;
	EasqAnswer *answer;
	Influence  *influence;
	Replay		replay;
	int			count;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	EasqRefuseSelectors(fcinfo);
	if (PG_ARGISNULL(4) || PG_GETARG_INT32(4) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("answers must be 1 or more, not %s", PG_ARGISNULL(4) ? "null" : psprintf("%d", PG_GETARG_INT32(4))),
				 errhint("It is how many answers are shown, those with the largest influence.")));
	context = AllocSetContextCreate(CurrentMemoryContext, "easq_explain_answers", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	EasqModelCheck(EasqTextArgument(fcinfo, 0, "model"), GetUserId(), EASQ_TO_OWN);
	scoring = EasqScoringCreate(context, EASQ_ASKED_OPINION, form, EASQ_SCORE_BLOCK);
	(void) EasqScoringUse(scoring, PG_GETARG_TEXT_PP(0));
	if (scoring->beliefs == NULL)
		EasqRefuseWithoutBeliefs(scoring, "what an answer does");
	initStringInfo(&row);
	EasqScoringPack(scoring, PG_GETARG_DATUM(1), &row);
	replay = begin_replay(scoring, &row);
	count = EasqAnswersSince(scoring->pin.version->model, 0, &answer);
	influence = learn_again(&replay, answer, count);
	follow(&replay, influence, count);
	qsort(influence, count, sizeof(Influence), compare_influences);
	for (int i = 0; i < Min(count, PG_GETARG_INT32(4)); i++)
		put_influence(&output, scoring->pin.version->model, &influence[i]);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

Datum
easq_explain_answers_record(PG_FUNCTION_ARGS)
{
	return explain_answers(fcinfo, EASQ_FORM_RECORD);
}

Datum
easq_explain_answers_jsonb(PG_FUNCTION_ARGS)
{
	return explain_answers(fcinfo, EASQ_FORM_JSONB);
}
