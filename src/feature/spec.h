/*
 * The features of a model: what columns it reads and how each becomes part of
 * the input x, in order.
 */
#ifndef EASQ_SPEC_H
#define EASQ_SPEC_H

#include "postgres.h"

#include "utils/jsonb.h"

#define EASQ_MAX_FEATURES 256
#define EASQ_MAX_CATEGORIES INT64CONST(100000000)

#define EASQ_MIN_PRIOR 1e-6
#define EASQ_MAX_PRIOR 100.0

typedef enum EasqKind
{
	EASQ_NUMERIC,				/* 1 input: (value - mean) / deviation */
	EASQ_CATEGORICAL,			/* dim inputs: the mean of embedding rows */
	EASQ_VECTOR,				/* dim inputs, as they are */
	EASQ_KINDS
} EasqKind;

typedef struct EasqFeature
{
	char	   *name;			/* column name */
	EasqKind	kind;
	bool		hashed;			/* categorical: row 1 + FNV-1a-64(text) mod (size - 1); else the value is the row */
	int64		size;			/* categorical: rows of the table, row 0 is NULL */
	int			dim;			/* inputs it fills */
	double		prior;			/* variance of beliefs about its values; 0: not given */
	int			offset;			/* first of them in x */
	int			numeric;		/* its number among the numeric features, else -1 */
	int			table;			/* its embedding's number among the tables, else -1 */
	int			factor;			/* its factors' number among the tables, else -1 (see factor.h) */
	int			factors;		/* numbers of its factors' vectors */
} EasqFeature;

/* Rows of numbers that training learns for the values of a feature. */
typedef struct EasqTable
{
	const EasqFeature *feature;
	bool		factors;		/* else embeddings */
	int64		rows;
	int			dim;			/* numbers of a row */
} EasqTable;

typedef struct EasqSpec
{
	int			count;
	int			inputs;			/* k: sum of dims */
	int			numerics;
	int			factors;		/* numbers of a vector, 0: nothing is factorised */
	int			tables;			/* embeddings, then factors, both in the order of features */
	EasqTable  *table;			/* [tables] */
	EasqFeature feature[FLEXIBLE_ARRAY_MEMBER];
} EasqSpec;

/*
 * Reads and checks '[{"name": ..., "kind": ..., ...}, ...]'.  ERROR (22023)
 * on anything else, unknown keys included.  "why" is for people, and an entry of kind "none" is left out.  Allocated in the current context,
 * one chunk of its own for each name.
 */
extern EasqSpec *EasqSpecParse(Jsonb *features);

/* Gives the features that can have factors (and embeddings) their tables: a number is an option of the model. */
extern void EasqSpecSetTables(EasqSpec *spec, int factors);

/* The numbers of table number t in a new model, those of factors 0; and what training starts these from.  Same seed, same bits. */
extern void EasqTableInit(const EasqSpec *spec, int t, uint64 seed, float *numbers);
extern void EasqFactorsStart(const EasqSpec *spec, int t, uint64 seed, float *numbers);

/* What a table is called among a model's tensors. */
extern char *EasqTableName(const EasqTable *table);

/* The same as easq.model stores and easq_export writes it: numbers as integers, and no key that says the default. */
extern Jsonb *EasqSpecToJsonb(const EasqSpec *spec);

#endif
