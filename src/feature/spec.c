#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/shape.h"
#include "feature/json.h"
#include "feature/spec.h"

typedef enum Key
{
	KEY_NAME,
	KEY_KIND,
	KEY_SIZE,
	KEY_DIM,
	KEY_ENCODING,
	KEYS
} Key;

#define OF(kind) (1 << (kind))
#define OF_ANY (OF(EASQ_NUMERIC) | OF(EASQ_CATEGORICAL) | OF(EASQ_VECTOR))

/* Which kinds of feature have a key, and which cannot do without. */
static const struct
{
	const char *name;
	int			allowed;
	int			required;
}			keys[KEYS] = {
	[KEY_NAME] = {"name", OF_ANY, OF_ANY},
	[KEY_KIND] = {"kind", OF_ANY, OF_ANY},
	[KEY_SIZE] = {"size", OF(EASQ_CATEGORICAL), OF(EASQ_CATEGORICAL)},
	[KEY_DIM] = {"dim", OF(EASQ_CATEGORICAL) | OF(EASQ_VECTOR), OF(EASQ_CATEGORICAL) | OF(EASQ_VECTOR)},
	[KEY_ENCODING] = {"encoding", OF(EASQ_CATEGORICAL), 0},
};

static const char *const kinds[] = {
	[EASQ_NUMERIC] = "numeric",
	[EASQ_CATEGORICAL] = "categorical",
	[EASQ_VECTOR] = "vector",
};

/* One object of the array. */
typedef struct Entry
{
	int			number;			/* from 1, for messages */
	bool		given[KEYS];
	JsonbValue	value[KEYS];
} Entry;

/* The keys of these kinds, for a hint. */
static char *
list_keys(int allowed)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int key = 0; key < KEYS; key++)
		if (keys[key].allowed & allowed)
			appendStringInfo(&list, "%s\"%s\"", list.len ? ", " : "", keys[key].name);
	return list.data;
}

static Key
find_key(const JsonbValue *name, int number)
{
	for (int key = 0; key < KEYS; key++)
		if (EasqJsonIs(name, keys[key].name))
			return (Key) key;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("feature %d has an unknown key %s", number, EasqJsonShow(name)),
			 errhint("The keys of a feature are %s.", list_keys(OF_ANY))));
}

static void
read_entry(const JsonbValue *object, Entry *entry)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	Key			key = KEY_NAME;

	memset(entry->given, 0, sizeof(entry->given));
	if (object->type != jbvBinary || !JsonContainerIsObject(object->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("feature %d must be an object, not %s", entry->number, EasqJsonShow(object)),
				 errhint("Write each feature as {\"name\": column, \"kind\": \"numeric\"}, for example.")));

	iterator = JsonbIteratorInit(object->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = find_key(&value, entry->number);
		else if (token == WJB_VALUE)
		{
			entry->given[key] = true;
			entry->value[key] = value;
		}
	}
}

static void
check_given(const Entry *entry, Key key)
{
	if (!entry->given[key])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("feature %d has no \"%s\"", entry->number, keys[key].name),
				 errhint("Add \"%s\" to the feature.", keys[key].name)));
}

static EasqKind
read_kind(const Entry *entry)
{
	check_given(entry, KEY_KIND);
	for (int kind = 0; kind < (int) lengthof(kinds); kind++)
		if (EasqJsonIs(&entry->value[KEY_KIND], kinds[kind]))
			return (EasqKind) kind;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("feature %d has an unknown kind %s", entry->number,
					EasqJsonShow(&entry->value[KEY_KIND])),
			 errhint("The kinds are \"%s\", \"%s\" and \"%s\".",
					 kinds[EASQ_NUMERIC], kinds[EASQ_CATEGORICAL], kinds[EASQ_VECTOR])));
}

static void
check_keys(const Entry *entry, EasqKind kind)
{
	for (int key = 0; key < KEYS; key++)
	{
		if (keys[key].required & OF(kind))
			check_given(entry, (Key) key);
		if (entry->given[key] && !(keys[key].allowed & OF(kind)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("feature %d is %s and cannot have \"%s\"",
							entry->number, kinds[kind], keys[key].name),
					 errhint("The keys of a %s feature are %s.", kinds[kind], list_keys(OF(kind)))));
	}
}

static char *
read_name(const Entry *entry)
{
	const JsonbValue *value = &entry->value[KEY_NAME];

	if (value->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the \"name\" of feature %d must be a string, not %s",
						entry->number, EasqJsonShow(value)),
				 errhint("Give the name of the column that the feature reads.")));
	if (value->val.string.len < 1 || value->val.string.len >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the \"name\" of feature %d must have 1 to %d bytes, not %d",
						entry->number, NAMEDATALEN - 1, value->val.string.len),
				 errhint("Give the name of the column that the feature reads.")));
	return EasqJsonText(value);
}

static int64
read_size(const Entry *entry, Key key, int64 min, int64 max)
{
	int64		size;

	if (!EasqJsonInteger(&entry->value[key], &size) || size < min || size > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the \"%s\" of feature %d must be an integer from " INT64_FORMAT " to " INT64_FORMAT ", not %s",
						keys[key].name, entry->number, min, max,
						EasqJsonShow(&entry->value[key])),
				 key == KEY_SIZE ?
				 errhint("\"size\" is the number of rows of the embedding table, one of them for NULL.") :
				 errhint("\"dim\" is the number of inputs that the feature fills.")));
	return size;
}

static bool
read_hashed(const Entry *entry)
{
	const JsonbValue *value = &entry->value[KEY_ENCODING];

	if (!entry->given[KEY_ENCODING] || EasqJsonIs(value, "hash"))
		return true;
	if (!EasqJsonIs(value, "index"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("feature %d has an unknown encoding %s", entry->number, EasqJsonShow(value)),
				 errhint("The encodings are \"hash\" (any value) and \"index\" (the value is the row of the table).")));
	return false;
}

static void
read_feature(const Entry *entry, EasqFeature *feature)
{
	feature->kind = read_kind(entry);
	check_keys(entry, feature->kind);
	feature->name = read_name(entry);
	feature->dim = 1;
	feature->numeric = -1;
	feature->table = -1;
	if (keys[KEY_DIM].allowed & OF(feature->kind))
		feature->dim = (int) read_size(entry, KEY_DIM, 1, EASQ_MAX_INPUTS);
	if (feature->kind == EASQ_CATEGORICAL)
	{
		feature->size = read_size(entry, KEY_SIZE, 2, EASQ_MAX_CATEGORIES);
		feature->hashed = read_hashed(entry);
	}
}

static void
check_unique(const EasqSpec *spec, const EasqFeature *feature)
{
	for (int i = 0; i < spec->count; i++)
		if (strcmp(spec->feature[i].name, feature->name) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("features %d and %d have the same name \"%s\"",
							i + 1, spec->count + 1, feature->name),
					 errhint("Name each column once; to use it twice, select it twice under two names.")));
}

/* Puts a feature that has been read at the end: its place in x and its numbers. */
static void
place_feature(EasqSpec *spec, EasqFeature *feature)
{
	feature->offset = spec->inputs;
	if (feature->kind == EASQ_NUMERIC)
		feature->numeric = spec->numerics++;
	if (feature->kind == EASQ_CATEGORICAL)
		feature->table = spec->tables++;
	spec->inputs += feature->dim;
	spec->count++;
	if (spec->inputs > EASQ_MAX_INPUTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the first %d features fill %d inputs, more than %d",
						spec->count, spec->inputs, EASQ_MAX_INPUTS),
				 errhint("Use fewer features or smaller \"dim\".")));
}

static int
check_count(Jsonb *features)
{
	int			count;

	if (!JB_ROOT_IS_ARRAY(features) || JB_ROOT_IS_SCALAR(features))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features must be an array of objects, not %s", EasqJsonShowKind(features)),
				 errhint("Write [{\"name\": column, \"kind\": \"numeric\"}, ...].")));
	count = JB_ROOT_COUNT(features);
	if (count < 1 || count > EASQ_MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a model must have 1 to %d features, not %d", EASQ_MAX_FEATURES, count),
				 errhint("Many numbers can be one feature of kind \"vector\".")));
	return count;
}

EasqSpec *
EasqSpecParse(Jsonb *features)
{
	int			count = check_count(features);
	EasqSpec   *spec = palloc0(offsetof(EasqSpec, feature) + count * sizeof(EasqFeature));
	JsonbIterator *iterator = JsonbIteratorInit(&features->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	Entry		entry;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		EasqFeature *feature = &spec->feature[spec->count];

		if (token != WJB_ELEM)
			continue;
		entry.number = spec->count + 1;
		read_entry(&value, &entry);
		read_feature(&entry, feature);
		check_unique(spec, feature);
		place_feature(spec, feature);
	}
	return spec;
}
