/*
 * Values that users write in jsonb: one reader of numbers for specifications,
 * options and the metadata of files, and the writer of what is stored of them.
 */
#ifndef EASQ_JSON_H
#define EASQ_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"

/* False unless it is a whole number that fits int64; 8.0 and 8e0 are 8. */
extern bool EasqJsonInteger(const JsonbValue *value, int64 *integer);
/* False unless it is a number whose double is finite; *real is infinite where it is too large for one. */
extern bool EasqJsonReal(const JsonbValue *value, double *real);
/*
 * The digits of a whole number of any length, as the integer types write them (7.0 is 7); NULL where it is not one.
 * palloc'd.
 */
extern char *EasqJsonDigits(const JsonbValue *value);
/* The other way round: values for EasqJsonPut.  A string is not copied. */
extern JsonbValue EasqJsonString(const char *string);
extern JsonbValue EasqJsonWhole(int64 integer);
extern JsonbValue EasqJsonNumber(double real);
/* A member of the object that is being built. */
extern void EasqJsonPut(JsonbParseState **object, const char *key, JsonbValue value);
/* Is it this string? */
extern bool EasqJsonIs(const JsonbValue *value, const char *string);
/* A string's text as a C string, palloc'd. */
extern char *EasqJsonText(const JsonbValue *string);
/* The value for a message: clipped, palloc'd. */
extern char *EasqJsonShow(const JsonbValue *value);
/* What a whole document is, for a message: "an object", "an array", "a single value". */
extern const char *EasqJsonShowKind(Jsonb *document);

#endif
