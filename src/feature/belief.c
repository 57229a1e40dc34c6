#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "feature/belief.h"
#include "feature/kind.h"

/* Of all chunks of this backend: they outlive the version that made them. */
static MemoryContext chunks = NULL;

#define COMMON(beliefs) ((beliefs)->tables - 1)

bool
EasqBeliefIdIsNone(const pg_uuid_t *id)
{
	static const pg_uuid_t none;

	return memcmp(id, &none, sizeof(none)) == 0;
}

static void
toggle(pg_uuid_t *sum, const pg_uuid_t *id)
{
	for (int i = 0; i < UUID_LEN; i++)
		sum->data[i] ^= id->data[i];
}

Size
EasqBeliefsMemory(void)
{
	return chunks ? MemoryContextMemAllocated(chunks, true) : 0;
}

/* ------------------------------------------------------------------ tables */

bool
EasqSpecHasValues(const EasqSpec *spec)
{
	for (int i = 0; i < spec->count; i++)
		if (EasqKinds[spec->feature[i].kind]->values)
			return true;
	return false;
}

static void
release(void *arg)
{
	EasqBeliefs *beliefs = arg;

	for (int t = 0; t < beliefs->tables; t++)
		for (int c = 0; c < beliefs->table[t].chunks; c++)
		{
			EasqBeliefChunk *chunk = beliefs->table[t].chunk[c];

			beliefs->table[t].chunk[c] = NULL;
			if (chunk && --chunk->users == 0)
				pfree(chunk);
		}
}

static void
make_table(EasqBeliefTable *table, const char *name, int64 size)
{
	table->name = name;
	table->size = size;
	table->chunks = (int) ((size + EASQ_BELIEF_ROWS - 1) / EASQ_BELIEF_ROWS);
	table->chunk = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(EasqBeliefChunk *) * Max(table->chunks, 1),
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static EasqBeliefs *
make_beliefs(const EasqSpec *spec)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq beliefs of a version", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EasqBeliefs *beliefs = palloc0(sizeof(EasqBeliefs));

	beliefs->spec = spec;
	beliefs->context = context;
	beliefs->table = palloc0(sizeof(EasqBeliefTable) * (spec->count + 1));
	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];

		/* A standardised number's belief is among those that all rows share. */
		make_table(&beliefs->table[i], feature->name, EasqKinds[feature->kind]->embedded ? feature->size : 0);
	}
	make_table(&beliefs->table[spec->count], "", EASQ_BELIEF_NUMBERS + spec->numerics);
	beliefs->tables = spec->count + 1;
	beliefs->release.func = release;
	beliefs->release.arg = beliefs;
	MemoryContextRegisterResetCallback(context, &beliefs->release);
	MemoryContextSwitchTo(old);
	return beliefs;
}

void
EasqBeliefsFree(EasqBeliefs *beliefs)
{
	if (beliefs)
		MemoryContextDelete(beliefs->context);
}

/* Rows of a chunk that are in the table. */
static int
rows_of(const EasqBeliefTable *table, int chunk)
{
	return (int) Min((int64) EASQ_BELIEF_ROWS, table->size - (int64) chunk * EASQ_BELIEF_ROWS);
}

/* Beside a value that was touched stand others that were not: they go with the prior. */
static void
move_untouched(EasqBeliefs *beliefs, int table, float from, float to)
{
	for (int c = 0; c < beliefs->table[table].chunks && from != to; c++)
	{
		EasqBeliefChunk *chunk = beliefs->table[table].chunk[c];

		if (chunk == NULL)
			continue;
		chunk = EasqBeliefsTouch(beliefs, table, c);
		for (int i = 0; i < rows_of(&beliefs->table[table], c); i++)
			if (chunk->row[i].mean == 0 && chunk->row[i].variance == from)
				chunk->row[i].variance = to;
	}
}

void
EasqBeliefsSetPriors(EasqBeliefs *beliefs, const EasqPriors *priors)
{
	for (int i = 0; i < beliefs->spec->count; i++)
	{
		const EasqFeature *feature = &beliefs->spec->feature[i];
		double		by_kind = EasqKinds[feature->kind]->embedded ? EASQ_PRIOR_UNKNOWN : EASQ_PRIOR_NUMBER;

		double		found = priors->variance[i] > 0 ? priors->variance[i] : by_kind;
		double		variance = feature->prior > 0 ? feature->prior : found;

		move_untouched(beliefs, i, (float) beliefs->table[i].prior, (float) variance);
		beliefs->table[i].prior = variance;
		beliefs->table[i].constant = priors->varies[i] <= EASQ_PRIOR_VARIES;
	}
	beliefs->table[COMMON(beliefs)].prior = EASQ_PRIOR_COMMON;
}

EasqBeliefs *
EasqBeliefsCreate(const EasqSpec *spec, const EasqPriors *priors)
{
	EasqBeliefs *beliefs = make_beliefs(spec);

	EasqBeliefsSetPriors(beliefs, priors);
	return beliefs;
}

EasqBeliefs *
EasqBeliefsCopy(const EasqBeliefs *from, const EasqSpec *spec)
{
	EasqBeliefs *beliefs = make_beliefs(spec);

	Assert(spec->count == from->spec->count);
	for (int t = 0; t < from->tables; t++)
	{
		beliefs->table[t].prior = from->table[t].prior;
		beliefs->table[t].constant = from->table[t].constant;
		for (int c = 0; c < from->table[t].chunks; c++)
			if (from->table[t].chunk[c])
			{
				beliefs->table[t].chunk[c] = from->table[t].chunk[c];
				beliefs->table[t].chunk[c]->users++;
			}
	}
	beliefs->id = from->id;
	beliefs->changes = beliefs->changes_room = from->changes;
	beliefs->change = MemoryContextAllocHuge(beliefs->context, sizeof(EasqBeliefPlace) * Max(from->changes, 1));
	if (from->changes > 0)
		memcpy(beliefs->change, from->change, sizeof(EasqBeliefPlace) * from->changes);
	return beliefs;
}

bool
EasqBeliefsFit(const EasqBeliefs *beliefs, const EasqSpec *spec)
{
	if (beliefs->spec->count != spec->count || beliefs->spec->numerics != spec->numerics)
		return false;
	for (int i = 0; i < spec->count; i++)
		if (beliefs->table[i].size != (EasqKinds[spec->feature[i].kind]->embedded ? spec->feature[i].size : 0))
			return false;
	return true;
}

/* The feature of a number among what all rows share, or -1. */
static int
feature_of_number(const EasqSpec *spec, int64 row)
{
	for (int i = 0; i < spec->count; i++)
		if (spec->feature[i].numeric == row - EASQ_BELIEF_NUMBERS)
			return i;
	return -1;
}

EasqBelief
EasqBeliefPrior(const EasqBeliefs *beliefs, int table, int64 row)
{
	int			feature = table == COMMON(beliefs) ? feature_of_number(beliefs->spec, row) : -1;
	double		variance = beliefs->table[feature >= 0 ? feature : table].prior;

	if (table == COMMON(beliefs) && row == EASQ_BELIEF_PATHWAY)
		return (EasqBelief) {(float) EASQ_PRIOR_PATHWAY_MEAN, (float) EASQ_PRIOR_PATHWAY};
	return (EasqBelief) {0, (float) variance};
}

/* ------------------------------------------------------------------ chunks */

static EasqBeliefChunk *
new_chunk(void)
{
	EasqBeliefChunk *chunk;

	if (chunks == NULL)
		chunks = AllocSetContextCreate(TopMemoryContext, "easq beliefs", ALLOCSET_DEFAULT_SIZES);
	chunk = MemoryContextAllocZero(chunks, sizeof(EasqBeliefChunk));
	chunk->users = 1;
	return chunk;
}

static void
note_change(EasqBeliefs *beliefs, int table, int chunk)
{
	if (beliefs->changes == beliefs->changes_room)
	{
		int			room = Max(16, beliefs->changes_room * 2);

		beliefs->change = beliefs->change ? repalloc_huge(beliefs->change, sizeof(EasqBeliefPlace) * (Size) room) :
			MemoryContextAlloc(beliefs->context, sizeof(EasqBeliefPlace) * room);
		beliefs->changes_room = room;
	}
	beliefs->change[beliefs->changes++] = (EasqBeliefPlace) {table, chunk};
}

EasqBeliefChunk *
EasqBeliefsTouch(EasqBeliefs *beliefs, int table, int chunk)
{
	EasqBeliefChunk **place = &beliefs->table[table].chunk[chunk];
	EasqBeliefChunk *old = *place;

	if (old && old->users == 1 && EasqBeliefIdIsNone(&old->id))
		return old;
	note_change(beliefs, table, chunk);
	if (old == NULL || old->users > 1)
	{
		EasqBeliefChunk *own = new_chunk();

		if (old)
		{
			memcpy(own->row, old->row, sizeof(own->row));
			toggle(&beliefs->id, &old->id);
			old->users--;
		}
		for (int i = 0; old == NULL && i < rows_of(&beliefs->table[table], chunk); i++)
			own->row[i] = EasqBeliefPrior(beliefs, table, (int64) chunk * EASQ_BELIEF_ROWS + i);
		*place = own;
		return own;
	}
	toggle(&beliefs->id, &old->id);
	memset(&old->id, 0, sizeof(old->id));
	return old;
}

void
EasqBeliefsShare(EasqBeliefs *beliefs, int table, int chunk, EasqBeliefChunk *shared)
{
	Assert(beliefs->table[table].chunk[chunk] == NULL);
	shared->users++;
	beliefs->table[table].chunk[chunk] = shared;
	toggle(&beliefs->id, &shared->id);
}

EasqBeliefChunk *
EasqBeliefsLoad(EasqBeliefs *beliefs, int table, int chunk, const pg_uuid_t *id)
{
	EasqBeliefChunk *loaded = new_chunk();

	Assert(beliefs->table[table].chunk[chunk] == NULL);
	beliefs->table[table].chunk[chunk] = loaded;
	EasqBeliefsStored(beliefs, loaded, id);
	return loaded;
}

void
EasqBeliefsStored(EasqBeliefs *beliefs, EasqBeliefChunk *chunk, const pg_uuid_t *id)
{
	Assert(EasqBeliefIdIsNone(&chunk->id));
	chunk->id = *id;
	toggle(&beliefs->id, id);
}

/* ---------------------------------------------------------------- opinions */

static inline EasqBelief
belief_at(const EasqBeliefs *beliefs, int table, int64 row)
{
	const EasqBeliefChunk *chunk = beliefs->table[table].chunk[row / EASQ_BELIEF_ROWS];

	return chunk ? chunk->row[row % EASQ_BELIEF_ROWS] : EasqBeliefPrior(beliefs, table, row);
}

/* Where a value's belief stands. */
static inline int
table_of(const EasqBeliefs *beliefs, const EasqFeature *feature)
{
	return feature->numeric >= 0 ? COMMON(beliefs) : (int) (feature - beliefs->spec->feature);
}

static inline int64
row_of(const EasqFeature *feature, int64 row)
{
	return feature->numeric >= 0 ? EASQ_BELIEF_NUMBERS + feature->numeric : row;
}

typedef struct Adding
{
	const EasqBeliefs *beliefs;
	EasqOpinion opinion;
} Adding;

static void
add_value(const EasqFeature *feature, int64 row, double x, void *arg)
{
	Adding	   *adding = arg;
	EasqBelief	belief = belief_at(adding->beliefs, table_of(adding->beliefs, feature), row_of(feature, row));

	EasqOpinionAdd(&adding->opinion, &belief, x);
	if (!adding->beliefs->table[feature - adding->beliefs->spec->feature].constant)
		adding->opinion.own += (double) belief.variance * (x * x);
}

static void
add_common(const EasqBeliefs *beliefs, int row, double x, EasqOpinion *opinion)
{
	EasqBelief	belief = belief_at(beliefs, COMMON(beliefs), row);

	EasqOpinionAdd(opinion, &belief, x);
}

EasqOpinion
EasqBeliefsOpinion(const EasqBeliefs *beliefs, const EasqEncoding *encoding, const char *example)
{
	Adding		adding = {beliefs, EasqBeliefsBias(beliefs)};

	EasqVisitValues(beliefs->spec, encoding, example, add_value, &adding);
	return adding.opinion;
}

EasqOpinion
EasqBeliefsBias(const EasqBeliefs *beliefs)
{
	EasqOpinion opinion = {0};

	add_common(beliefs, EASQ_BELIEF_BIAS, 1, &opinion);
	return opinion;
}

void
EasqBeliefsAddMain(const EasqBeliefs *beliefs, double term, EasqOpinion *opinion)
{
	add_common(beliefs, EASQ_BELIEF_MAIN, term, opinion);
}

void
EasqBeliefsAddPathway(const EasqBeliefs *beliefs, double term, EasqOpinion *opinion)
{
	add_common(beliefs, EASQ_BELIEF_PATHWAY, term, opinion);
}

typedef struct Visiting
{
	const EasqBeliefs *beliefs;
	EasqVisitBelief visit;
	void	   *arg;
} Visiting;

static void
visit_value(const EasqFeature *feature, int64 row, double x, void *arg)
{
	Visiting   *visiting = arg;
	int			table = table_of(visiting->beliefs, feature);

	row = row_of(feature, row);
	visiting->visit(feature, table, row, belief_at(visiting->beliefs, table, row), x, visiting->arg);
}

void
EasqBeliefsVisit(const EasqBeliefs *beliefs, const EasqEncoding *encoding, const char *example, double main, double pathway,
				 EasqVisitBelief visit, void *arg)
{
	Visiting	visiting = {beliefs, visit, arg};
	int			common = COMMON(beliefs);

	visit(NULL, common, EASQ_BELIEF_BIAS, belief_at(beliefs, common, EASQ_BELIEF_BIAS), 1, arg);
	visit(NULL, common, EASQ_BELIEF_MAIN, belief_at(beliefs, common, EASQ_BELIEF_MAIN), main, arg);
	visit(NULL, common, EASQ_BELIEF_PATHWAY, belief_at(beliefs, common, EASQ_BELIEF_PATHWAY), pathway, arg);
	EasqVisitValues(beliefs->spec, encoding, example, visit_value, &visiting);
}

/* ---------------------------------------------------------------- learning */

typedef struct Learning
{
	EasqBeliefs *beliefs;
	int			terms;
} Learning;

static void
take_term(Learning *learning, int table, int64 row, double x, double memory)
{
	EasqBeliefs *beliefs = learning->beliefs;
	EasqBeliefChunk *chunk = EasqBeliefsTouch(beliefs, table, (int) (row / EASQ_BELIEF_ROWS));

	if (learning->terms == beliefs->terms_room)
	{
		int			room = Max(64, beliefs->terms_room * 2);

		beliefs->term = beliefs->term ? repalloc_huge(beliefs->term, sizeof(EasqBeliefTerm) * (Size) room) :
			MemoryContextAlloc(beliefs->context, sizeof(EasqBeliefTerm) * room);
		beliefs->terms_room = room;
	}
	beliefs->term[learning->terms++] = (EasqBeliefTerm) {
		.belief = &chunk->row[row % EASQ_BELIEF_ROWS],
		.x = x,
		.prior = EasqBeliefPrior(beliefs, table, row).variance,
		.memory = memory
	};
}

static void
take_value(const EasqFeature *feature, int64 row, double x, void *arg)
{
	Learning   *learning = arg;

	take_term(learning, table_of(learning->beliefs, feature), row_of(feature, row), x, EASQ_BELIEF_MEMORY);
}

void
EasqBeliefsLearn(EasqBeliefs *beliefs, const EasqEncoding *encoding, const char *example,
				 double main, double pathway, bool satisfied, double weight, EasqSurprise *surprise)
{
	Learning	learning = {beliefs, 0};
	int			common = COMMON(beliefs);

	take_term(&learning, common, EASQ_BELIEF_BIAS, 1, EASQ_BELIEF_COMMON_MEMORY);
	take_term(&learning, common, EASQ_BELIEF_MAIN, main, EASQ_BELIEF_COMMON_MEMORY);
	if (!isnan(pathway))
		take_term(&learning, common, EASQ_BELIEF_PATHWAY, pathway, EASQ_BELIEF_COMMON_MEMORY);
	EasqVisitValues(beliefs->spec, encoding, example, take_value, &learning);
	EasqBelieve(learning.terms, beliefs->term, satisfied, weight, surprise);
}
