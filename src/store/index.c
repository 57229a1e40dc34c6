#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_index.h"
#include "lib/stringinfo.h"
#include "utils/lsyscache.h"

#include "store/columns.h"
#include "store/index.h"

#define MOST_KEYS 8

typedef struct Listed
{
	const char *name;
	const char *table;
	AttrNumber	column[MOST_KEYS];	/* up to one of 0 */
} Listed;

static const Listed indexes[EASQ_INDEXES] = {
	{"model_pkey", "model", {MODEL_NAME}},
	{"adapter_pkey", "adapter", {ADAPTER_MODEL, ADAPTER_CHECKPOINT, ADAPTER_ADAPTER, ADAPTER_STATE, ADAPTER_VERSION}},
	{"tensor_pkey", "tensor", {TENSOR_MODEL, TENSOR_CHECKPOINT, TENSOR_ADAPTER, TENSOR_STATE, TENSOR_NAME, TENSOR_PART,
	TENSOR_CHUNK, TENSOR_VERSION}},
	{"answer_pkey", "answer", {ANSWER_MODEL, ANSWER_ADAPTER, ANSWER_ORDINAL}},
	{"answer_value", "answer", {ANSWER_MODEL, ANSWER_ADAPTER, ANSWER_ANSWER, ANSWER_ORDINAL}},
	{"answer_respondent", "answer", {ANSWER_MODEL, ANSWER_ADAPTER, ANSWER_RESPONDENT, ANSWER_ORDINAL}},
	{"answer_key", "answer", {ANSWER_MODEL, ANSWER_ADAPTER, ANSWER_KEY}},
	{"answer_count_pkey", "answer_count", {COUNT_MODEL, COUNT_ADAPTER, COUNT_ANSWER, COUNT_VERSION}},
	{"queued_pkey", "queued", {QUEUED_MODEL, QUEUED_ADAPTER, QUEUED_ID}},
	{"answer_rate_pkey", "answer_rate", {RATE_MODEL, RATE_ADAPTER, RATE_HOUR, RATE_RESPONDENT}},
	{"behaviour_pkey", "behaviour", {BEHAVIOUR_MODEL, BEHAVIOUR_ADAPTER, BEHAVIOUR_SLOT}},
	{"held_pkey", "held", {HELD_MODEL, HELD_ADAPTER, HELD_SAMPLE, HELD_SLOT}},
	{"questionnaire_pkey", "questionnaire", {QUESTIONNAIRE_QUESTIONNAIRE, QUESTIONNAIRE_MODEL, QUESTIONNAIRE_ADAPTER}},
	{"step_model", "step", {STEP_MODEL, STEP_ID}},
	{"checkpoint_pkey", "checkpoint", {CHECKPOINT_MODEL, CHECKPOINT_LABEL}},
	{"checkpoint_number", "checkpoint", {CHECKPOINT_MODEL, CHECKPOINT_NUMBER}}
};

/* NULL: one that the table itself was asked for. */
static const Listed *
find_index(const char *name)
{
	for (int i = 0; i < (int) lengthof(indexes); i++)
		if (strcmp(indexes[i].name, name) == 0)
			return &indexes[i];
	return NULL;
}

static void
refuse(const Listed *wanted, bool missing)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < MOST_KEYS && wanted->column[i]; i++)
		appendStringInfo(&columns, "%s%s", i ? ", " : "", EasqColumnName(wanted->table, wanted->column[i]));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 missing ? errmsg("index easq.%s does not exist", wanted->name)
			 : errmsg("easq.%s is not the index that easq made", wanted->name),
			 errhint("It is a valid btree index on all rows of easq.%s (%s), in ascending order and collation \"C\".",
					 wanted->table, columns.data)));
}

/* Whatever else an index can have (unique or not, INCLUDE columns, a tablespace) changes no answer. */
static bool
is_as_made(const Listed *wanted, Relation table, Relation index)
{
	const FormData_pg_index *form = index->rd_index;
	int			keys = 0;

	if (form->indrelid != RelationGetRelid(table) || index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	while (keys < MOST_KEYS && wanted->column[keys])
		keys++;
	if (form->indnkeyatts != keys)
		return false;
	for (int i = 0; i < keys; i++)
		if (form->indkey.values[i] != wanted->column[i] || index->rd_indoption[i] != 0 ||
			(OidIsValid(index->rd_indcollation[i]) && index->rd_indcollation[i] != C_COLLATION_OID))
			return false;
	return true;
}

Relation
EasqIndexOpen(Relation table, const char *name)
{
	const Listed *wanted = find_index(name);
	Oid			relation = get_relname_relid(name, RelationGetNamespace(table));
	Relation	index;

	if (wanted == NULL)
		return index_open(relation, AccessShareLock);
	if (!OidIsValid(relation))
		refuse(wanted, true);
	if (get_rel_relkind(relation) != RELKIND_INDEX)
		refuse(wanted, false);
	index = index_open(relation, AccessShareLock);
	if (!is_as_made(wanted, table, index))
		refuse(wanted, false);
	return index;
}

const char *
EasqIndexName(int number)
{
	return indexes[number].name;
}
