/*
 * Differences between PostgreSQL 13 and 18, all in one place.
 */
#ifndef EASQ_COMPAT_H
#define EASQ_COMPAT_H

#include "postgres.h"

#include "access/detoast.h"
#include "catalog/pg_class.h"
#include "common/jsonapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/acl.h"

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#define EasqOwnsRelation(relation, role) object_ownercheck(RelationRelationId, relation, role)
#define EasqMaySetRole(member, role) member_can_set_role(member, role)
#else
#define EasqOwnsRelation(relation, role) pg_class_ownercheck(relation, role)
#define EasqMaySetRole(member, role) is_member_of_role(member, role)
#endif

/* What shared memory a library needs: asked in a hook since 15, before that as soon as it is loaded. */
#if PG_VERSION_NUM >= 150000
#define EasqOnShmemRequest(previous, request) (previous = shmem_request_hook, shmem_request_hook = request)
#else
typedef void (*shmem_request_hook_type) (void);
#define EasqOnShmemRequest(previous, request) (previous = NULL, request())
#endif

/* A lexer of JSON text in the database's encoding, and what an action of pg_parse_json returns. */
#if PG_VERSION_NUM >= 170000
#define EasqJsonLexer(text, length) makeJsonLexContextCstringLen(NULL, text, length, GetDatabaseEncoding(), true)
#else
#define EasqJsonLexer(text, length) makeJsonLexContextCstringLen(text, length, GetDatabaseEncoding(), true)
#endif
#if PG_VERSION_NUM >= 160000
#define EASQ_JSON_ACTION JsonParseErrorType
#define EASQ_JSON_DONE JSON_SUCCESS
#else
#define EASQ_JSON_ACTION void
#define EASQ_JSON_DONE
#endif

/* Rows that are written together, with their index entries: since 14. */
#if PG_VERSION_NUM >= 140000
#define EasqInsertTuples(table, slots, count, indexes) CatalogTuplesMultiInsertWithInfo(table, slots, count, indexes)
#else
#define EasqInsertTuples(table, slots, count, indexes) \
	do \
	{ \
		for (int slot_ = 0; slot_ < (count); slot_++) \
			CatalogTupleInsertWithInfo(table, ExecFetchSlotHeapTuple((slots)[slot_], false, NULL), indexes); \
	} while (0)
#endif

/* The bytes of a value out of line; those of 13 have no method of compression beside them. */
#if PG_VERSION_NUM < 140000
#define VARATT_EXTERNAL_GET_EXTSIZE(place) ((place).va_extsize)
#endif

#endif
