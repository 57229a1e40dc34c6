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
	int			settings;
} EasqAuthor;

/*
 * Becomes the author: security-restricted, row_security on, with the settings
 * of then.  ERROR 42704 where the role is gone.
 * An error in between is undone by the (sub)transaction's abort.
 */
extern void EasqBecomeAuthor(EasqAuthor *author, const EasqQuestionnaire *questionnaire);
/* ERROR 42704 where the role is gone. */
extern void EasqCheckRole(Oid role);
extern void EasqLeaveAuthor(const EasqAuthor *author);

#endif
