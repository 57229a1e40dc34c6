/*
 * Beliefs about the values of a model's features (core/belief.h), in memory.
 *
 * A table for each feature that has values, and one of what all rows share: bias, main logit, pathway logit and the
 * standardised numbers.  A table is a directory of chunks, of which only those exist that an answer has touched:
 * what has none stands at its prior.  Chunks are shared between the versions of a model and copied when one learns.
 */
#ifndef EASQ_FEATURE_BELIEF_H
#define EASQ_FEATURE_BELIEF_H

#include "postgres.h"

#include "utils/uuid.h"

#include "core/belief.h"
#include "feature/example.h"
#include "feature/spec.h"

#define EASQ_BELIEF_ROWS 128	/* of a chunk */

typedef struct EasqBeliefChunk
{
	pg_uuid_t	id;				/* random, of its content as it is stored; zeros: it is not stored */
	int			users;
	EasqBelief	row[EASQ_BELIEF_ROWS];
} EasqBeliefChunk;

typedef struct EasqBeliefTable
{
	const char *name;			/* of its feature; "" of what all rows share */
	int64		size;			/* rows; 0: a feature without values of its own */
	double		prior;			/* variance of each; of what all rows share see EasqBeliefPrior */
	bool		constant;		/* its feature is the same in all rows of a group */
	int			chunks;
	EasqBeliefChunk **chunk;	/* [chunks], NULL: at its prior */
} EasqBeliefTable;

/* A chunk that has changed since it was stored. */
typedef struct EasqBeliefPlace
{
	int			table;
	int			chunk;
} EasqBeliefPlace;

typedef struct EasqBeliefs
{
	const EasqSpec *spec;
	MemoryContext context;		/* its own */
	MemoryContextCallback release;
	pg_uuid_t	id;				/* XOR of the ids of all chunks */
	int			tables;			/* spec->count + 1: the last is what all rows share */
	EasqBeliefTable *table;
	int			changes;
	int			changes_room;
	EasqBeliefPlace *change;	/* may name a chunk twice */
	int			terms_room;
	EasqBeliefTerm *term;		/* scratch of one answer */
} EasqBeliefs;

/* Rows of what all rows share, before the numbers. */
enum
{
	EASQ_BELIEF_BIAS,
	EASQ_BELIEF_MAIN,
	EASQ_BELIEF_PATHWAY,
	EASQ_BELIEF_NUMBERS
};

/* Is there a feature whose values could be believed anything of? */
extern bool EasqSpecHasValues(const EasqSpec *spec);

/*
 * Nothing believed yet; in a context of its own below the current one, with which the chunks go that nobody else uses.
 * Variances of the specification go before those of priors.
 */
extern EasqBeliefs *EasqBeliefsCreate(const EasqSpec *spec, const EasqPriors *priors);
/* The same beliefs for a model whose features are the same.  Changes that are not stored are changes of both. */
extern EasqBeliefs *EasqBeliefsCopy(const EasqBeliefs *from, const EasqSpec *spec);
extern void EasqBeliefsFree(EasqBeliefs *beliefs);
/* Are they of a model with the same features? */
extern bool EasqBeliefsFit(const EasqBeliefs *beliefs, const EasqSpec *spec);
/* The priors of a training in place of those before it. */
extern void EasqBeliefsSetPriors(EasqBeliefs *beliefs, const EasqPriors *priors);

/* A belief before any answer. */
extern EasqBelief EasqBeliefPrior(const EasqBeliefs *beliefs, int table, int64 row);

/* A chunk of its own that may be written, named among the changes. */
extern EasqBeliefChunk *EasqBeliefsTouch(EasqBeliefs *beliefs, int table, int chunk);
/* Takes another's chunk in as it is; or what a stored one holds. */
extern void EasqBeliefsShare(EasqBeliefs *beliefs, int table, int chunk, EasqBeliefChunk *shared);
extern EasqBeliefChunk *EasqBeliefsLoad(EasqBeliefs *beliefs, int table, int chunk, const pg_uuid_t *id);
/* A changed chunk is stored under this id. */
extern void EasqBeliefsStored(EasqBeliefs *beliefs, EasqBeliefChunk *chunk, const pg_uuid_t *id);

extern bool EasqBeliefIdIsNone(const pg_uuid_t *id);
/* Memory of all chunks of this backend. */
extern Size EasqBeliefsMemory(void);

/*
 * What is believed of a row, but for main and pathway: values, numbers and bias.
 * The example must have passed EasqEncode or come from EasqReadExample.
 */
extern EasqOpinion EasqBeliefsOpinion(const EasqBeliefs *beliefs, const EasqEncoding *encoding, const char *example);
/* The bias alone: of a row whose values are not known. */
extern EasqOpinion EasqBeliefsBias(const EasqBeliefs *beliefs);
extern void EasqBeliefsAddMain(const EasqBeliefs *beliefs, double term, EasqOpinion *opinion);
extern void EasqBeliefsAddPathway(const EasqBeliefs *beliefs, double term, EasqOpinion *opinion);

/*
 * All beliefs that a row's opinion is a sum of: calls visit for each, with the number x that it is multiplied by.
 * feature NULL: bias, main and pathway, whose terms are given.  The example as for EasqBeliefsOpinion.
 */
typedef void (*EasqVisitBelief) (const EasqFeature *feature, int table, int64 row, EasqBelief belief, double x, void *arg);
extern void EasqBeliefsVisit(const EasqBeliefs *beliefs, const EasqEncoding *encoding, const char *example, double main,
							 double pathway, EasqVisitBelief visit, void *arg);

/* Learns one answer.  pathway NaN: the pathway has seen it and is left out. */
extern void EasqBeliefsLearn(EasqBeliefs *beliefs, const EasqEncoding *encoding, const char *example,
							 double main, double pathway, bool satisfied, double weight, EasqSurprise *surprise);

#endif
