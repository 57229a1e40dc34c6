/*
 * An example: the feature *values* of one row, packed, independent of any
 * weights (remembered answers and behaviour pairs are stored so, since encoded
 * inputs go stale with the embeddings).
 *
 * Little-endian 8-byte words, features in spec order:
 *   numeric      1 word: float8; NaN means NULL (a NaN value is refused before)
 *   categorical  1 word n, then n words: hashed -> the FNV-1a-64 of the text,
 *                index -> the row (1 <= row < size; an index 0 counts as a member, row 0).  n = 0: NULL or empty
 *   vector       1 word n: 0 (NULL) or dim, then dim float4 padded to whole words
 */
#ifndef EASQ_EXAMPLE_H
#define EASQ_EXAMPLE_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "lib/stringinfo.h"

#include "feature/problem.h"
#include "feature/spec.h"

/* Columns of one row type matched to features by name, once; then read row by row. */
typedef struct EasqReader EasqReader;

/*
 * ERROR where a feature's column is missing (42703), found twice (42702) or of
 * a type its kind cannot read (42804); a row whose columns are f1, f2, ...
 * gets the hint to use FROM (SELECT ...) c.  All memory in context.  The spec
 * must outlive it; of desc nothing is kept.  Where a vector has to be cast to
 * real[], the cast is looked up now and needs the current user's right to it.
 */
extern EasqReader *EasqReaderCreate(const EasqSpec *spec, TupleDesc desc, MemoryContext context);

/*
 * Packs one deformed row (values, nulls by attribute) at the end of out, which
 * the caller resets.  False on a problem (see EasqComplain): NaN or infinity,
 * an index out of range, a vector of the wrong length or with a NULL member.
 * What a cast to real[] itself throws stays an ERROR.  On a problem out is as
 * it was.  Nothing allocated outlives the call but out's growth; detoasted
 * copies are freed, and casts run in a context of the reader's own.
 */
extern bool EasqReadExample(EasqReader *reader, const Datum *values, const bool *nulls,
							StringInfo out, EasqProblem *problem);

/*
 * Packs features given by key at the end of out: numbers, strings, booleans,
 * arrays of them and null, to the same bytes as columns that hold the same.
 * Keys of no feature are nobody's business; a feature without a key is an ERROR
 * (42703), or NULL where missing_ok.  ERROR where a value cannot be read (42804)
 * or is out of range.  What is allocated is the current context's.
 */
extern void EasqReadObject(const EasqSpec *spec, Jsonb *object, bool missing_ok, StringInfo out);

/*
 * The same row with NULL as the value of feature number hidden, which is a category; palloc'd.  The example comes from
 * EasqReadExample or has passed EasqEncode.
 */
extern char *EasqHideValue(const EasqSpec *spec, const char *example, int length, int hidden, int *new_length);

/* The trained part of the encoding. */
typedef struct EasqEncoding
{
	const double *mean;			/* [numerics] */
	const double *deviation;	/* [numerics]; 0 counts as 1 */
	float	  **table;			/* [tables], each [rows, dim] */
} EasqEncoding;

/*
 * Example -> x [spec->inputs].  length is checked against the spec (a stored
 * example may come from anywhere): XX001 through EasqComplain if it does not
 * fit.  22003 where a standardised number does not fit float4.
 */
extern bool EasqEncode(const EasqSpec *spec, const EasqEncoding *encoding,
					   const char *example, int length, float *x, EasqProblem *problem);

/*
 * Asks for the embedding rows of an example that EasqReadExample made, so that
 * they are near when EasqEncode reads them a few rows later.
 */
extern void EasqPrefetch(const EasqSpec *spec, const EasqEncoding *encoding, const char *example);

/* Where the part of each feature begins in an example that EasqReadExample or EasqReadObject made, and the end: part [count + 1]. */
extern void EasqExampleParts(const EasqSpec *spec, const char *example, const char **part);

/*
 * The embedding rows an example reads of one feature: calls visit(row, share,
 * arg) for each, share = 1 / members.  For gradients.  The example must have
 * passed EasqEncode (its length is not known here).  n = 0 reads row 0, share 1.
 */
typedef void (*EasqVisitRow) (int table, int64 row, float share, int offset, void *arg);
extern void EasqVisitEmbeddings(const EasqSpec *spec, const char *example, EasqVisitRow visit, void *arg);

/*
 * The values of an example, as beliefs see them: calls visit(feature, row, x, arg) with x = 1 / sqrt(members) for
 * each category (n = 0: row 0, x = 1), and with a standardised number, at most EASQ_BELIEF_NUMBER_MOST (NULL: not
 * at all).  The example must have passed EasqEncode or come from EasqReadExample.
 */
typedef void (*EasqVisitValue) (const EasqFeature *feature, int64 row, double x, void *arg);
extern void EasqVisitValues(const EasqSpec *spec, const EasqEncoding *encoding, const char *example,
							EasqVisitValue visit, void *arg);

/*
 * Raw numeric value of numeric feature number i, NaN for NULL (for means and
 * deviations).  The example comes from EasqReadExample or has passed EasqEncode.
 */
extern double EasqExampleNumeric(const EasqSpec *spec, const char *example, int numeric);

/*
 * An already encoded input: any numeric array of exactly k finite numbers, no
 * NULLs, one dimension, into x.  Allocates nothing for real[].
 */
extern void EasqReadArray(Datum array, Oid array_type, int k, float *x);

#endif
