/*
 * Code that a questionnaire's author wrote or chose (the features query, casts,
 * output functions) runs as the author, confined, and nothing else does.
 */
#ifndef EASQ_AUTHOR_H
#define EASQ_AUTHOR_H

#include "postgres.h"

#include "store/questionnaire.h"

typedef struct EasqAuthor
{
	Oid			saved_user;
	int			saved_context;
	int			guc_level;
} EasqAuthor;

/*
 * Becomes the author: security-restricted, row_security on, the search_path
 * (pg_temp last) and time zone of then.  ERROR 42704 where the role is gone.
 * An error in between is undone by the (sub)transaction's abort.
 */
extern void EasqBecomeAuthor(EasqAuthor *author, const EasqQuestionnaire *questionnaire);
/* ERROR 42704 where the role is gone. */
extern void EasqCheckRole(Oid role);
extern void EasqLeaveAuthor(const EasqAuthor *author);

/* The caller's search_path as easq_learn records it: pg_temp last, whatever it was. */
extern char *EasqCurrentSearchPath(void);

#endif
