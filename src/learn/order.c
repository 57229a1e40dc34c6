#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "learn/draw.h"
#include "learn/order.h"
#include "store/answer_rate.h"

static int
compare_answers(const void *a, const void *b)
{
	const EasqAnswer *x = a;
	const EasqAnswer *y = b;
	int			c;

	if ((x->respondent == NULL) != (y->respondent == NULL))
		return x->respondent == NULL ? -1 : 1;
	c = x->respondent ? strcmp(x->respondent, y->respondent) : 0;
	if (c == 0)
		c = memcmp(x->key, y->key, EASQ_KEY_BYTES);
	if (c == 0)
		c = x->answer < y->answer ? -1 : x->answer > y->answer;
	if (c == 0)
		c = x->weight < y->weight ? -1 : x->weight > y->weight;
	if (c == 0)
		c = x->asked_at < y->asked_at ? -1 : x->asked_at > y->asked_at;
	if (c == 0)
		c = x->length != y->length ? x->length - y->length : memcmp(x->example, y->example, x->length);
	return c;
}

/* Pointers into one array: of one time, its order stays. */
static int
compare_times(const void *a, const void *b)
{
	const EasqAnswer *x = *(const EasqAnswer *const *) a;
	const EasqAnswer *y = *(const EasqAnswer *const *) b;

	if (x->asked_at != y->asked_at)
		return x->asked_at < y->asked_at ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Sorted by content, then shuffled by committed state, then by time. */
void
EasqSettleOrder(const EasqModel *model, EasqAnswer *answers, int count)
{
	EasqRandom	random = EasqDraws(model, EASQ_DRAW_ORDER, 0);
	const EasqAnswer **order;
	EasqAnswer *sorted;

	if (count < 2)
		return;
	order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswer *) * (Size) count);
	sorted = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswer) * (Size) count);
	qsort(answers, count, sizeof(EasqAnswer), compare_answers);
	for (int i = count - 1; i > 0; i--)
	{
		int			j = (int) EasqBelow(&random, (uint64) i + 1);
		EasqAnswer	swap = answers[i];

		answers[i] = answers[j];
		answers[j] = swap;
	}
	for (int i = 0; i < count; i++)
		order[i] = &answers[i];
	qsort(order, count, sizeof(EasqAnswer *), compare_times);
	for (int i = 0; i < count; i++)
		sorted[i] = *order[i];
	memcpy(answers, sorted, sizeof(EasqAnswer) * (Size) count);
	pfree(order);
	pfree(sorted);
}

static int
compare_keys(const void *a, const void *b)
{
	const EasqAnswer *x = *(const EasqAnswer *const *) a;
	const EasqAnswer *y = *(const EasqAnswer *const *) b;
	int			c = memcmp(x->key, y->key, EASQ_KEY_BYTES);

	return c != 0 ? c : x < y ? -1 : x > y;
}

int
EasqKeepLastWords(EasqAnswer *answers, int count, EasqSkipped *skipped)
{
	EasqAnswer **order = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(EasqAnswer *) * (Size) (count + 1));
	bool	   *superseded = palloc0(count + 1);
	int			keyed = 0;
	int			kept = 0;

	for (int i = 0; i < count; i++)
		if (answers[i].keyed)
			order[keyed++] = &answers[i];
	qsort(order, keyed, sizeof(EasqAnswer *), compare_keys);
	for (int i = 1; i < keyed; i++)
		superseded[order[i - 1] - answers] = memcmp(order[i - 1]->key, order[i]->key, EASQ_KEY_BYTES) == 0;
	for (int i = 0; i < count; i++)
		if (!superseded[i])
			answers[kept++] = answers[i];
	if (kept < count)
		EasqSkip(skipped, "answered again in the same statement", count - kept);
	pfree(superseded);
	pfree(order);
	return kept;
}

void
EasqPaceAnswers(const EasqModel *model, EasqAnswer *answers, int count, EasqSkipped *skipped)
{
	for (int i = 0; i < count; i++)
	{
		EasqAnswer *answer = &answers[i];
		TimestampTz at = answer->asked_at == DT_NOBEGIN ? GetCurrentTransactionStartTimestamp() : answer->asked_at;

		if (answer->per_hour == 0 || answer->respondent == NULL)
			continue;
		answer->held_back = !EasqTakeTurn(model, answer->respondent, at, answer->per_hour);
		if (answer->held_back)
			EasqSkip(skipped, psprintf("more than %d answers an hour", answer->per_hour), 1);
	}
}
