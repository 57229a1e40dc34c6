/*
 * What easq_score, easq_satisfaction and easq_batch_score share: the version
 * that the statement sees, and the columns of the rows that come.
 */
#ifndef EASQ_SCORING_H
#define EASQ_SCORING_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"

#include "feature/example.h"
#include "feature/factor.h"
#include "store/cache_version.h"
#include "store/cache_statement.h"

/* Rows between reading and encoding: as long as a few embedding rows take to come from memory. */
#define EASQ_READ_AHEAD 16

/* What a call site wants of its rows. */
typedef enum EasqAsked
{
	EASQ_ASKED_RANKING,
	EASQ_ASKED_SATISFACTION,
	EASQ_ASKED_OPINION			/* a probability, or how sure it is */
} EasqAsked;

/* How the rows come. */
typedef enum EasqForm
{
	EASQ_FORM_RECORD,			/* features are columns */
	EASQ_FORM_JSONB,			/* features are keys */
	EASQ_FORM_INPUT				/* an array of k numbers, whose values are not known */
} EasqForm;

typedef struct EasqScoring
{
	MemoryContext context;		/* of the call site, maybe longer than a statement */
	EasqStatement statement;
	Oid			role;			/* whose right was checked */
	char	   *model;			/* name that version stands for */
	int			model_length;
	EasqPin		pin;
	MemoryContext version_context;	/* of x, work and example; reset when the version changes */

	/* the reader of rows of one type */
	MemoryContext reader_context;	/* reset when the type or the version changes */
	EasqReader *reader;
	TupleDesc	desc;
	Oid			row_type;
	int32		row_typmod;
	uint64		row_shape;		/* another after ALTER TABLE */
	Datum	   *values;
	bool	   *nulls;
	StringInfoData example;		/* of the rows that are read but not encoded yet */
	int			offset[EASQ_READ_AHEAD + 1];	/* where each of them begins, and the end */
	int			pending;		/* how many there are */

	MemoryContext row_context;	/* reset for each row */
	float	   *x;				/* [block, k] */
	float	   *u;				/* [block] what factors add to the main logits of these rows */
	EasqFactors *factors;		/* NULL: nothing */
	const EasqBeliefs *beliefs;	/* NULL: what is asked takes none */
	EasqOpinion *opinion;		/* [block] what is believed of their values, where beliefs are taken */
	float	   *logit[EASQ_PATHWAYS];	/* [block] as they were last asked for */
	float	   *work;
	EasqShared	shared;			/* between calls, where block is 1 */
	int			block;			/* rows that x and work have room for */
	EasqAsked	asked;
	EasqForm	form;
} EasqScoring;

extern EasqScoring *EasqScoringCreate(MemoryContext context, EasqAsked asked, EasqForm form, int block);

/*
 * Makes scoring stand for this model as the active snapshot shows it: a few
 * comparisons where nothing changed, else one look at two rows.  True where the version is another.
 */
extern bool EasqScoringUse(EasqScoring *scoring, text *model);

/* Encodes a row of the form that scoring is for into x [k] and u; an array of numbers is x, and there is no u.  ERROR where it cannot be. */
extern void EasqScoringEncode(EasqScoring *scoring, Datum row);

/*
 * The same for many rows: after EasqScoringBegin each row is read at once and
 * encoded a few rows later into the next k numbers of x and the next of u, the last ones by
 * EasqScoringFlush.  *filled counts the rows in x.
 */
extern void EasqScoringBegin(EasqScoring *scoring);
extern void EasqScoringRead(EasqScoring *scoring, Datum row, int *filled);
extern void EasqScoringFlush(EasqScoring *scoring, int *filled);

/* A row's example alone, at the end of example; and one from anywhere (ERROR XX001 where it does not fit) in the place of a row that is read. */
extern void EasqScoringPack(EasqScoring *scoring, Datum row, StringInfo example);
extern void EasqScoringAdd(EasqScoring *scoring, const char *example, int length, int *filled);

/* Scores the first rows of x by the pathway that is asked for, satisfaction's for an opinion.  ERROR 22003 where one is not finite: NaN would rank first. */
extern void EasqScoringRun(EasqScoring *scoring, int rows, float *score);
extern void EasqRefuseScore(const EasqScoring *scoring);
/* ERROR 55000; what: that nothing says. */
extern void EasqRefuseWithoutBeliefs(const EasqScoring *scoring, const char *what);

/* Logits of both pathways of the first rows of x, in scoring->logit. */
extern void EasqScoringLogits(EasqScoring *scoring, int rows);

/*
 * What is believed of the first rows of x, where scoring takes beliefs; the opinions stay until the next rows.
 * Of an array of inputs: by bias and pathways alone.
 */
extern const EasqOpinion *EasqScoringOpinions(EasqScoring *scoring, int rows);

/* ERROR 0A000 where the argument is not null: names kept for later. */
extern void EasqRefuseSelectors(FunctionCallInfo fcinfo);

#endif
