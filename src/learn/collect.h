/*
 * From the rows that a statement wrote to answers: the features query (or the
 * rows themselves), answer, respondent, key and packed features of each.
 */
#ifndef EASQ_COLLECT_H
#define EASQ_COLLECT_H

#include "postgres.h"

#include "utils/tuplestore.h"

#include "feature/spec.h"
#include "learn/changes.h"
#include "store/questionnaire.h"

typedef enum EasqWhen
{
	EASQ_LEARN_NOW,				/* in the statement, under the model's lock until the transaction ends */
	EASQ_LEARN_AT_COMMIT,		/* queued, and learned before the transaction commits */
	EASQ_LEARN_LATER			/* queued, and learned by whoever drains */
} EasqWhen;

/* Options of easq_learn. */
typedef struct EasqLearnOptions
{
	int			when;			/* EasqWhen */
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

/* The rows that a statement wrote to a questionnaire, and of an UPDATE the same as they were; relation: whose row type they have. */
typedef struct EasqWrittenRows
{
	Oid			relation;
	TupleDesc	desc;
	Tuplestorestate *now;
	Tuplestorestate *before;	/* or NULL */
} EasqWrittenRows;

/*
 * Must run as the author.  Rows are read from their start.  Those that are as they were in all that is read of them
 * are left out, or, where a query makes something of them, cancel out in changes.
 * options->strict: a row that cannot be learned is an ERROR.
 */
extern void EasqCollect(EasqChanges *changes, const EasqSpec *spec, const EasqQuestionnaire *questionnaire,
						const EasqLearnOptions *options, const EasqWrittenRows *rows);

/*
 * What reading a questionnaire's rows as they are takes, made once for many statements.  All memory is in the current
 * context, and what is passed must stay.
 */
typedef struct EasqCollector EasqCollector;
extern EasqCollector *EasqCollectorCreate(const EasqSpec *spec, const EasqQuestionnaire *questionnaire,
										  const EasqLearnOptions *options, TupleDesc desc);

/* Can reading a row neither fail nor run anybody's code, nor does it depend on settings?  Then it needs neither subtransaction nor author. */
extern bool EasqCollectorIsSafe(const EasqCollector *collector);

typedef enum EasqReading
{
	EASQ_READ_ANSWER,
	EASQ_READ_NOTHING,			/* not answered */
	EASQ_READ_OTHER				/* uncertain, or no good */
} EasqReading;

/* Reads the only row.  *answer is in the current context, its example until the next call. */
extern EasqReading EasqCollectOne(EasqCollector *collector, Tuplestorestate *rows, EasqAnswer *answer);

#endif
