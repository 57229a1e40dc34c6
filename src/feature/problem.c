#include "postgres.h"

#include "mb/pg_wchar.h"

#include "feature/problem.h"

bool
EasqComplain(EasqProblem *problem, int sqlstate, char *kind, char *message, char *hint)
{
	if (problem == NULL)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg_internal("%s", message ? message : kind),
				 hint ? errhint("%s", hint) : 0));

	problem->sqlstate = sqlstate;
	problem->kind = kind;
	problem->message = message;
	problem->hint = hint;
	return false;
}

char *
EasqClipText(const char *text, int bytes)
{
	int			length = (int) strnlen(text, bytes + 1);

	if (length <= bytes)
		return pstrdup(text);
	return psprintf("%.*s...", pg_mbcliplen(text, length, bytes), text);
}
