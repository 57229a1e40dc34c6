/*
 * Values of any type that casts to real[] (pgvector's, for one), as such.
 */
#ifndef EASQ_CAST_H
#define EASQ_CAST_H

#include "postgres.h"

typedef struct EasqCast EasqCast;

/* In the current context; NULL where the type does not cast.  Needs the current user's right to the cast. */
extern EasqCast *EasqCastToReals(Oid type);

/* real[], until EasqCastReset, which frees all that casting left behind. */
extern Datum EasqCastValue(EasqCast *cast, Datum value, bool *isnull);
extern void EasqCastReset(EasqCast *cast);

#endif
