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
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
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

/*
 * Storing rows by the executor's code (store/table_write.c).  13 looks the relation up in the state, and messages about
 * constraints look into its range table; later versions are given the relation, and zero says that it is in no range table.
 */
#if PG_VERSION_NUM >= 140000
#define EasqInitResult(estate, result, table) InitResultRelInfo(result, table, 0, NULL, 0)
#define EasqComputeGenerated(result, estate, slot) ExecComputeStoredGenerated(result, estate, slot, CMD_INSERT)
#else
#define EasqInitResult(estate, result, table) \
	do \
	{ \
		RangeTblEntry *entry_ = makeNode(RangeTblEntry); \
		entry_->rtekind = RTE_RELATION; \
		entry_->relid = RelationGetRelid(table); \
		entry_->relkind = (table)->rd_rel->relkind; \
		entry_->rellockmode = RowExclusiveLock; \
		ExecInitRangeTable(estate, list_make1(entry_)); \
		InitResultRelInfo(result, table, 1, NULL, 0); \
		(estate)->es_result_relations = (estate)->es_result_relation_info = (result); \
		(estate)->es_num_result_relations = 1; \
	} while (0)
#define EasqComputeGenerated(result, estate, slot) ExecComputeStoredGenerated(estate, slot, CMD_INSERT)
#endif

/* Which indexes an updated row is new to: since 16 a HOT update may leave those that only summarize. */
#if PG_VERSION_NUM >= 160000
#define EasqIndexesToUpdate TU_UpdateIndexes
#define EASQ_NO_INDEX TU_None
#define EasqOnlySummaries(indexes) ((indexes) == TU_Summarizing)
#define EasqInsertIndexTuples(result, slot, estate, summaries) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, summaries)
#else
#define EasqIndexesToUpdate bool
#define EASQ_NO_INDEX false
#define EasqOnlySummaries(indexes) false
#if PG_VERSION_NUM >= 140000
#define EasqInsertIndexTuples(result, slot, estate, summaries) \
	((void) (summaries), ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL))
#else
#define EasqInsertIndexTuples(result, slot, estate, summaries) \
	((void) (result), (void) (summaries), ExecInsertIndexTuples(slot, estate, false, NULL, NIL))
#endif
#endif

/* The next value of a sort: 16 and later may lend it, where those before make a copy in the current context. */
#if PG_VERSION_NUM >= 160000
#define EASQ_SORT_LENDS true
#define EasqNextDatum(state, value, isnull) tuplesort_getdatum(state, true, false, value, isnull, NULL)
#else
#define EASQ_SORT_LENDS false
#define EasqNextDatum(state, value, isnull) tuplesort_getdatum(state, true, value, isnull, NULL)
#endif

/* A column that has no value until a query asks for it: 18 and later. */
#if PG_VERSION_NUM >= 180000
#define EasqIsVirtual(attribute) ((attribute)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#else
#define EasqIsVirtual(attribute) ((void) (attribute), false)
#endif

/* A row by its place, where the snapshot shows it: then its page is pinned. */
#if PG_VERSION_NUM >= 150000
#define EasqHeapFetch(table, snapshot, tuple, buffer) heap_fetch(table, snapshot, tuple, buffer, false)
#else
#define EasqHeapFetch(table, snapshot, tuple, buffer) heap_fetch(table, snapshot, tuple, buffer)
#endif

/* The bytes of a value out of line; those of 13 have no method of compression beside them. */
#if PG_VERSION_NUM < 140000
#define VARATT_EXTERNAL_GET_EXTSIZE(place) ((place).va_extsize)
#endif

#endif
