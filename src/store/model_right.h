/*
 * Who may do what with a model: its owner everything, others what easq_grant
 * gave them.  The rights stand in the row of easq.model, which each statement
 * reads anyhow, so that what was revoked is gone with the next statement.
 */
#ifndef EASQ_MODEL_RIGHT_H
#define EASQ_MODEL_RIGHT_H

#include "postgres.h"

#include "access/htup.h"

struct EasqScan;

/* What a value of the type easq.role stands for beside a role. */
#define EASQ_NOBODY InvalidOid
#define EASQ_EVERYBODY ((Oid) 1)

/* Those that can be granted come first, in the order of their columns. */
typedef enum EasqRight
{
	EASQ_TO_SCORE,				/* and to see what there is; SELECT on easq.model gives it for every model */
	EASQ_TO_TEACH,				/* learn, align, train */
	EASQ_TO_EXPORT,
	EASQ_TO_OWN					/* all else; of the owner alone, and of members of that role */
} EasqRight;

#define EASQ_GRANTABLE EASQ_TO_OWN

typedef struct EasqRights
{
	Oid			owner;			/* maybe of a role that is gone: superusers only */
	int			count[EASQ_GRANTABLE];
	const Oid  *grantee[EASQ_GRANTABLE];	/* EASQ_EVERYBODY among them, maybe roles that are gone */
} EasqRights;

/* 'score', 'teach' or 'export'; ERROR 22023 where it is none. */
extern EasqRight EasqRightOfName(const char *name);

/* From a row of easq.model, in the current context. */
extern void EasqRightsRead(EasqRights *rights, const struct EasqScan *scan, HeapTuple tuple);

/* The grantees in a datum of type easq.role[]; they point into it where it is short and in line, else into a copy. */
extern const Oid *EasqGrantees(Datum array, int *count);

/* A datum of type easq.role[] for a column of easq.model. */
extern Datum EasqGranteesDatum(const Oid *grantees, int count);

extern bool EasqMay(const EasqRights *rights, Oid role, EasqRight right);

/* ERROR 42501 where role may not. */
extern void EasqModelCheckRight(const char *name, const EasqRights *rights, Oid role, EasqRight right);

/*
 * Gives a right to a role, or takes it back, under the active snapshot; the caller holds the definition's lock.
 * Weights and their ids stay what they are.
 */
extern void EasqModelGrant(const char *name, EasqRight right, Oid grantee, bool give);

#endif
