#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/scorer.h"
#include "learn/judge.h"

/* Rows of a block: both rows of so many pairs. */
#define BLOCK_PAIRS 128
#define BLOCK_ROWS (2 * BLOCK_PAIRS)

struct EasqJudge
{
	const EasqModel *model;
	const EasqEncoding *encoding;
	EasqScorer	scorer;
	float	   *packed;
	float	   *x;				/* [BLOCK_ROWS, inputs] */
	float	   *work;
	float		score[BLOCK_ROWS];
	bool		fits[BLOCK_PAIRS];
};

static float *
floats(Size count)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * count);
}

EasqJudge *
EasqJudgeCreate(const EasqModel *model, const EasqEncoding *encoding)
{
	EasqJudge  *judge = palloc(sizeof(EasqJudge));

	judge->model = model;
	judge->encoding = encoding;
	judge->packed = floats(EasqScorerFloats(&model->layout));
	judge->x = floats((Size) BLOCK_ROWS * model->spec->inputs);
	judge->work = floats(EasqScoreWork(&model->layout.shape, BLOCK_ROWS));
	return judge;
}

void
EasqJudgeWeights(EasqJudge *judge, const float *weights)
{
	EasqScorerPack(&judge->scorer, &judge->model->layout, weights,
				   (float) judge->model->options.hyper.alpha, judge->packed);
}

static bool
encode(EasqJudge *judge, const char *example, int length, int row)
{
	const EasqSpec *spec = judge->model->spec;
	EasqProblem problem = {0};

	return EasqEncode(spec, judge->encoding, example, length, judge->x + (Size) row * spec->inputs, &problem);
}

/* Both rows of each pair of a block; a pair that does not fit becomes zeros. */
static void
encode_pairs(EasqJudge *judge, const EasqHeld *held, const int *slot, int start, int n)
{
	Size		pair_floats = 2 * (Size) judge->model->spec->inputs;

	for (int i = 0; i < n; i++)
	{
		const EasqPair *pair = &held->pair[slot ? slot[start + i] : start + i];

		judge->fits[i] = encode(judge, pair->chosen, pair->chosen_length, 2 * i) &&
			encode(judge, pair->rejected, pair->rejected_length, 2 * i + 1);
		if (!judge->fits[i])
			memset(judge->x + i * pair_floats, 0, sizeof(float) * pair_floats);
	}
}

void
EasqJudgePairs(EasqJudge *judge, const EasqHeld *held, const int *slot, int n, float *right)
{
	for (int start = 0; start < n; start += BLOCK_PAIRS)
	{
		int			pairs = Min(BLOCK_PAIRS, n - start);

		CHECK_FOR_INTERRUPTS();
		encode_pairs(judge, held, slot, start, pairs);
		EasqScoreRows(&judge->scorer, EASQ_MAIN, 2 * pairs, judge->x, judge->score, judge->work);
		for (int i = 0; i < pairs; i++)
			right[start + i] = judge->fits[i] ?
				EasqPairRight(judge->score[2 * i], judge->score[2 * i + 1]) :
				held->trained[slot ? slot[start + i] : start + i];
	}
}

bool
EasqJudgeLogit(EasqJudge *judge, EasqPathway pathway, const char *example, int length, float *logit)
{
	if (!encode(judge, example, length, 0))
		return false;
	EasqLogitRows(&judge->scorer, pathway, 1, judge->x, logit, judge->work);
	return true;
}

void
EasqJudgeVital(EasqJudge *judge, const EasqHeld *held, const int *slot, int n, EasqVital *vital)
{
	int			pairs = Min(BLOCK_PAIRS, n);

	encode_pairs(judge, held, slot, 0, pairs);
	for (int pathway = 0; pathway < EASQ_PATHWAYS; pathway++)
	{
		EasqLogitRows(&judge->scorer, pathway, 2 * pairs, judge->x, judge->score, judge->work);
		vital[pathway] = EasqTakeVital(2 * (size_t) pairs, judge->score);
	}
}

void
EasqJudgeTrained(EasqJudge *judge, EasqHeld *held)
{
	EasqJudgePairs(judge, held, NULL, held->count, held->trained);
	EasqHeldWeigh(held);
}

void
EasqRebaseHeld(const EasqModel *model, const EasqEncoding *encoding, const float *weights,
			   EasqAlignmentState *alignment)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq rebase", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EasqJudge  *judge = EasqJudgeCreate(model, encoding);

	EasqJudgeWeights(judge, weights);
	for (int sample = 0; sample < EASQ_HELD_SAMPLES; sample++)
	{
		EasqHeld   *held = EasqReadHeld(model, (EasqHeldSample) sample);

		if (held == NULL)
			continue;
		EasqJudgeTrained(judge, held);
		EasqWriteHeld(model, (EasqHeldSample) sample, held);
		if (sample == EASQ_GATE)
			EasqJudgeVital(judge, held, NULL, held->count, alignment->vital);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
