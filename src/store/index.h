/*
 * The indexes that easq reads its tables by.  A name says nothing of what is behind it: an index on some of the rows,
 * in another order or of another table would be believed.
 */
#ifndef EASQ_INDEX_H
#define EASQ_INDEX_H

#include "postgres.h"

#include "utils/rel.h"

/*
 * The index of this name, locked as for reading; ERROR 55000, with what it should be, unless it is as the script made
 * it.  Names that are none of easq's own come from the table's list of indexes (model_delete.c) and are taken as they are.
 */
extern Relation EasqIndexOpen(Relation table, const char *name);

#define EASQ_INDEXES 16
extern const char *EasqIndexName(int number);

#endif
