/*
 * The rows of a user's query, read through a cursor as the caller: features
 * packed, label, group, answer and respondent found by column name.
 */
#ifndef EASQ_SOURCE_H
#define EASQ_SOURCE_H

#include "postgres.h"

#include "feature/spec.h"

/* Column names. */
typedef struct EasqSourceColumns
{
	const char *label;
	const char *group_by;
	const char *answer;			/* or NULL */
	const char *respondent;		/* or NULL */
} EasqSourceColumns;

typedef struct EasqSourceRow
{
	double		label;			/* NaN: NULL */
	bool		grouped;		/* group_by is not NULL */
	uint64		group;			/* the same for equal values */
	double		answer;			/* NaN: none, or one that makes no pair */
	const char *respondent;		/* text, NULL: unknown; only where there is an answer */
	const char *example;
	int			length;
} EasqSourceRow;

typedef struct EasqSource EasqSource;

/*
 * Opens a read-only cursor under the active snapshot, which must stay until
 * Close.  Connects to SPI; everything lives in a context under the current one.
 * ERROR: not one SELECT (22023), a column missing (42703), found twice (42702)
 * or of a wrong type (42804).
 */
extern EasqSource *EasqSourceOpen(const char *query, const EasqSpec *spec, const EasqSourceColumns *columns);

/* The next row, valid until the next call; false at the end.  ERROR on bad data, with the row's number. */
extern bool EasqSourceNext(EasqSource *source, EasqSourceRow *row);

extern void EasqSourceClose(EasqSource *source);

#endif
