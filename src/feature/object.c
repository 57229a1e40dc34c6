/* Reading features that are given by key, as jsonb, into a packed example. */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "feature/json.h"
#include "feature/kind.h"
#include "feature/wire.h"

#define LISTED_KEYS 20

static bool
is_array(const JsonbValue *value)
{
	return value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data);
}

/* unread: the value, or a member of it. */
static void
refuse_type(const EasqFeature *feature, const JsonbValue *value, const JsonbValue *unread)
{
	const EasqKindEntry *kind = EasqKinds[feature->kind];
	bool		member = is_array(value) && !(is_array(unread) && unread->val.binary.data == value->val.binary.data);

	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s feature \"%s\" cannot read %s%s", kind->name, feature->name, EasqJsonShow(unread),
					member ? " in its array" : ""),
			 is_array(unread) && kind->no_array ?
			 errhint("%s", kind->no_array) :
			 kind->embedded && !feature->hashed ?
			 errhint("Its encoding \"index\" reads whole numbers from 0 to " INT64_FORMAT " and arrays of them; null where it is not known.",
					 feature->size - 1) :
			 errhint("It reads %s.", kind->reads_json)));
}

/* The keys for a message. */
static char *
list_keys(Jsonb *object)
{
	StringInfoData list;
	JsonbIterator *iterator = JsonbIteratorInit(&object->root);
	JsonbIteratorToken token;
	JsonbValue	key;
	int			listed = 0;

	initStringInfo(&list);
	while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
		if (token == WJB_KEY && listed++ < LISTED_KEYS)
			appendStringInfo(&list, "%s%s", listed > 1 ? ", " : "", EasqJsonShow(&key));
	if (listed > LISTED_KEYS)
		appendStringInfo(&list, " and %d more", listed - LISTED_KEYS);
	return listed ? list.data : pstrdup("none");
}

static void
refuse_missing(const EasqFeature *feature, Jsonb *object)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("feature \"%s\" has no key among the %d of the features", feature->name, (int) JB_ROOT_COUNT(object)),
			 errdetail("The keys are: %s.", list_keys(object)),
			 errhint("Add the key; null is a value that is not known. With the model's option \"missing\" at \"null\" a key that is not there counts as null.")));
}

void
EasqReadObject(const EasqSpec *spec, Jsonb *object, bool missing_ok, StringInfo out)
{
	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features must be an object, not %s", EasqJsonShowKind(object)),
				 errhint("Write {\"%s\": value, ...}; an input that is encoded already is an array of numbers, real[] at best.",
						 spec->feature[0].name)));
	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];
		const EasqKindEntry *kind = EasqKinds[feature->kind];
		JsonbValue	value;
		JsonbValue	unread;

		if (getKeyJsonValueFromContainer(&object->root, feature->name, strlen(feature->name), &value) == NULL)
		{
			if (!missing_ok)
				refuse_missing(feature, object);
			value.type = jbvNull;
		}
		if (value.type == jbvNull)
			EasqAppendWord(out, kind->null_word());
		else if (!kind->read_json(feature, &value, out, &unread))
			refuse_type(feature, &value, &unread);
	}
}
