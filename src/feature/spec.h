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
	int			table;			/* its number among the embedding tables, else -1 */
} EasqFeature;

typedef struct EasqSpec
{
	int			count;
	int			inputs;			/* k: sum of dims */
	int			numerics;
	int			tables;
	EasqFeature feature[FLEXIBLE_ARRAY_MEMBER];
} EasqSpec;

/*
 * Reads and checks '[{"name": ..., "kind": ..., ...}, ...]'.  ERROR (22023)
 * on anything else, unknown keys included.  Allocated in the current context,
 * one chunk of its own for each name.
 */
extern EasqSpec *EasqSpecParse(Jsonb *features);

/* The same as easq.model stores and easq_export writes it: numbers as integers, and no key that says the default. */
extern Jsonb *EasqSpecToJsonb(const EasqSpec *spec);

#endif
