/*
 * The triggers on a user's questionnaire: one for INSERT, one for UPDATE,
 * on the table and on every partition of it.  They serve all models that learn from it.
 */
#ifndef EASQ_ATTACH_H
#define EASQ_ATTACH_H

#include "postgres.h"

#include "nodes/pg_list.h"

/* Refuses what cannot have them: views, foreign tables, system tables, tables the caller does not own. */
extern void EasqCheckQuestionnaire(Oid relation);

/* Creates the triggers that are missing, as the caller; nobody writes to the table from here on.  schema: of the extension's functions. */
extern void EasqAttach(Oid relation, const char *schema);

/* Ends a model's learning from a table (ERROR 42704 where there is none), and drops the triggers, as the caller, if it was the last. */
extern void EasqDetach(const char *model, Oid relation);

/* Locks the caller's tables that EasqDetachModel will change: before the model, as an INSERT locks them. */
extern void EasqLockQuestionnaires(const char *model);

/* Ends all learning of a model; triggers on tables of other owners stay and find nothing to do. */
extern void EasqDetachModel(const char *model);

/* The table that easq_learn was called for: itself, or the ancestor that relation is a partition of. */
extern List *EasqQuestionnaireCandidates(Oid relation);

#endif
