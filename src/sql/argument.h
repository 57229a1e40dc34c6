/*
 * What every function that people call does to its arguments.
 */
#ifndef EASQ_ARGUMENT_H
#define EASQ_ARGUMENT_H

#include "postgres.h"

#include "fmgr.h"

/* Text argument n as a C string in the current context; ERROR 22004 naming it where it is NULL. */
extern char *EasqTextArgument(FunctionCallInfo fcinfo, int n, const char *name);

/* A NULL-able text argument, NULL where it is. */
extern char *EasqOptionalText(FunctionCallInfo fcinfo, int n);

/* ERROR 25006 on a standby and in a read-only transaction: easq's own writes do not pass PostgreSQL's check. */
extern void EasqPreventReadOnly(const char *call);

#endif
