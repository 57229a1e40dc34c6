/*
 * A complaint about one row's data.  Callers that rank or train want an
 * ERROR; learning wants to keep the row, skip the answer and say why.
 */
#ifndef EASQ_PROBLEM_H
#define EASQ_PROBLEM_H

#include "postgres.h"

typedef struct EasqProblem
{
	int			sqlstate;		/* 0: none so far */
	char	   *kind;			/* what is wrong: may name features and columns, never a value. For everybody */
	char	   *message;		/* the same with the value: for whom the row belongs to */
	char	   *hint;			/* or NULL */
} EasqProblem;

/*
 * Always returns false.  problem NULL: ereport(ERROR) with message and hint; else
 * stores all four (in the current context) and returns.  All are finished texts
 * (psprintf); message NULL: it would say no more than kind.
 */
extern bool EasqComplain(EasqProblem *problem, int sqlstate, char *kind, char *message, char *hint);

/*
 * What a user wrote, for a message: at most so many bytes of it and "..." where
 * there are more, whole characters.  palloc'd.
 */
extern char *EasqClipText(const char *text, int bytes);

#define EASQ_QUOTED 64			/* shows every name that an object of the database can have */
#define EASQ_RECORDED 512		/* of a message from elsewhere that is recorded */

#endif
