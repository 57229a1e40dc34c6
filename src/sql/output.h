/*
 * The rows that a function returns in FROM, all at once.
 */
#ifndef EASQ_OUTPUT_H
#define EASQ_OUTPUT_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/tuplestore.h"

typedef struct EasqOutput
{
	Tuplestorestate *store;
	TupleDesc	desc;
} EasqOutput;

/* Store and descriptor live as long as the query.  ERROR 0A000 where the call's place takes no set. */
extern EasqOutput EasqOutputBegin(FunctionCallInfo fcinfo, const char *call, int columns);

/* [columns] */
extern void EasqOutputPut(EasqOutput *output, Datum *values, bool *nulls);

#endif
