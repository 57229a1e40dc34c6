/*
 * Which models this backend has taught without an error since the tables of easq were last changed.
 *
 * Learning that fails must not fail the statement, and only a subtransaction can
 * undo what was written: each costs a transaction id, and more than 64 of them in one
 * transaction cost every other session look-ups.  So all that can fail by what is stored is read, and
 * all that the author wrote is run, in a subtransaction that writes nothing and has no id; and what is left, which
 * writes, has a subtransaction of its own only until it has worked once.
 */
#ifndef EASQ_TRUST_H
#define EASQ_TRUST_H

#include "postgres.h"

extern bool EasqTrusts(const char *model);
extern void EasqTrust(const char *model);
/* None from here on. */
extern void EasqTrustNone(void);

#endif
