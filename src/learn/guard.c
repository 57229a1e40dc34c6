#include "postgres.h"

#include "utils/memutils.h"

#include "feature/floats.h"
#include "learn/draw.h"
#include "learn/guard.h"
#include "store/belief.h"
#include "store/log.h"
#include "store/weight_saved.h"

#define LORA_STRENGTH 3.0		/* of the strength of alignment: LoRA serves the satisfaction pathway too */
#define TRY_PAIRS EASQ_JUDGE_DRAWN	/* of the gate sample, drawn anew for each step */
#define TRY_SCALE 0.5			/* of the spread of main's logits after training */
#define TRY_HALVINGS 3
#define TRY_DOUBT 2.0			/* standard errors */
#define JUDGE_DRIFT 0.25		/* of the budget: drift that calls for a judgement before its turn */
#define SPREAD_MAX 1e3			/* more than this share of the spread after training tells nothing else */
#define DRIFT_MIN 1e-3			/* less of it tells nothing about its share */
#define DRIFT_LEARNS 0.2
#define DRIFT_SHARE_MIN 0.1

struct EasqGuard
{
	EasqModel  *model;
	EasqJudge  *judge;
	const EasqHeld *gate;
	double		scale;			/* of EasqPairSoftlyRight */
	float		weight[TRY_PAIRS];
	float		before[TRY_PAIRS];
	float		after[TRY_PAIRS];
	int			pairs;			/* drawn for the step on trial */
	double		added;			/* G that it seems to add */
	EasqCost	judged[EASQ_HELD_KINDS];	/* the gate sample, when it was last judged as a whole */
	bool		is_judged;
};

EasqGuard *
EasqGuardCreate(EasqModel *model, EasqJudge *judge, const EasqHeld *gate)
{
	EasqGuard  *guard;

	if (gate == NULL || model->options.behaviour_budget >= 1)
		return NULL;
	guard = palloc0(sizeof(EasqGuard));
	guard->model = model;
	guard->judge = judge;
	guard->gate = gate;
	guard->scale = TRY_SCALE * Max(model->adapter.alignment.vital[EASQ_MAIN].spread, 1e-6);
	return guard;
}

bool
EasqGuardRankingRests(const EasqGuard *guard)
{
	return EasqModelBelieves(guard->model);
}

double
EasqGuardStrength(const EasqGuard *guard)
{
	const EasqAlignmentState *state = &guard->model->adapter.alignment;

	if (EasqGuardRankingRests(guard))
		return 0;
	return EasqAlignmentStrength(state->cost, guard->model->options.behaviour_budget, state->pace, state->spread);
}

/* ---------------------------------------------------------- one step on trial */

static size_t
main_start(const EasqLayout *layout)
{
	return layout->tensor[EASQ_MAIN_GATE_WEIGHT].offset;
}

static size_t
ranking_end(const EasqLayout *layout)
{
	return layout->backbone + layout->ranking;
}

/* after [from, to) becomes a point between before and itself. */
static void
shorten(EasqGuard *guard, const float *before, float *after, size_t from, size_t to, double factor)
{
	EasqJudgeForget(guard->judge, after);
	for (size_t i = from; i < to; i++)
		after[i] = before[i] + (float) factor * (after[i] - before[i]);
}

static void
draw_pairs(EasqGuard *guard, int pairs)
{
	EasqRandom	random = EasqDraws(guard->model, EASQ_DRAW_GATE, 0);
	int			slot[TRY_PAIRS];

	for (int i = 0; i < pairs; i++)
	{
		slot[i] = (int) EasqBelow(&random, (uint64) guard->gate->count);
		guard->weight[i] = guard->gate->weight[slot[i]];
	}
	guard->pairs = EasqJudgeDraw(guard->judge, guard->gate, slot, pairs);
}

static void
judge_pairs(EasqGuard *guard, const float *weights, float *right)
{
	EasqJudgeWeights(guard->judge, weights);
	EasqJudgeDrawn(guard->judge, guard->scale, right);
}

/*
 * Does the step cost more than what is left, beyond doubt?  Something is always left, since the next judgement is
 * near.  Fills guard->added.
 */
static bool
costs_too_much(EasqGuard *guard, const float *after)
{
	const EasqAlignmentState *state = &guard->model->adapter.alignment;
	double		all = EasqUnspentAccuracy(guard->gate->accuracy, state->carried) - 0.5;
	double		budget = guard->model->options.behaviour_budget;
	double		left = Max(budget - Max(state->cost, 0) - Max(state->drift, 0), budget / EASQ_GATE_STEPS);
	double		loss;
	double		error;

	judge_pairs(guard, after, guard->after);
	EasqStepLoss(guard->pairs, guard->weight, guard->before, guard->after, &loss, &error);
	guard->added = state->drift_share * loss / all;
	return state->drift_share * (loss - TRY_DOUBT * error) / all > left;
}

/* Takes back what main and LoRA did. */
static void
keep_ranking(EasqGuard *guard, const float *before, const EasqAdam *old, float *after, EasqAdam *adam)
{
	const EasqLayout *layout = &guard->model->layout;
	size_t		bytes = sizeof(float) * layout->ranking;

	EasqJudgeForget(guard->judge, after);
	memcpy(after + layout->backbone, before + layout->backbone, bytes);
	memcpy(adam->m, old->m, bytes);
	memcpy(adam->v, old->v, bytes);
}

/* And their momentum with it, which would lead the next step the same way. */
static void
refuse_ranking(EasqGuard *guard, const float *before, const EasqAdam *old, float *after, EasqAdam *adam)
{
	keep_ranking(guard, before, old, after, adam);
	memset(adam->m, 0, sizeof(float) * guard->model->layout.ranking);
}

/* Would the step lead a pathway further towards death?  One that leads away from it is welcome. */
static bool
is_dying(EasqGuard *guard, EasqPathway pathway, const float *before, const float *after)
{
	bool		on_scores = guard->model->options.hyper.pairwise == EASQ_ON_SCORE;
	EasqVital	now;
	EasqVital	then;

	EasqJudgeWeights(guard->judge, after);
	now = EasqJudgeVital(guard->judge, pathway);
	if (!EasqIsDying(&now, &guard->model->adapter.alignment.vital[pathway], on_scores))
		return false;
	EasqJudgeWeights(guard->judge, before);
	then = EasqJudgeVital(guard->judge, pathway);
	return now.spread < then.spread || (on_scores && now.activity < then.activity);
}

/* Does what ranks stay within what is left?  Weakens or takes back what the step did to it until it does. */
static void
try_ranking(EasqGuard *guard, const float *before, const EasqAdam *old, float *after, EasqAdam *adam, double *strength)
{
	const EasqLayout *layout = &guard->model->layout;
	bool		refused;

	if (*strength < 1)
		shorten(guard, before, after, layout->backbone, main_start(layout), Min(LORA_STRENGTH * *strength, 1));
	draw_pairs(guard, TRY_PAIRS);
	judge_pairs(guard, before, guard->before);
	refused = costs_too_much(guard, after);
	for (int i = 0; refused && i < TRY_HALVINGS; i++)
	{
		*strength /= 2;
		shorten(guard, before, after, layout->backbone, ranking_end(layout), 0.5);
		refused = costs_too_much(guard, after);
	}
	if (refused || is_dying(guard, EASQ_MAIN, before, after))
	{
		*strength = -1;
		guard->added = 0;
		refuse_ranking(guard, before, old, after, adam);
	}
}

const char *
EasqGuardTry(EasqGuard *guard, const float *before, const EasqAdam *old,
			 float *after, EasqAdam *adam, double *strength)
{
	if (EasqGuardRankingRests(guard))
	{
		keep_ranking(guard, before, old, after, adam);
		draw_pairs(guard, EASQ_VITAL_ROWS / 2);
	}
	else
		try_ranking(guard, before, old, after, adam, strength);
	return is_dying(guard, EASQ_SATISFACTION, before, after) ?
		"the satisfaction pathway would be dying: its scores fall to 0 or become equal" : NULL;
}

/* ------------------------------------------------------------- whole samples */

static void
judge_sample(EasqGuard *guard, const EasqHeld *held, const float *weights, EasqCost cost[EASQ_HELD_KINDS])
{
	float	   *right = EasqFloats((Size) held->count);

	EasqJudgeWeights(guard->judge, weights);
	EasqJudgeSample(guard->judge, held, right);
	EasqHeldCost(held, right, guard->model->adapter.alignment.carried, cost);
	pfree(right);
}

static void
judge_gate(EasqGuard *guard, const float *weights)
{
	judge_sample(guard, guard->gate, weights, guard->judged);
	guard->is_judged = true;
}

/*
 * Is it time, so many steps after the last one?  Where steps are refused, nothing moves on: it is time as soon as
 * something has happened since.
 */
static bool
is_due(const EasqGuard *guard, int64 last, int steps, bool refused)
{
	return guard->model->adapter.step - last >= (refused ? 1 : steps);
}

/* Margins that shrink count as drift before they change any order: how much of it comes true is learned. */
static void
learn_drift_share(EasqAlignmentState *state, double cost)
{
	double		expected = state->drift / state->drift_share;

	if (expected < DRIFT_MIN)
		return;
	state->drift_share += DRIFT_LEARNS * ((cost - state->cost) / expected - state->drift_share);
	state->drift_share = Min(Max(state->drift_share, DRIFT_SHARE_MIN), 1);
}

void
EasqGuardJudge(EasqGuard *guard, const float *weights, bool refused)
{
	EasqModel  *model = guard->model;
	EasqAlignmentState *state = &model->adapter.alignment;
	EasqVital	vital[EASQ_PATHWAYS];
	double		cost;

	if (EasqGuardRankingRests(guard))
		return;
	if (!refused)
		state->drift += guard->added;
	if (!is_due(guard, state->judged_step, EASQ_GATE_STEPS, refused) && state->drift < JUDGE_DRIFT * model->options.behaviour_budget)
		return;
	judge_gate(guard, weights);
	cost = EasqPoolCosts(&guard->judged[EASQ_NEW_GROUPS], &guard->judged[EASQ_TRAINED_GROUPS]).cost;
	EasqJudgeVitalOf(guard->judge, guard->gate, vital);
	learn_drift_share(state, cost);
	state->cost = cost;
	state->drift = 0;
	state->spread = state->vital[EASQ_MAIN].spread > 0 ?
		Min(vital[EASQ_MAIN].spread / state->vital[EASQ_MAIN].spread, SPREAD_MAX) : 1;
	state->judged_step = model->adapter.step;
}

/*
 * Main and LoRA go back to the last audit that was passed, or to the trained
 * model, unless behaviour was worse there (a training carries over what was spent before it) than now at worst.
 * What the satisfaction experts have learned stays.
 */
static bool
go_back(EasqGuard *guard, float *weights, EasqAdam *adam, double bound)
{
	EasqModel  *model = guard->model;
	const EasqLayout *layout = &model->layout;
	size_t		adapter = layout->adapter;
	float	   *earlier = EasqFloats(layout->total + 2 * adapter);
	EasqAdam	moments = {earlier + layout->total, earlier + layout->total + adapter, 0};
	EasqAlignmentState state;
	bool		found = EasqSavedRead(model, EASQ_AUDITED, earlier, &moments, &state) ||
		EasqSavedRead(model, EASQ_TRAINED, earlier, &moments, &state);

	found = found && state.cost < bound;
	if (found)
	{
		size_t		bytes = sizeof(float) * layout->ranking;

		EasqJudgeForget(guard->judge, weights);
		memcpy(weights + layout->backbone, earlier + layout->backbone, bytes);
		memcpy(adam->m, moments.m, bytes);
		memcpy(adam->v, moments.v, bytes);
		model->adapter.alignment.cost = state.cost;
		model->adapter.alignment.spread = state.spread;
		model->adapter.alignment.drift = 0;
	}
	pfree(earlier);
	return found;
}

bool
EasqGuardAudit(EasqGuard *guard, float *weights, EasqAdam *adam, bool refused)
{
	EasqModel  *model = guard->model;
	EasqAlignmentState *state = &model->adapter.alignment;
	MemoryContext context;
	MemoryContext old;
	EasqHeld   *held;
	EasqCost	audit[EASQ_HELD_KINDS];
	double		bound;
	EasqStepRow row = {
		.model = model->name, .source = "audit", .status = "reverted", .guarded = true,
		.reason = "behaviour may have cost more than the budget"
	};

	if (!is_due(guard, state->audited_step, EASQ_AUDIT_STEPS, refused))
		return false;
	state->audited_step = model->adapter.step;
	if (EasqGuardRankingRests(guard))
		return false;
	/* Mostly the gate has just been judged at this very step. */
	if (!guard->is_judged || state->judged_step != model->adapter.step)
		judge_gate(guard, weights);
	context = AllocSetContextCreate(CurrentMemoryContext, "easq audit", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	held = EasqReadHeld(model, EASQ_AUDIT);
	if (held)
		judge_sample(guard, held, weights, audit);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	if (held == NULL)
		return false;

	for (int kind = 0; kind < EASQ_HELD_KINDS; kind++)
		audit[kind] = EasqPoolCosts(&guard->judged[kind], &audit[kind]);
	row.cost = EasqPoolCosts(&audit[EASQ_NEW_GROUPS], &audit[EASQ_TRAINED_GROUPS]).cost;
	bound = EasqWorseBound(&audit[EASQ_NEW_GROUPS], &audit[EASQ_TRAINED_GROUPS]);
	state->pace = EasqPace(state->pace, bound, model->options.behaviour_budget);
	if (bound <= model->options.behaviour_budget)
	{
		EasqSavedWrite(model, EASQ_AUDITED, weights, adam, NULL);
		return false;
	}
	if (!go_back(guard, weights, adam, bound))
		return false;
	EasqLogStep(&row);
	return true;
}
