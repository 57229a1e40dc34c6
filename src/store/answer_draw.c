#include "postgres.h"

#include <math.h>

#include "utils/snapmgr.h"

#include "store/answer.h"
#include "store/columns.h"
#include "store/answer_memory.h"
#include "store/row.h"

/* Draws from among answers of any value, before one is looked for below and above. */
#define DRAWS 4
/* Answers of a kind that are drawn from alike, however old. */
#define LATEST_FEW 8

static double
value_of(const EasqScan *scan, HeapTuple tuple)
{
	return DatumGetFloat8(EasqColumn(scan, tuple, ANSWER_ANSWER));
}

static bool
differs(double a, double b)
{
	return a < b || a > b;
}

/* ------------------------------------------------------ of one respondent */

static void
read_ordinal(const EasqModel *model, int64 ordinal, EasqAnswer *answer)
{
	ScanKeyData keys[EASQ_OWNER_KEYS + 1];
	EasqScan	scan;
	HeapTuple	tuple;

	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqKeyInt8(&keys[EASQ_OWNER_KEYS], ANSWER_ORDINAL, BTEqualStrategyNumber, ordinal);
	EasqScanBegin(&scan, "answer", "answer_pkey", AccessShareLock, GetActiveSnapshot(), EASQ_OWNER_KEYS + 1, keys);
	tuple = EasqScanNext(&scan, false);
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("answer " INT64_FORMAT " of model \"%s\" is in one index of easq.answer and not in another", ordinal, model->name),
				 errhint("REINDEX TABLE easq.answer.")));
	EasqReadAnswerRow(&scan, tuple, answer);
	EasqScanEnd(&scan);
}

/* The same from memory. */
static int
find_own_in_memory(const EasqAnswerMemory *memory, int most, const char *respondent, double answer,
				   EasqRandom *random, int limit, EasqAnswer *found, int *own)
{
	int			opposites = 0;
	int			first;

	*own = 0;
	for (const EasqAnswer *at = EasqAnswerMemoryNewest(memory, respondent); at && (most == 0 || *own < most);
		 at = EasqAnswerMemoryOlder(memory, at))
	{
		(*own)++;
		opposites += differs(at->answer, answer);
	}
	limit = Min(limit, opposites);
	first = opposites > 0 ? (int) EasqBelow(random, (uint64) opposites) : 0;
	/* The opposites are counted from the newest; those from the drawn one on and round are wanted. */
	if (limit > 0)
	{
		int			place = 0;

		for (const EasqAnswer *at = EasqAnswerMemoryNewest(memory, respondent); place < opposites;
			 at = EasqAnswerMemoryOlder(memory, at))
		{
			int			wanted;

			if (!differs(at->answer, answer))
				continue;
			wanted = (place++ - first + opposites) % opposites;
			if (wanted < limit)
				found[wanted] = *at;
		}
	}
	return limit;
}

int
EasqFindOwnOpposite(const EasqModel *model, const char *respondent, double answer,
					EasqRandom *random, int limit, EasqAnswer *found, int *own)
{
	int			most = model->options.answers_per_respondent;
	int			room = 64;
	int64	   *opposite;
	int			opposites = 0;
	int			first;
	EasqScan	scan;
	HeapTuple	tuple;

	if (model->memory)
		return find_own_in_memory(model->memory, most, respondent, answer, random, limit, found, own);
	opposite = palloc(sizeof(int64) * room);
	*own = 0;
	EasqScanOwn(&scan, AccessShareLock, model, respondent);
	/* From the newest back: what made room, and may still be in the index, lies beyond. */
	while ((most == 0 || *own < most) && HeapTupleIsValid(tuple = EasqScanNext(&scan, true)))
	{
		(*own)++;
		if (!differs(value_of(&scan, tuple), answer))
			continue;
		if (opposites == room)
			opposite = repalloc_huge(opposite, sizeof(int64) * (Size) (room *= 2));
		opposite[opposites++] = DatumGetInt64(EasqColumn(&scan, tuple, ANSWER_ORDINAL));
	}
	EasqScanEnd(&scan);
	limit = Min(limit, opposites);
	first = opposites > 0 ? (int) EasqBelow(random, (uint64) opposites) : 0;
	for (int i = 0; i < limit; i++)
		read_ordinal(model, opposite[(first + i) % opposites], &found[i]);
	pfree(opposite);
	return limit;
}

/* ------------------------------------------------------------ of any value */

/*
 * A drawn age, counted back from an ordinal: from among the latest of a kind, the latest half of it, the
 * latest quarter and so on, each as likely, so that a taste that has turned is
 * learned as the old one was, and the old one is not forgotten.
 */
static int64
draw_ordinal(const EasqAnswerKind *kind, int64 latest, EasqRandom *random)
{
	int64		range = Max(latest - kind->oldest + 1, 1);
	int			halvings = 0;

	while (kind->remembered >> (halvings + 1) >= LATEST_FEW)
		halvings++;
	range >>= EasqBelow(random, (uint64) halvings + 1);
	range = Max(range, 1);
	return latest + 1 - range + (int64) EasqBelow(random, (uint64) range);
}

/* The next of a kind from an ordinal on, or else its latest. */
static bool
find_of_value(const EasqModel *model, const EasqAnswerKind *kind, int64 from, EasqAnswer *found)
{
	bool		any = false;

	if (model->memory)
		return EasqAnswerMemoryFind(model->memory, kind->value, from, found);
	for (int round = 0; round < 2 && !any; round++)
	{
		EasqScan	scan;
		HeapTuple	tuple;

		EasqScanValue(&scan, AccessShareLock, model, kind, round == 0 ? from : kind->oldest);
		tuple = EasqScanNext(&scan, round > 0);
		any = HeapTupleIsValid(tuple);
		if (any)
			EasqReadAnswerRow(&scan, tuple, found);
		EasqScanEnd(&scan);
	}
	return any;
}

static bool
draw_of_value(const EasqModel *model, const EasqAnswerKind *kind, EasqRandom *random, EasqAnswer *found)
{
	int64		from = draw_ordinal(kind, model->adapter.answers, random);

	if (!find_of_value(model, kind, from, found))
		return false;
	/* None of the kind has come lately: its ages count from its latest, or this would be drawn time and again. */
	return found->ordinal >= from ||
		find_of_value(model, kind, draw_ordinal(kind, found->ordinal, random), found);
}

/* The first answer in the order of values, of those that compare so with a value; false: none. */
static bool
first_value(const EasqModel *model, StrategyNumber strategy, double value, bool backward, double *first)
{
	ScanKeyData keys[EASQ_OWNER_KEYS + 1];
	EasqScan	scan;
	HeapTuple	tuple;

	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqKeyFloat8(&keys[EASQ_OWNER_KEYS], ANSWER_ANSWER, strategy, value);
	EasqScanBegin(&scan, "answer", "answer_value", AccessShareLock, GetActiveSnapshot(), EASQ_OWNER_KEYS + 1, keys);
	tuple = EasqScanNext(&scan, backward);
	if (HeapTupleIsValid(tuple))
		*first = value_of(&scan, tuple);
	EasqScanEnd(&scan);
	return HeapTupleIsValid(tuple);
}

/*
 * A value below or above: the one next to a drawn point between the nearest
 * and the farthest, on either hand of it.
 */
static bool
draw_other_value(const EasqModel *model, double answer, EasqRandom *random, double *value)
{
	double		near_below;
	double		near_above;
	bool		below = first_value(model, BTLessStrategyNumber, answer, true, &near_below);
	bool		above = first_value(model, BTGreaterStrategyNumber, answer, false, &near_above);
	double		nearest;
	double		farthest;
	double		share = EasqUniform(random);
	double		point;

	if (!below && !above)
		return false;
	below = below && (!above || EasqBelow(random, 2) == 0);
	nearest = below ? near_below : near_above;
	if (!first_value(model, below ? BTLessStrategyNumber : BTGreaterStrategyNumber, answer, !below, &farthest))
		farthest = nearest;
	point = share * nearest + (1.0 - share) * farthest;
	if (EasqBelow(random, 2) == 0
		? !first_value(model, BTGreaterEqualStrategyNumber, point, false, value)
		: !first_value(model, BTLessEqualStrategyNumber, point, true, value))
		*value = nearest;
	/* Rounding may have moved the point beyond the nearest. */
	if (below ? !(*value < answer) : !(*value > answer))
		*value = nearest;
	return true;
}

/* More values than are counted: a draw from all mostly differs, and where it does not, one value is picked. */
static bool
draw_from_mixed(const EasqModel *model, double answer, EasqRandom *random, EasqAnswer *found)
{
	EasqAnswerKind one = model->adapter.counts.part[0];

	for (int draw = 0; draw < DRAWS; draw++)
		if (draw_of_value(model, &model->adapter.counts.part[0], random, found) && differs(found->answer, answer))
			return true;
	return draw_other_value(model, answer, random, &one.value) && draw_of_value(model, &one, random, found);
}

/* One of the kinds that differ from answer (NaN: of all kinds), in proportion to their answers; NULL: none. */
static const EasqAnswerKind *
draw_kind(const EasqAnswerCounts *counts, double answer, EasqRandom *random)
{
	int			total = 0;
	int			place;

	for (int i = 0; i < counts->count; i++)
		if (isnan(answer) || differs(counts->part[i].value, answer))
			total += counts->part[i].remembered;
	place = total > 0 ? (int) EasqBelow(random, (uint64) total) : 0;
	for (int i = 0; i < counts->count; i++)
	{
		if (!isnan(answer) && !differs(counts->part[i].value, answer))
			continue;
		if (place < counts->part[i].remembered)
			return &counts->part[i];
		place -= counts->part[i].remembered;
	}
	return NULL;
}

bool
EasqDrawOpposite(const EasqModel *model, double answer, EasqRandom *random, EasqAnswer *found)
{
	const EasqAnswerKind *kind;

	if (EasqAnswerCountsMixed(&model->adapter.counts))
		return draw_from_mixed(model, answer, random, found);
	kind = draw_kind(&model->adapter.counts, answer, random);
	return kind != NULL && draw_of_value(model, kind, random, found);
}

bool
EasqDrawAnswer(const EasqModel *model, EasqRandom *random, EasqAnswer *found)
{
	const EasqAnswerKind *kind = draw_kind(&model->adapter.counts, NAN, random);

	return kind != NULL && draw_of_value(model, kind, random, found);
}

int
EasqAnswersSince(const EasqModel *model, int64 answers, EasqAnswer **found)
{
	ScanKeyData keys[EASQ_OWNER_KEYS + 1];
	EasqScan	scan;
	HeapTuple	tuple;
	int			count = 0;
	int			room = 64;

	*found = palloc(sizeof(EasqAnswer) * room);
	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqKeyInt8(&keys[EASQ_OWNER_KEYS], ANSWER_ORDINAL, BTGreaterStrategyNumber, answers);
	EasqScanBegin(&scan, "answer", "answer_pkey", AccessShareLock, GetActiveSnapshot(), EASQ_OWNER_KEYS + 1, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		if (count == room)
			*found = repalloc_huge(*found, sizeof(EasqAnswer) * (Size) (room *= 2));
		EasqReadAnswerRow(&scan, tuple, &(*found)[count++]);
	}
	EasqScanEnd(&scan);
	return count;
}
