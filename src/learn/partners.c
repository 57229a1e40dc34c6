#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "learn/draw.h"
#include "learn/partners.h"

/* An answer so many half-lives old counts like any older one: products of weights stay far from 0. */
#define MOST_HALF_LIVES 30

static bool
is_partner_already(const EasqAnswer *partners, int count, int64 ordinal)
{
	for (int i = 0; i < count; i++)
		if (partners[i].ordinal == ordinal)
			return true;
	return false;
}

/* Up to pairs_per_answer partners: the respondent's own answers first, then anybody's, drawn.  *own: answers of the respondent. */
static int
find_partners(const EasqModel *model, const EasqAnswer *answer, EasqAnswer *partners, int *own)
{
	EasqRandom	random = EasqDraws(model, EASQ_DRAW_PARTNER, answer->ordinal);
	int			wanted = model->options.pairs_per_answer;
	int			count = 0;

	*own = 1;
	if (answer->respondent)
		count = EasqFindOwnOpposite(model, answer->respondent, answer->answer, &random, wanted, partners, own);
	if (model->options.cross_weight == 0)
		return count;
	for (int draw = count; draw < wanted; draw++)
	{
		EasqAnswer	found;

		if (!EasqDrawOpposite(model, answer->answer, &random, &found))
			break;
		if (!is_partner_already(partners, count, found.ordinal))
			partners[count++] = found;
	}
	return count;
}

double
EasqFreshness(const EasqModel *model, const EasqAnswer *answer)
{
	double		age;

	if (model->options.half_life == 0 || answer->asked_at == DT_NOBEGIN)
		return 1;
	age = ((double) model->adapter.asked_at - (double) answer->asked_at) / USECS_PER_SEC;
	return exp2(-Min(age / model->options.half_life, MOST_HALF_LIVES));
}

static bool
is_own(const EasqAnswer *answer, const EasqAnswer *partner)
{
	return answer->respondent && partner->respondent && strcmp(answer->respondent, partner->respondent) == 0;
}

/* Inverse propensities multiply: a pair is seen where both of its answers are. */
static double
pair_weight(const EasqModel *model, const EasqAnswer *answer, const EasqAnswer *partner)
{
	double		weight = answer->weight * partner->weight * EasqFreshness(model, answer) * EasqFreshness(model, partner);

	return is_own(answer, partner) ? weight : weight * model->options.cross_weight;
}

/* By ordinals, the lighter first. */
static int
compare_pairs(const void *a, const void *b)
{
	const EasqAnswerPair *x = a;
	const EasqAnswerPair *y = b;

	if (x->chosen->ordinal != y->chosen->ordinal)
		return x->chosen->ordinal < y->chosen->ordinal ? -1 : 1;
	if (x->rejected->ordinal != y->rejected->ordinal)
		return x->rejected->ordinal < y->rejected->ordinal ? -1 : 1;
	return x->weight < y->weight ? -1 : x->weight > y->weight;
}

static bool
same_pair(const EasqAnswerPair *a, const EasqAnswerPair *b)
{
	return a->chosen->ordinal == b->chosen->ordinal && a->rejected->ordinal == b->rejected->ordinal;
}

int
EasqFindPairs(const EasqModel *model, const EasqAnswer *answers, int count, EasqAnswerPair *pairs, int *alone)
{
	int			found = 0;
	int			unique = 0;

	*alone = 0;
	for (int i = 0; i < count; i++)
	{
		const EasqAnswer *answer = &answers[i];
		EasqAnswer *partners;
		double		share;
		int			own;
		int			n;

		CHECK_FOR_INTERRUPTS();
		if (answer->held_back)
			continue;
		partners = palloc(sizeof(EasqAnswer) * model->options.pairs_per_answer);
		n = find_partners(model, answer, partners, &own);
		if (n == 0)
			(*alone)++;
		/* The latest of a batch may have made room for themselves. */
		share = 1 / sqrt(Max(own, 1));
		for (int j = 0; j < n; j++)
		{
			bool		better = answer->answer > partners[j].answer;

			pairs[found++] = (EasqAnswerPair) {
				.chosen = better ? answer : &partners[j],
				.rejected = better ? &partners[j] : answer,
				.weight = (float) (share * pair_weight(model, answer, &partners[j]))
			};
		}
	}
	/* Two new answers may have found each other: the pair of the one who answers more counts. */
	qsort(pairs, found, sizeof(EasqAnswerPair), compare_pairs);
	for (int i = 0; i < found; i++)
		if (i == 0 || !same_pair(&pairs[i], &pairs[i - 1]))
			pairs[unique++] = pairs[i];
	return unique;
}

int
EasqReplayPairs(const EasqModel *model, int count, EasqAnswerPair *pairs)
{
	EasqRandom	random = EasqDraws(model, EASQ_DRAW_REPLAY, 0);
	EasqAnswer *drawn = palloc(sizeof(EasqAnswer) * Max(count, 1));
	int			found = 0;
	int			alone;

	while (found < count && EasqDrawAnswer(model, &random, &drawn[found]))
		found++;
	return EasqFindPairs(model, drawn, found, pairs, &alone);
}
