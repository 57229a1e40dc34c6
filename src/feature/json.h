/*
 * Values that users write in jsonb, as the specification and the options
 * read them.  Private to src/feature.
 */
#ifndef EASQ_JSON_H
#define EASQ_JSON_H

#include "postgres.h"

#include "utils/jsonb.h"

/* False unless it is a number without a fraction that fits int64. */
extern bool EasqJsonInteger(const JsonbValue *value, int64 *integer);
/* False unless it is a number whose double is finite. */
extern bool EasqJsonReal(const JsonbValue *value, double *real);
/* Is it this string? */
extern bool EasqJsonIs(const JsonbValue *value, const char *string);
/* A string's text as a C string, palloc'd. */
extern char *EasqJsonText(const JsonbValue *string);
/* The value for a message: clipped, palloc'd. */
extern char *EasqJsonShow(const JsonbValue *value);
/* What a whole document is, for a message: "an object", "an array", "a single value". */
extern const char *EasqJsonShowKind(Jsonb *document);

#endif
