#include "postgres.h"

#include "feature/problem.h"

bool
EasqComplain(EasqProblem *problem, int sqlstate, char *message, char *hint)
{
	if (problem == NULL)
		ereport(ERROR,
				(errcode(sqlstate),
				 errmsg_internal("%s", message),
				 hint ? errhint("%s", hint) : 0));

	problem->sqlstate = sqlstate;
	problem->message = message;
	problem->hint = hint;
	return false;
}
