/*
 * Are the tables that learning writes as the extension's script made them?  Where
 * they are, no row that easq writes can be refused for what it says.
 */
#ifndef EASQ_AS_MADE_H
#define EASQ_AS_MADE_H

#include "postgres.h"

/*
 * 0: no, a constraint, an index or a row trigger of somebody else's can raise errors, run code and so on.  Else
 * yes, and another number after any of them was changed.  Cheap: looked at only after a change.
 */
extern uint64 EasqTablesAsMade(void);

#endif
