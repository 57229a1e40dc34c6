#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"

#include "feature/floats.h"
#include "learn/draw.h"
#include "learn/order.h"
#include "store/answer_rate.h"

/* Times and draw, which come first and compare as bytes, before the packed answer. */
#define PLACE_BYTES ((int) (3 * sizeof(uint64)))
#define SIGN (UINT64CONST(1) << 63)

void
EasqOrderBegin(EasqOrder *order, const EasqModel *model, int kilobytes)
{
	memset(order, 0, sizeof(*order));
	order->seed = EasqDraws(model, EASQ_DRAW_ORDER, 0).state;
	initStringInfo(&order->packed);
	EasqSortBeginBytes(&order->sort, kilobytes);
}

void
EasqOrderEnd(EasqOrder *order)
{
	EasqSortEnd(&order->sort);
}

/*
 * Bytes that compare as answers come: after the header that the sort wants, the place and the answer.  Drawn by what
 * the answer is and is about: weights that are all equal change nothing.
 */
static void
place(const EasqOrder *order, const char *packed, int length, const EasqAnswer *answer, StringInfo out)
{
	uint64		at = pg_hton64((uint64) answer->asked_at ^ SIGN);
	uint64		queued = pg_hton64((uint64) answer->queued_at ^ SIGN);
	uint64		draw = pg_hton64(DatumGetUInt64(hash_any_extended((const unsigned char *) packed, EASQ_PACKED_GROUP, order->seed)));

	resetStringInfo(out);
	appendStringInfoSpaces(out, VARHDRSZ);
	appendBinaryStringInfo(out, (const char *) &at, sizeof(at));
	appendBinaryStringInfo(out, (const char *) &queued, sizeof(queued));
	appendBinaryStringInfo(out, (const char *) &draw, sizeof(draw));
	appendBinaryStringInfo(out, packed, length);
	SET_VARSIZE(out->data, out->len);
}

static bool
comes_after(const StringInfoData *a, const StringInfoData *b)
{
	int			c = memcmp(a->data + VARHDRSZ, b->data + VARHDRSZ, Min(a->len, b->len) - VARHDRSZ);

	return c != 0 ? c > 0 : a->len > b->len;
}

static void
put(EasqOrder *order, const StringInfoData *placed)
{
	EasqSortPut(&order->sort, PointerGetDatum(placed->data));
	order->count++;
}

/* ----------------------------------------------------- which are learned */

/* The last word so far among answers with one key. */
typedef struct Words
{
	StringInfoData last;		/* len 0: none */
	int64		count;			/* of answers, the last included */
} Words;

typedef struct Settled
{
	EasqOrder  *order;
	EasqLearner *learner;
	const EasqSettling *settling;
	MemoryContext context;		/* of one change */
	float	   *x;
	uint8		key[EASQ_KEY_BYTES];
	double		answer;
	Words		of_key;			/* those of other values than that of now */
	Words		of_value;
} Settled;

static void
drop_words(Words *words)
{
	resetStringInfo(&words->last);
	words->count = 0;
}

static void
add_word(Words *words, StringInfo placed, int64 count)
{
	if (words->last.len == 0 || comes_after(placed, &words->last))
	{
		StringInfoData swap = words->last;

		words->last = *placed;
		*placed = swap;
	}
	words->count += count;
}

static void
end_value(Settled *settled)
{
	if (settled->of_value.count > 0)
		add_word(&settled->of_key, &settled->of_value.last, settled->of_value.count);
	drop_words(&settled->of_value);
}

static void
end_key(Settled *settled)
{
	Words	   *words = &settled->of_key;

	end_value(settled);
	if (words->count > 0)
		put(settled->order, &words->last);
	if (words->count > 1)
		EasqSkip(settled->settling->skipped,
				 settled->settling->queued ? "answered again while it was queued" : "answered again in the same statement",
				 NULL, (int) Min(words->count - 1, PG_INT32_MAX));
	drop_words(words);
}

/* What was queued and not learned yet cannot be forgotten: where it is not remembered, it is what is queued with this key and value. */
static void
forget(Settled *settled, const EasqChange *change)
{
	int64		left = change->count;

	while (left > 0 && EasqForget(settled->learner->model, change->key, change->answer))
	{
		CHECK_FOR_INTERRUPTS();
		settled->learner->counted = true;
		left--;
	}
	if (!settled->settling->queued || left < settled->of_value.count || settled->of_value.count == 0)
		return;
	EasqSkip(settled->settling->skipped, EASQ_WITHDRAWN, NULL, (int) Min(settled->of_value.count, PG_INT32_MAX));
	drop_words(&settled->of_value);
}

static bool
is_usable(Settled *settled, const EasqAnswer *answer, int64 count)
{
	const EasqSettling *settling = settled->settling;
	EasqProblem problem = {0};

	if (settling->skipped == NULL ||
		EasqEncode(settled->learner->model->spec, settled->learner->encoding, answer->example, answer->length,
				   settled->x, settling->strict ? NULL : &problem))
		return true;
	EasqSkip(settling->skipped, problem.kind, problem.message, (int) count);
	return false;
}

static void
learn_later(Settled *settled, const EasqChange *change)
{
	EasqOrder  *order = settled->order;
	EasqAnswer	answer;

	EasqUnpackAnswer(change->packed, change->length, &answer);
	if (!is_usable(settled, &answer, change->count))
		return;
	place(order, change->packed, change->length, &answer, &order->packed);
	if (answer.keyed && settled->settling->skipped)
		add_word(&settled->of_value, &order->packed, change->count);
	else
		put(order, &order->packed);
}

static void
settle(Settled *settled, const EasqChange *change)
{
	if (memcmp(change->key, settled->key, EASQ_KEY_BYTES) != 0)
		end_key(settled);
	else if (change->answer != settled->answer)
		end_value(settled);
	memcpy(settled->key, change->key, EASQ_KEY_BYTES);
	settled->answer = change->answer;
	if (change->side == EASQ_BEFORE)
		forget(settled, change);
	else
		learn_later(settled, change);
}

void
EasqOrderFill(EasqOrder *order, EasqLearner *learner, EasqChanges *changes, const EasqSettling *settling)
{
	Settled		settled = {
		.order = order, .learner = learner, .settling = settling,
		.context = AllocSetContextCreate(CurrentMemoryContext, "easq change", ALLOCSET_DEFAULT_SIZES),
		.x = EasqFloats((Size) learner->model->spec->inputs)
	};
	EasqChange	change;

	initStringInfo(&settled.of_key.last);
	initStringInfo(&settled.of_value.last);
	while (EasqChangesNext(changes, &change))
	{
		MemoryContext old = MemoryContextSwitchTo(settled.context);

		CHECK_FOR_INTERRUPTS();
		settle(&settled, &change);
		MemoryContextSwitchTo(old);
		MemoryContextReset(settled.context);
	}
	end_key(&settled);
	EasqSortPerform(&order->sort);
	MemoryContextDelete(settled.context);
}

int
EasqOrderNext(EasqOrder *order, EasqAnswer *answers, int count)
{
	int			found = 0;
	Datum		datum;

	while (found < count && EasqSortNext(&order->sort, &datum))
	{
		bytea	   *value = (bytea *) DatumGetPointer(datum);

		EasqUnpackAnswer(VARDATA_ANY(value) + PLACE_BYTES, (int) VARSIZE_ANY_EXHDR(value) - PLACE_BYTES, &answers[found++]);
	}
	return found;
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
			EasqSkip(skipped, psprintf("more than %d answers an hour", answer->per_hour), NULL, 1);
	}
}
