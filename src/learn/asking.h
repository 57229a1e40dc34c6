/*
 * The optional columns that easq_learn's options name beside an answer: its
 * inverse-propensity weight, and when it was asked for.
 */
#ifndef EASQ_ASKING_H
#define EASQ_ASKING_H

#include "postgres.h"

#include "access/tupdesc.h"

#include "feature/problem.h"
#include "learn/collect.h"

typedef struct EasqAsking
{
	int			weight;			/* attribute numbers, 0: none */
	int			asked_at;
	Oid			weight_type;	/* base types */
	Oid			asked_at_type;
	const EasqLearnOptions *options;
} EasqAsking;

/* what: the relation, for messages.  ERROR 42703, 42702 or 42804 on a column that is missing, there twice or of another type. */
extern void EasqAskingInit(EasqAsking *asking, const EasqLearnOptions *options, TupleDesc desc, const char *what);

/* Fills weight (clipped; 1 where there is none) and asked_at of an answer.  False on a problem (see EasqComplain). */
extern bool EasqReadAsking(const EasqAsking *asking, const Datum *values, const bool *nulls,
							EasqAnswer *answer, EasqProblem *problem);

#endif
