#include "postgres.h"

#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "core/scorer.h"
#include "feature/factor.h"
#include "feature/floats.h"
#include "learn/judge.h"

/* Pairs that are encoded and scored together where a whole sample is judged. */
#define BLOCK_PAIRS EASQ_JUDGE_BLOCK
#define VITAL_PAIRS (EASQ_VITAL_ROWS / 2)
#define DRAWN_FLOATS ((Size) 1 << 22)	/* that drawn pairs are kept under where inputs are many */

/* Weights that are packed: those before a step and those after it, mostly. */
typedef struct Packed
{
	const float *weights;		/* NULL: none */
	EasqScorer	scorer;
	float	   *memory;
} Packed;

struct EasqJudge
{
	const EasqModel *model;
	const EasqEncoding *encoding;
	Packed		packed[2];
	Packed	   *now;			/* of these, what judges */
	float	   *x;				/* [2 most, inputs] */
	float	   *u;				/* [2 most] what factors add to main's logits */
	EasqFactors *factors;
	float	   *work;
	float	   *score;			/* [2 BLOCK_PAIRS] */
	int			most;			/* pairs that x has room for */

	/* the pairs in x */
	const EasqHeld *held;
	bool		fits[EASQ_JUDGE_DRAWN];
	int			drawn;
};

EasqJudge *
EasqJudgeCreate(const EasqModel *model, const EasqEncoding *encoding)
{
	EasqJudge  *judge = palloc0(sizeof(EasqJudge));
	Size		pair = 2 * (Size) model->spec->inputs;

	judge->model = model;
	judge->encoding = encoding;
	judge->most = (int) Max(Min((Size) EASQ_JUDGE_DRAWN, DRAWN_FLOATS / pair), (Size) BLOCK_PAIRS);
	for (int i = 0; i < 2; i++)
		judge->packed[i].memory = EasqFloats(EasqScorerFloats(&model->layout));
	judge->now = &judge->packed[0];
	judge->x = EasqFloats(judge->most * pair);
	judge->u = EasqFloats(2 * judge->most);
	judge->factors = EasqFactorsCreate(model->spec);
	judge->work = EasqFloats(EasqScoreWork(&model->layout.shape, 2 * BLOCK_PAIRS));
	judge->score = EasqFloats(2 * BLOCK_PAIRS);
	return judge;
}

static Packed *
find_packed(EasqJudge *judge, const float *weights)
{
	for (int i = 0; i < 2; i++)
		if (judge->packed[i].weights == weights)
			return &judge->packed[i];
	return NULL;
}

void
EasqJudgeWeights(EasqJudge *judge, const float *weights)
{
	Packed	   *packed = find_packed(judge, weights);

	if (packed == NULL)
	{
		/* over those that judge less recently */
		packed = judge->now == &judge->packed[0] ? &judge->packed[1] : &judge->packed[0];
		packed->weights = NULL;
		EasqScorerPack(&packed->scorer, &judge->model->layout, weights,
					   (float) judge->model->options.hyper.alpha, packed->memory);
		packed->weights = weights;
	}
	judge->now = packed;
}

void
EasqJudgeForget(EasqJudge *judge, const float *weights)
{
	Packed	   *packed = find_packed(judge, weights);

	if (packed)
		packed->weights = NULL;
}

void
EasqJudgeCopied(EasqJudge *judge, const float *from, const float *to)
{
	Packed	   *packed = find_packed(judge, from);

	EasqJudgeForget(judge, to);
	if (packed)
		packed->weights = to;
}

static const float *
offset_of(const EasqJudge *judge, EasqPathway pathway)
{
	return pathway == EASQ_MAIN ? judge->u : NULL;
}

static bool
encode(EasqJudge *judge, const char *example, int length, int row)
{
	const EasqSpec *spec = judge->model->spec;
	EasqProblem problem = {0};
	float	   *x = judge->x + (Size) row * spec->inputs;

	if (!EasqEncode(spec, judge->encoding, example, length, x, &problem))
		return false;
	judge->u[row] = EasqFactorOffset(judge->factors, judge->encoding, example, x);
	return true;
}

/* Both rows of a pair, as number i of x; one that does not fit becomes zeros. */
static void
encode_pair(EasqJudge *judge, int slot, int i)
{
	const EasqPair *pair = &judge->held->pair[slot];
	Size		pair_floats = 2 * (Size) judge->model->spec->inputs;

	judge->fits[i] = encode(judge, pair->chosen, pair->chosen_length, 2 * i) &&
		encode(judge, pair->rejected, pair->rejected_length, 2 * i + 1);
	if (judge->fits[i])
		return;
	memset(judge->x + i * pair_floats, 0, sizeof(float) * pair_floats);
	judge->u[2 * i] = judge->u[2 * i + 1] = 0;
}

/* Main's logits of both rows of pairs [start, start + pairs) of x, into judge->score. */
static void
score_pairs(EasqJudge *judge, int start, int pairs)
{
	EasqLogitRows(&judge->now->scorer, EASQ_MAIN, 2 * pairs,
				  judge->x + start * (2 * (Size) judge->model->spec->inputs), judge->u + 2 * start, judge->score, judge->work);
}

/* The next pairs of a sample, from start on, as the first of x; returns how many. */
static int
judge_block(EasqJudge *judge, const EasqHeld *held, int start)
{
	int			pairs = Min(BLOCK_PAIRS, held->count - start);

	CHECK_FOR_INTERRUPTS();
	judge->held = held;
	judge->drawn = 0;
	for (int i = 0; i < pairs; i++)
		encode_pair(judge, start + i, i);
	score_pairs(judge, 0, pairs);
	return pairs;
}

void
EasqJudgeMargins(EasqJudge *judge, const EasqHeld *held, float *margin)
{
	for (int start = 0; start < held->count; start += BLOCK_PAIRS)
	{
		int			pairs = judge_block(judge, held, start);

		for (int i = 0; i < pairs; i++)
			margin[start + i] = judge->fits[i] ? judge->score[2 * i] - judge->score[2 * i + 1] : 0;
	}
}

void
EasqJudgeSample(EasqJudge *judge, const EasqHeld *held, float *right)
{
	for (int start = 0; start < held->count; start += BLOCK_PAIRS)
	{
		int			pairs = judge_block(judge, held, start);

		for (int i = 0; i < pairs; i++)
			right[start + i] = judge->fits[i] ?
				EasqPairRight(judge->score[2 * i], judge->score[2 * i + 1]) : held->trained[start + i];
	}
}

void
EasqJudgeBoth(EasqJudge *judge, const EasqHeld *held, int start, int pairs, float *main, float *satisfaction, bool *fits)
{
	judge->held = held;
	judge->drawn = 0;
	for (int i = 0; i < pairs; i++)
		encode_pair(judge, start + i, i);
	memcpy(fits, judge->fits, sizeof(bool) * pairs);
	EasqLogitRowsBoth(&judge->now->scorer, 2 * pairs, judge->x, judge->u, main, satisfaction, judge->work);
}

int
EasqJudgeDraw(EasqJudge *judge, const EasqHeld *held, const int *slot, int n)
{
	judge->held = held;
	judge->drawn = Min(n, judge->most);
	for (int i = 0; i < judge->drawn; i++)
		encode_pair(judge, slot[i], i);
	return judge->drawn;
}

void
EasqJudgeDrawn(EasqJudge *judge, double scale, float *right)
{
	for (int start = 0; start < judge->drawn; start += BLOCK_PAIRS)
	{
		int			pairs = Min(BLOCK_PAIRS, judge->drawn - start);

		score_pairs(judge, start, pairs);
		for (int i = 0; i < pairs; i++)
			right[start + i] = EasqPairSoftlyRight(judge->score[2 * i], judge->score[2 * i + 1], scale);
	}
}

bool
EasqJudgeLogits(EasqJudge *judge, const char *example, int length, float *main, float *satisfaction)
{
	judge->drawn = 0;
	if (!encode(judge, example, length, 0))
		return false;
	EasqLogitRowsBoth(&judge->now->scorer, 1, judge->x, judge->u, main, satisfaction, judge->work);
	return true;
}

bool
EasqJudgeLogit(EasqJudge *judge, EasqPathway pathway, const char *example, int length, float *logit)
{
	judge->drawn = 0;
	if (!encode(judge, example, length, 0))
		return false;
	EasqLogitRows(&judge->now->scorer, pathway, 1, judge->x, offset_of(judge, pathway), logit, judge->work);
	return true;
}

EasqVital
EasqJudgeVital(EasqJudge *judge, EasqPathway pathway)
{
	int			rows = 2 * Min(VITAL_PAIRS, judge->drawn);

	EasqLogitRows(&judge->now->scorer, pathway, rows, judge->x, offset_of(judge, pathway), judge->score, judge->work);
	return EasqTakeVital((size_t) rows, judge->score);
}

double
EasqJudgeLevel(EasqJudge *judge, EasqPathway pathway, size_t rows, const float *x)
{
	double		sum = 0;

	for (size_t start = 0; start < rows; start += 2 * BLOCK_PAIRS)
	{
		size_t		count = Min(2 * BLOCK_PAIRS, rows - start);

		EasqLogitRows(&judge->now->scorer, pathway, count, x + start * judge->model->spec->inputs, NULL,
					  judge->score, judge->work);
		for (size_t i = 0; i < count; i++)
			sum += judge->score[i];
	}
	return rows > 0 ? sum / (double) rows : 0;
}

void
EasqJudgeTrained(EasqJudge *judge, EasqHeld *held)
{
	EasqJudgeSample(judge, held, held->trained);
	EasqHeldWeigh(held);
}

void
EasqJudgeVitalOf(EasqJudge *judge, const EasqHeld *held, EasqVital *vital)
{
	int			slot[VITAL_PAIRS];
	int			n = Min(VITAL_PAIRS, held->count);

	/* Spread over the sample, so that they are of many groups. */
	for (int i = 0; i < n; i++)
		slot[i] = (int) ((int64) held->count * i / n);
	EasqJudgeDraw(judge, held, slot, n);
	for (int pathway = 0; pathway < EASQ_PATHWAYS; pathway++)
		vital[pathway] = EasqJudgeVital(judge, pathway);
}

void
EasqJudgeKept(EasqJudge *judge, EasqRehearsed *pairs, int count)
{
	for (int i = 0; i < count; i++)
	{
		const EasqPair *pair = &pairs[i].pair;

		CHECK_FOR_INTERRUPTS();
		(void) EasqJudgeLogit(judge, EASQ_MAIN, pair->chosen, pair->chosen_length, &pairs[i].kept_chosen);
		(void) EasqJudgeLogit(judge, EASQ_MAIN, pair->rejected, pair->rejected_length, &pairs[i].kept_rejected);
	}
}
