/*
 * What the columns of a query hold, counted in one pass over its rows.
 */
#ifndef EASQ_SURVEY_H
#define EASQ_SURVEY_H

#include "postgres.h"

typedef enum EasqHolds
{
	EASQ_HOLDS_CATEGORY,		/* text, enum, uuid, boolean */
	EASQ_HOLDS_INTEGER,
	EASQ_HOLDS_NUMBER,			/* float4, float8, numeric */
	EASQ_HOLDS_CATEGORIES,		/* an array of categories or integers */
	EASQ_HOLDS_NUMBERS,			/* an array of other numbers, or what casts to one */
	EASQ_HOLDS_OTHER
} EasqHolds;

typedef struct EasqColumnSurvey
{
	const char *name;
	Oid			type;
	EasqHolds	holds;
	int64		nulls;
	int64		distinct;		/* values; of arrays: members */
	double		least;			/* of numbers that are finite */
	double		most;
	double		sum;
	int64		not_finite;		/* rows with a NaN or an infinity */
	bool		whole;			/* all numbers are */
	int64		members_least;	/* of arrays that are not NULL */
	int64		members_most;
	int64		members_null;	/* rows with a NULL among the members */
	int			same_as;		/* an earlier column with the same values in every row, else -1 */
	bool		repeated;		/* an earlier column has the name */
	bool		constant_in_groups;
} EasqColumnSurvey;

typedef struct EasqSurvey
{
	int64		rows;
	int			columns;
	int			label;			/* columns; -1: not named */
	int			group;
	int			answer;
	EasqColumnSurvey *column;	/* [columns] */
} EasqSurvey;

/* Of a SELECT that only reads.  The others: columns of it, or NULL.  In the current context. */
extern EasqSurvey *EasqSurveyQuery(const char *query, const char *label, const char *group_by, const char *answer);

#endif
