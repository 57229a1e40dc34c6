/*
 * From the rows that a statement wrote to answers: the features query (or the
 * rows themselves), answer, respondent, key and packed features of each.
 */
#ifndef EASQ_COLLECT_H
#define EASQ_COLLECT_H

#include "postgres.h"

#include "utils/tuplestore.h"

#include "feature/spec.h"
#include "learn/skipped.h"
#include "store/answer.h"
#include "store/questionnaire.h"

/* Options of easq_learn. */
typedef struct EasqLearnOptions
{
	char	   *key;			/* column that names an answer */
	char	   *weight;			/* column of inverse-propensity weights */
	double		weight_limit;	/* what they are clipped at */
	char	   *asked_at;		/* column that says when */
	int			answers_per_hour;	/* of a respondent that are learned; 0: no limit */
	int			backlog;		/* EasqBacklog */
	bool		strict;			/* an answer that cannot be learned fails the statement */
	bool		queue;			/* do not wait for the model: queue the answer */
} EasqLearnOptions;

typedef enum EasqBacklog
{
	EASQ_BACKLOG_NONE,
	EASQ_BACKLOG_REMEMBER,
	EASQ_BACKLOG_LEARN
} EasqBacklog;

extern void EasqLearnOptionsRead(EasqLearnOptions *options, Jsonb *given);

/* Rows of the questionnaire (relation: whose row type they have), and what came of them. */
typedef struct EasqCollection
{
	EasqAnswer *answers;		/* those that can make a pair */
	int			count;
	int			room;
	int			uncertain;		/* rows whose answer is 'uncertain' */
	EasqSkipped refused;		/* rows with an answer that cannot be learned */
} EasqCollection;

/*
 * Must run as the author.  rows are read from their start.  Allocates in the current context.
 * options->strict: a row that cannot be learned is an ERROR.
 */
extern void EasqCollect(EasqCollection *collection, const EasqSpec *spec,
						const EasqQuestionnaire *questionnaire, const EasqLearnOptions *options,
						Oid relation, TupleDesc desc, Tuplestorestate *rows);

/* Sorts both, and moves what is in both (same key, same answer) out of either; uncertain ones and refused ones are counted off. */
extern void EasqCollectionSubtract(EasqCollection *now, EasqCollection *before);

#endif
