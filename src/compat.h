/*
 * Differences between PostgreSQL 13 and 18, all in one place.
 */
#ifndef EASQ_COMPAT_H
#define EASQ_COMPAT_H

#include "postgres.h"

#include "catalog/pg_class.h"
#include "utils/acl.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#define EasqOwnsRelation(relation, role) object_ownercheck(RelationRelationId, relation, role)
#define EasqMaySetRole(member, role) member_can_set_role(member, role)
#else
#define EasqOwnsRelation(relation, role) pg_class_ownercheck(relation, role)
#define EasqMaySetRole(member, role) is_member_of_role(member, role)
#endif

#endif
