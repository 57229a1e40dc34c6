/*
 * Single values of the types that features read.  A type is the base type of
 * a domain; every enum goes by ANYENUMOID.
 */
#ifndef EASQ_VALUE_H
#define EASQ_VALUE_H

#include "postgres.h"

#include "feature/problem.h"

/* The type that a value of this type is read as. */
extern Oid	EasqReadAs(Oid type);

/* int2, int4, int8 */
extern bool EasqIsInteger(Oid type);
/* the integers, float4, float8, numeric */
extern bool EasqIsNumber(Oid type);
/* the integers, text, varchar, bpchar, boolean, enum, uuid */
extern bool EasqIsCategory(Oid type);

/* Of a boolean or a number; what is too large for a double is infinite. */
extern double EasqValueNumber(Oid type, Datum value);
extern int64 EasqValueInteger(Oid type, Datum value);
/* Is text converted to be hashed?  That fails where it has bytes that mean nothing in the server's encoding. */
extern bool EasqConvertsText(void);
/* Hash, in UTF-8, of text in the server's encoding. */
extern uint64 EasqTextHash(const char *text, int length);
/* The same of what ::text makes of a category. */
extern uint64 EasqValueHash(Oid type, Datum value);

#endif
