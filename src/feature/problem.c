#include "postgres.h"

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
