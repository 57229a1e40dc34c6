/*
 * Queries that users pass (to train, to evaluate, for features): prepared
 * only if they merely read, and their columns found by name.
 */
#ifndef EASQ_READING_H
#define EASQ_READING_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "executor/spi.h"

/* Within SPI.  what: "the query", "the features query".  ERROR 22023 on anything but one SELECT that only reads. */
extern SPIPlanPtr EasqPrepareReading(const char *query, const char *what);

/*
 * Attribute number of a column.  argument: which argument names it.
 * ERROR 42703 where it is missing, 42702 where it is there twice.
 */
extern int	EasqFindColumn(TupleDesc desc, const char *name, const char *argument, const char *what);

#endif
