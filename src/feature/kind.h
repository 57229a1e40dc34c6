/*
 * The kinds of features, as a table: a new kind is an entry in kind.c, a file
 * beside kind_numeric.c and a name in EasqKind.  Private to src/feature.
 */
#ifndef EASQ_KIND_H
#define EASQ_KIND_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "feature/example.h"
#include "feature/reader.h"
#include "feature/wire.h"

/* What a specification may say of a feature. */
typedef enum EasqKey
{
	EASQ_KEY_NAME,
	EASQ_KEY_KIND,
	EASQ_KEY_SIZE,
	EASQ_KEY_DIM,
	EASQ_KEY_ENCODING,
	EASQ_KEY_PRIOR,
	EASQ_KEY_WHY,				/* for people: not stored */
	EASQ_KEYS
} EasqKey;

#define EASQ_BIT(key) (1 << (key))
/* What any feature may have. */
#define EASQ_COMMON_KEYS (EASQ_BIT(EASQ_KEY_NAME) | EASQ_BIT(EASQ_KEY_KIND) | EASQ_BIT(EASQ_KEY_WHY))

/* An example that is being encoded.  It may come from anywhere: nothing is read before its length is known to suffice. */
typedef struct EasqCursor
{
	const char *at;
	const char *end;
} EasqCursor;

/* What follows the first word of a feature in an example. */
typedef enum EasqFollowing
{
	EASQ_ONE_WORD,				/* nothing */
	EASQ_COUNTED_WORDS,			/* as many words as the first says */
	EASQ_FLOATS					/* dim floats, but for a first word of 0 */
} EasqFollowing;

typedef enum EasqEncoded
{
	EASQ_ENCODED,
	EASQ_DOES_NOT_FIT,			/* the bytes are not of this feature */
	EASQ_COMPLAINED				/* and said why */
} EasqEncoded;

typedef struct EasqKindEntry
{
	const char *name;
	int			keys;			/* bits of the keys that it has, and of those that it cannot do without */
	int			required;
	bool		standardised;	/* has a mean and a deviation */
	bool		embedded;		/* has an embedding table */
	EasqFollowing following;
	const char *reads;			/* for a hint: what of columns it reads */
	const char *reads_json;		/* the same of jsonb, and how */
	const char *no_array;		/* hint where it is given an array, or NULL where arrays are its own */

	/* What to cast a column to that it cannot read. */
	Oid			(*castable) (const EasqFeature *feature, bool array);
	/* Fills *column, whose type and member say what the column is; false where it cannot be read. */
	bool		(*judge) (const EasqFeature *feature, EasqColumn *column, Oid member);
	/* The word of an example that stands for NULL. */
	uint64		(*null_word) (void);
	/* Appends a value that is not NULL; false through EasqComplain. */
	bool		(*read) (const EasqFeature *feature, const EasqColumn *column, Datum value,
						 StringInfo out, EasqProblem *problem);
	/* The same of a value in jsonb; false: *unread, it or a member of it, is of a type that cannot be read.  Else ERROR. */
	bool		(*read_json) (const EasqFeature *feature, const JsonbValue *value, StringInfo out, JsonbValue *unread);
	/* word: its first, which the cursor has passed.  x: its own inputs. */
	EasqEncoded (*encode) (const EasqFeature *feature, const EasqEncoding *encoding, EasqCursor *cursor, uint64 word,
						   float *x, EasqProblem *problem);
	/* at: its first word.  Of kinds that are embedded. */
	void		(*prefetch) (const EasqFeature *feature, const EasqEncoding *encoding, const char *at);
	/*
	 * The part that a row's factorisation has of the feature, and what it is multiplied by; mean [1 + factors] is
	 * room for a part that stands in no row of the table.  x: as encoded.  NULL: it has none.
	 */
	void		(*factor) (const EasqFeature *feature, const float *table, const char *at, const float *x,
						   float *mean, const float **part, float *scale);
	void		(*visit) (const EasqFeature *feature, const char *at, EasqVisitRow visit, void *arg);
	/* See EasqVisitValues; NULL: of kinds whose values nothing is believed of. */
	void		(*values) (const EasqFeature *feature, const EasqEncoding *encoding, const char *at,
						   EasqVisitValue visit, void *arg);
} EasqKindEntry;

extern const EasqKindEntry EasqNumericKind;
extern const EasqKindEntry EasqCategoricalKind;
extern const EasqKindEntry EasqVectorKind;

extern const EasqKindEntry *const EasqKinds[EASQ_KINDS];

/* Moves past one feature of an example that is known to fit. */
static inline const char *
EasqSkipFeature(const EasqFeature *feature, const char *at)
{
	uint64		word = EasqGetWord(at);

	at += EASQ_WORD;
	switch (EasqKinds[feature->kind]->following)
	{
		case EASQ_ONE_WORD:
			return at;
		case EASQ_COUNTED_WORDS:
			return at + word * EASQ_WORD;
		case EASQ_FLOATS:
			return word != 0 ? at + EasqVectorBytes(feature->dim) : at;
	}
	return at;					/* keep compilers quiet */
}


#endif
