#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "train/pairs.h"

void
EasqPairsInit(EasqPairList *list)
{
	list->count = 0;
	list->room = 1024;
	list->pair = palloc(sizeof(EasqRowPair) * list->room);
}

static void
add_pair(EasqPairList *list, uint32 chosen, uint32 rejected)
{
	if (list->count == list->room)
	{
		list->room *= 2;
		list->pair = repalloc_huge(list->pair, sizeof(EasqRowPair) * list->room);
	}
	list->pair[list->count].chosen = chosen;
	list->pair[list->count++].rejected = rejected;
}

void
EasqShufflePairs(EasqPairList *list, EasqRandom *random)
{
	for (Size i = list->count; i > 1; i--)
	{
		Size		j = (Size) EasqBelow(random, i);
		EasqRowPair swap = list->pair[i - 1];

		list->pair[i - 1] = list->pair[j];
		list->pair[j] = swap;
	}
}

/* ------------------------------------------------------------- behaviour */

typedef struct Labelled
{
	double		label;
	uint32		row;
} Labelled;

static int
by_label(const void *a, const void *b)
{
	const Labelled *x = a;
	const Labelled *y = b;

	if (x->label != y->label)
		return x->label < y->label ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

#define NOT_DRAWN PG_UINT32_MAX

static bool
is_drawn(const uint32 *drawn, int per_row, uint32 position)
{
	for (int i = 0; i < per_row; i++)
		if (drawn[i] == position)
			return true;
	return false;
}

/* Rows of one group, sorted by label; drawn [n, per_row] is scratch. */
static void
pair_group(EasqPairList *list, const Labelled *labelled, uint32 n, int per_row, uint32 *drawn, EasqRandom *random)
{
	uint32		end;

	for (uint32 start = 0; start < n; start = end)
	{
		for (end = start + 1; end < n && labelled[end].label == labelled[start].label; end++)
			;
		if (end - start == n)
			return;
		for (uint32 i = start; i < end; i++)
		{
			uint32	   *mine = drawn + (Size) i * per_row;

			memset(mine, 0xff, sizeof(uint32) * per_row);
			for (int draw = 0; draw < per_row; draw++)
			{
				uint32		j = (uint32) EasqBelow(random, n - (end - start));

				/* the rows with another label lie before and after those with this one */
				if (j >= start)
					j += end - start;
				if (is_drawn(mine, per_row, j) ||
					(j < start && is_drawn(drawn + (Size) j * per_row, per_row, i)))
					continue;
				mine[draw] = j;
				add_pair(list, labelled[Max(i, j)].row, labelled[Min(i, j)].row);
			}
		}
	}
}

/* Rows of one group that have a label and are held or not, sorted by it; returns how many. */
static uint32
collect_labelled(const EasqTrainRow *rows, int start, int end, bool held, Labelled *labelled)
{
	uint32		n = 0;

	for (int i = start; i < end; i++)
		if (!isnan(rows[i].label) && rows[i].held == held)
			labelled[n++] = (Labelled) {rows[i].label, (uint32) i};
	qsort(labelled, n, sizeof(Labelled), by_label);
	return n;
}

static Labelled *
allocate_labelled(int count)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Labelled) * (Size) Max(count, 1));
}

void
EasqPairBehaviour(EasqPairList *list, const EasqTrainRow *rows, int start, int end, int per_row, EasqRandom *random)
{
	Labelled   *labelled = allocate_labelled(end - start);
	uint32	   *drawn = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint32) * per_row * (Size) Max(end - start, 1));
	int			next;

	for (int group = start; group < end; group = next)
	{
		uint32		n;

		CHECK_FOR_INTERRUPTS();
		for (next = group; next < end && rows[next].group == rows[group].group; next++)
			;
		n = collect_labelled(rows, group, next, false, labelled);
		if (n >= 2)
			pair_group(list, labelled, n, per_row, drawn, random);
	}
	pfree(labelled);
	pfree(drawn);
}

/* Rows of one label, and how many come before. */
typedef struct LabelRun
{
	uint32		start;
	uint32		count;
} LabelRun;

static int
find_runs(const Labelled *labelled, uint32 n, LabelRun *run)
{
	int			runs = 0;

	for (uint32 i = 0; i < n; i++)
	{
		if (i == 0 || labelled[i].label != labelled[i - 1].label)
			run[runs++] = (LabelRun) {i, 0};
		run[runs - 1].count++;
	}
	return runs;
}

static void
add_by_label(EasqPairList *list, const Labelled *labelled, uint32 i, uint32 j)
{
	add_pair(list, labelled[Max(i, j)].row, labelled[Min(i, j)].row);
}

/* Number t of the ordered pairs whose labels differ. */
static void
add_numbered(EasqPairList *list, const Labelled *labelled, uint32 n, const LabelRun *run, uint64 t)
{
	uint32		others;
	uint32		j;

	while (t >= (uint64) run->count * (n - run->count))
	{
		t -= (uint64) run->count * (n - run->count);
		run++;
	}
	others = n - run->count;
	j = (uint32) (t % others);
	add_by_label(list, labelled, run->start + (uint32) (t / others), j < run->start ? j : j + run->count);
}

static void
add_all(EasqPairList *list, const Labelled *labelled, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		for (uint32 j = i + 1; j < n; j++)
			if (labelled[i].label != labelled[j].label)
				add_by_label(list, labelled, i, j);
}

void
EasqPairHeld(EasqPairList *list, const EasqTrainRow *rows, int start, int end, int limit, EasqRandom *random)
{
	Labelled   *labelled = allocate_labelled(end - start);
	uint32		n = collect_labelled(rows, start, end, true, labelled);
	LabelRun   *run = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(LabelRun) * (Size) Max(n, 1));
	int			runs = find_runs(labelled, n, run);
	uint64		ordered = 0;	/* each pair in both orders */

	for (int i = 0; i < runs; i++)
		ordered += (uint64) run[i].count * (n - run[i].count);
	if (ordered > 0 && ordered <= 2 * (uint64) limit)
		add_all(list, labelled, n);
	else
		for (int i = 0; i < limit && ordered > 0; i++)
			add_numbered(list, labelled, n, run, EasqBelow(random, ordered));
	pfree(run);
	pfree(labelled);
}

/* --------------------------------------------------------------- answers */

typedef struct Candidate
{
	uint64		respondent;		/* 0 in the order by answer alone */
	double		answer;
	int64		number;
	uint32		row;
} Candidate;

static int
by_respondent(const void *a, const void *b)
{
	const Candidate *x = a;
	const Candidate *y = b;

	if (x->respondent != y->respondent)
		return x->respondent < y->respondent ? -1 : 1;
	if (x->answer != y->answer)
		return x->answer < y->answer ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* The first candidate that is not before (respondent, answer); past: the first that is after it. */
static int
find_candidate(const Candidate *candidate, int n, uint64 respondent, double answer, bool past)
{
	int			low = 0;

	while (low < n)
	{
		int			middle = low + (n - low) / 2;
		const Candidate *c = &candidate[middle];
		bool		before = c->respondent != respondent ? c->respondent < respondent :
			c->answer != answer ? c->answer < answer : past;

		if (before)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

/* Chosen partners of one answer. */
typedef struct Partners
{
	const Candidate **partner;	/* [wanted] */
	int		   *drawn;			/* [wanted] */
	int			wanted;
	int			count;
} Partners;

static void
add_partner(Partners *partners, const Candidate *candidate)
{
	for (int i = 0; i < partners->count; i++)
		if (partners->partner[i]->number == candidate->number)
			return;
	partners->partner[partners->count++] = candidate;
}

/*
 * Adds up to what is still wanted of candidates[0, n) except those in
 * [equal, equal_end): Floyd's sampling without replacement.
 */
static void
draw_partners(Partners *partners, const Candidate *candidates, int n, int equal, int equal_end, EasqRandom *random)
{
	int			others = n - (equal_end - equal);
	int			draws = Min(partners->wanted - partners->count, others);

	for (int i = 0; i < draws; i++)
	{
		int			last = others - draws + i;
		int			j = (int) EasqBelow(random, (uint64) last + 1);

		for (int k = 0; k < i; k++)
			if (partners->drawn[k] == j)
			{
				j = last;
				break;
			}
		partners->drawn[i] = j;
		add_partner(partners, &candidates[j < equal ? j : j + (equal_end - equal)]);
	}
}

/* Answers to draw from, in two orders. */
typedef struct Candidates
{
	Candidate  *own;			/* by respondent, then answer */
	Candidate  *any;			/* by answer */
	int			count;
} Candidates;

static void
add_candidate(Candidates *candidates, const EasqTrainRow *row, uint32 number)
{
	Candidate	candidate = {row->respondent, row->answer, row->number, number};

	candidates->own[candidates->count] = candidate;
	candidate.respondent = 0;
	candidates->any[candidates->count++] = candidate;
}

/* Numbers of answers go up with the rows, so the chunk's own are a range; sampled ones outside of it are added. */
static void
collect_candidates(Candidates *candidates, const EasqTrainRow *rows, int count, int sampled)
{
	Size		size = sizeof(Candidate) * ((Size) count + sampled + 1);
	int64		first = -1;
	int64		last = -1;

	candidates->own = MemoryContextAllocHuge(CurrentMemoryContext, size);
	candidates->any = MemoryContextAllocHuge(CurrentMemoryContext, size);
	candidates->count = 0;
	for (int i = 0; i < count; i++)
	{
		if (isnan(rows[i].answer))
			continue;
		if (first < 0)
			first = rows[i].number;
		last = rows[i].number;
		add_candidate(candidates, &rows[i], (uint32) i);
	}
	if (first < 0)
		return;
	for (int i = count; i < count + sampled; i++)
		if (rows[i].number < first || rows[i].number > last)
			add_candidate(candidates, &rows[i], (uint32) i);
	qsort(candidates->own, candidates->count, sizeof(Candidate), by_respondent);
	qsort(candidates->any, candidates->count, sizeof(Candidate), by_respondent);
}

static void
find_partners(Partners *partners, const Candidates *candidates, const EasqTrainRow *row, EasqRandom *random)
{
	int			equal;
	int			equal_end;

	partners->count = 0;
	if (row->respondent != 0)
	{
		int			start = find_candidate(candidates->own, candidates->count, row->respondent, -INFINITY, false);
		int			end = find_candidate(candidates->own, candidates->count, row->respondent, INFINITY, true);
		const Candidate *own = candidates->own + start;

		equal = find_candidate(own, end - start, row->respondent, row->answer, false);
		equal_end = find_candidate(own, end - start, row->respondent, row->answer, true);
		draw_partners(partners, own, end - start, equal, equal_end, random);
	}
	equal = find_candidate(candidates->any, candidates->count, 0, row->answer, false);
	equal_end = find_candidate(candidates->any, candidates->count, 0, row->answer, true);
	draw_partners(partners, candidates->any, candidates->count, equal, equal_end, random);
}

static int
by_rows(const void *a, const void *b)
{
	const EasqRowPair *x = a;
	const EasqRowPair *y = b;

	if (x->chosen != y->chosen)
		return x->chosen < y->chosen ? -1 : 1;
	return x->rejected < y->rejected ? -1 : x->rejected > y->rejected;
}

/* Two answers may have drawn each other. */
static void
drop_doubles(EasqPairList *list, Size from)
{
	Size		unique = from;

	qsort(list->pair + from, list->count - from, sizeof(EasqRowPair), by_rows);
	for (Size i = from; i < list->count; i++)
		if (i == from || by_rows(&list->pair[i], &list->pair[i - 1]) != 0)
			list->pair[unique++] = list->pair[i];
	list->count = unique;
}

void
EasqPairAnswers(EasqPairList *list, const EasqTrainRow *rows, int count, int sampled,
				int per_answer, EasqRandom *random)
{
	Size		from = list->count;
	Candidates	candidates;
	Partners	partners = {
		.partner = palloc(sizeof(Candidate *) * per_answer),
		.drawn = palloc(sizeof(int) * per_answer),
		.wanted = per_answer
	};

	collect_candidates(&candidates, rows, count, sampled);
	for (int i = 0; i < count && candidates.count > 0; i++)
	{
		if (isnan(rows[i].answer))
			continue;
		CHECK_FOR_INTERRUPTS();
		find_partners(&partners, &candidates, &rows[i], random);
		for (int j = 0; j < partners.count; j++)
		{
			const Candidate *partner = partners.partner[j];

			if (rows[i].answer > partner->answer)
				add_pair(list, (uint32) i, partner->row);
			else
				add_pair(list, partner->row, (uint32) i);
		}
	}
	drop_doubles(list, from);
	pfree(candidates.own);
	pfree(candidates.any);
	pfree(partners.partner);
	pfree(partners.drawn);
}
