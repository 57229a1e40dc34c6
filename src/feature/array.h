/*
 * Arrays of numbers as float4.  Private to src/feature.
 */
#ifndef EASQ_ARRAY_H
#define EASQ_ARRAY_H

#include "postgres.h"

#include "feature/problem.h"

/*
 * Writes the count members of a one-dimensional array of numbers (type: as
 * EasqIsNumber) to out, at any alignment.  name: the feature in messages, or
 * NULL for an encoded input.  False on a problem.
 */
extern bool EasqArrayToFloats(Datum value, Oid type, int count, const char *name,
							  char *out, EasqProblem *problem);

/* The same one by one: whether there are count of them; what a NULL among them is; member number i, finite, to out. */
extern bool EasqCheckLength(int members, int count, const char *name, EasqProblem *problem);
extern bool EasqComplainOfNull(int count, const char *name, EasqProblem *problem);
extern bool EasqPutMember(float member, int i, int count, const char *name, char *out, EasqProblem *problem);

#endif
