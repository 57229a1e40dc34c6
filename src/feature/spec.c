#include "postgres.h"

#include "lib/stringinfo.h"

#include "core/factor.h"
#include "core/shape.h"
#include "feature/json.h"
#include "feature/kind.h"

#define ALL_KEYS (EASQ_BIT(EASQ_KEYS) - 1)

static const char *const keys[EASQ_KEYS] = {
	[EASQ_KEY_NAME] = "name",
	[EASQ_KEY_KIND] = "kind",
	[EASQ_KEY_SIZE] = "size",
	[EASQ_KEY_DIM] = "dim",
	[EASQ_KEY_ENCODING] = "encoding",
	[EASQ_KEY_PRIOR] = "prior",
	[EASQ_KEY_WHY] = "why",
};

/* The kind of an entry that is no feature: a column that is there and is left out. */
#define NO_KIND "none"

/* One object of the array. */
typedef struct Entry
{
	int			number;			/* from 1, for messages */
	bool		given[EASQ_KEYS];
	JsonbValue	value[EASQ_KEYS];
} Entry;

/* Some of the keys, for a hint. */
static char *
list_keys(int allowed)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int key = 0; key < EASQ_KEYS; key++)
		if (EASQ_BIT(key) & allowed)
			appendStringInfo(&list, "%s\"%s\"", list.len ? ", " : "", keys[key]);
	return list.data;
}

static EasqKey
find_key(const JsonbValue *name, int number)
{
	for (int key = 0; key < EASQ_KEYS; key++)
		if (EasqJsonIs(name, keys[key]))
			return (EasqKey) key;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("feature %d has an unknown key %s", number, EasqJsonShow(name)),
			 errhint("The keys of a feature are %s.", list_keys(ALL_KEYS))));
}

static void
read_entry(const JsonbValue *object, Entry *entry)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	EasqKey		key = EASQ_KEY_NAME;

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
check_given(const Entry *entry, EasqKey key)
{
	if (!entry->given[key])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("feature %d has no \"%s\"", entry->number, keys[key]),
				 errhint("Add \"%s\" to the feature.", keys[key])));
}

static char *
list_kinds(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int kind = 0; kind < EASQ_KINDS; kind++)
		appendStringInfo(&list, "%s\"%s\"", kind == 0 ? "" : kind < EASQ_KINDS - 1 ? ", " : " and ", EasqKinds[kind]->name);
	return list.data;
}

static EasqKind
read_kind(const Entry *entry)
{
	check_given(entry, EASQ_KEY_KIND);
	for (int kind = 0; kind < EASQ_KINDS; kind++)
		if (EasqJsonIs(&entry->value[EASQ_KEY_KIND], EasqKinds[kind]->name))
			return (EasqKind) kind;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("feature %d has an unknown kind %s", entry->number,
					EasqJsonShow(&entry->value[EASQ_KEY_KIND])),
			 errhint("The kinds are %s; \"%s\" leaves a column out.", list_kinds(), NO_KIND)));
}

static void
check_keys(const Entry *entry, const EasqKindEntry *kind)
{
	for (int key = 0; key < EASQ_KEYS; key++)
	{
		if (kind->required & EASQ_BIT(key))
			check_given(entry, (EasqKey) key);
		if (entry->given[key] && !(kind->keys & EASQ_BIT(key)))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("feature %d is %s and cannot have \"%s\"",
							entry->number, kind->name, keys[key]),
					 errhint("The keys of a %s feature are %s.", kind->name, list_keys(kind->keys))));
	}
}

static char *
read_name(const Entry *entry)
{
	const JsonbValue *value = &entry->value[EASQ_KEY_NAME];

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
read_size(const Entry *entry, EasqKey key, int64 min, int64 max)
{
	int64		size;

	if (!EasqJsonInteger(&entry->value[key], &size) || size < min || size > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the \"%s\" of feature %d must be an integer from " INT64_FORMAT " to " INT64_FORMAT ", not %s",
						keys[key], entry->number, min, max,
						EasqJsonShow(&entry->value[key])),
				 key == EASQ_KEY_SIZE ?
				 errhint("\"size\" is the number of rows of the embedding table, one of them for NULL.") :
				 errhint("\"dim\" is the number of inputs that the feature fills.")));
	return size;
}

static bool
read_hashed(const Entry *entry)
{
	const JsonbValue *value = &entry->value[EASQ_KEY_ENCODING];

	if (!entry->given[EASQ_KEY_ENCODING] || EasqJsonIs(value, "hash"))
		return true;
	if (!EasqJsonIs(value, "index"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("feature %d has an unknown encoding %s", entry->number, EasqJsonShow(value)),
				 errhint("The encodings are \"hash\" (any value) and \"index\" (the value is the row of the table).")));
	return false;
}

static double
read_prior(const Entry *entry)
{
	double		prior;

	if (!entry->given[EASQ_KEY_PRIOR])
		return 0;
	if (!EasqJsonReal(&entry->value[EASQ_KEY_PRIOR], &prior) || prior < EASQ_MIN_PRIOR || prior > EASQ_MAX_PRIOR)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the \"prior\" of feature %d must be a number from %g to %g, not %s", entry->number,
						EASQ_MIN_PRIOR, EASQ_MAX_PRIOR, EasqJsonShow(&entry->value[EASQ_KEY_PRIOR])),
				 errhint("It is the variance, in log-odds, of what the feature's values do to satisfaction; leave it out to let training choose.")));
	return prior;
}

static void
read_feature(const Entry *entry, EasqFeature *feature)
{
	const EasqKindEntry *kind;

	feature->kind = read_kind(entry);
	kind = EasqKinds[feature->kind];
	check_keys(entry, kind);
	feature->name = read_name(entry);
	feature->dim = 1;
	feature->numeric = -1;
	feature->table = -1;
	feature->factor = -1;
	if (kind->keys & EASQ_BIT(EASQ_KEY_DIM))
		feature->dim = (int) read_size(entry, EASQ_KEY_DIM, 1, EASQ_MAX_INPUTS);
	if (kind->keys & EASQ_BIT(EASQ_KEY_SIZE))
		feature->size = read_size(entry, EASQ_KEY_SIZE, 2, EASQ_MAX_CATEGORIES);
	if (kind->keys & EASQ_BIT(EASQ_KEY_ENCODING))
		feature->hashed = read_hashed(entry);
	if (kind->keys & EASQ_BIT(EASQ_KEY_PRIOR))
		feature->prior = read_prior(entry);
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

static void
refuse_count(int count)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a model must have 1 to %d features, not %d", EASQ_MAX_FEATURES, count),
			 errhint("Many numbers can be one feature of kind \"vector\".")));
}

/* Puts a feature that has been read at the end: its place in x and its numbers. */
static void
place_feature(EasqSpec *spec, EasqFeature *feature)
{
	feature->offset = spec->inputs;
	if (EasqKinds[feature->kind]->standardised)
		feature->numeric = spec->numerics++;
	spec->inputs += feature->dim;
	spec->count++;
	if (spec->inputs > EASQ_MAX_INPUTS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the first %d features fill %d inputs, more than %d",
						spec->count, spec->inputs, EASQ_MAX_INPUTS),
				 errhint("Use fewer features or smaller \"dim\".")));
}

/* A table at the end of the list; returns its number. */
static int
add_table(EasqSpec *spec, const EasqFeature *feature, bool factors, int64 rows, int dim)
{
	spec->table[spec->tables] = (EasqTable) {feature, factors, rows, dim};
	return spec->tables++;
}

void
EasqSpecSetTables(EasqSpec *spec, int factors)
{
	spec->factors = factors;
	spec->tables = 0;
	spec->table = palloc(sizeof(EasqTable) * 2 * spec->count);
	for (int i = 0; i < spec->count; i++)
	{
		EasqFeature *feature = &spec->feature[i];

		if (EasqKinds[feature->kind]->embedded)
			feature->table = add_table(spec, feature, false, feature->size, feature->dim);
	}
	for (int i = 0; i < spec->count && factors > 0; i++)
	{
		EasqFeature *feature = &spec->feature[i];

		if (EasqKinds[feature->kind]->factor == NULL)
			continue;
		feature->factor = add_table(spec, feature, true, Max(feature->size, 1), 1 + factors);
		feature->factors = factors;
	}
}

void
EasqTableInit(const EasqSpec *spec, int t, uint64 seed, float *numbers)
{
	const EasqTable *table = &spec->table[t];

	if (table->factors)
		memset(numbers, 0, sizeof(float) * (Size) table->rows * table->dim);
	else
		EasqInitEmbedding(seed, t, table->rows, table->dim, numbers);
}

void
EasqFactorsStart(const EasqSpec *spec, int t, uint64 seed, float *numbers)
{
	const EasqTable *table = &spec->table[t];

	/* A feature that has no categories has one row, which is not NULL's. */
	EasqInitFactors(seed, t, table->rows, spec->factors, table->feature->table >= 0, numbers);
}

char *
EasqTableName(const EasqTable *table)
{
	return psprintf(table->factors ? "factor.%s.weight" : "embedding.%s.weight", table->feature->name);
}

static int
count_entries(Jsonb *features)
{
	if (!JB_ROOT_IS_ARRAY(features) || JB_ROOT_IS_SCALAR(features))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("features must be an array of objects, not %s", EasqJsonShowKind(features)),
				 errhint("Write [{\"name\": column, \"kind\": \"numeric\"}, ...].")));
	return JB_ROOT_COUNT(features);
}

EasqSpec *
EasqSpecParse(Jsonb *features)
{
	int			count = count_entries(features);
	EasqSpec   *spec = palloc0(offsetof(EasqSpec, feature) + Min(count, EASQ_MAX_FEATURES) * sizeof(EasqFeature));
	JsonbIterator *iterator = JsonbIteratorInit(&features->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	Entry		entry = {0};

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		EasqFeature *feature = &spec->feature[spec->count];

		if (token != WJB_ELEM)
			continue;
		entry.number++;
		read_entry(&value, &entry);
		if (entry.given[EASQ_KEY_KIND] && EasqJsonIs(&entry.value[EASQ_KEY_KIND], NO_KIND))
			continue;
		if (spec->count == EASQ_MAX_FEATURES)
			refuse_count(count);
		read_feature(&entry, feature);
		check_unique(spec, feature);
		place_feature(spec, feature);
	}
	if (spec->count == 0)
		refuse_count(0);
	EasqSpecSetTables(spec, 0);
	return spec;
}

static JsonbValue
feature_to_json(const EasqFeature *feature)
{
	int			has = EasqKinds[feature->kind]->keys;
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	EasqJsonPut(&state, keys[EASQ_KEY_NAME], EasqJsonString(feature->name));
	EasqJsonPut(&state, keys[EASQ_KEY_KIND], EasqJsonString(EasqKinds[feature->kind]->name));
	if (has & EASQ_BIT(EASQ_KEY_SIZE))
		EasqJsonPut(&state, keys[EASQ_KEY_SIZE], EasqJsonWhole(feature->size));
	if (has & EASQ_BIT(EASQ_KEY_DIM))
		EasqJsonPut(&state, keys[EASQ_KEY_DIM], EasqJsonWhole(feature->dim));
	if ((has & EASQ_BIT(EASQ_KEY_ENCODING)) && !feature->hashed)
		EasqJsonPut(&state, keys[EASQ_KEY_ENCODING], EasqJsonString("index"));
	if (feature->prior > 0)
		EasqJsonPut(&state, keys[EASQ_KEY_PRIOR], EasqJsonNumber(feature->prior));
	return *pushJsonbValue(&state, WJB_END_OBJECT, NULL);
}

Jsonb *
EasqSpecToJsonb(const EasqSpec *spec)
{
	JsonbValue	array = {.type = jbvArray};

	array.val.array.nElems = spec->count;
	array.val.array.elems = palloc(spec->count * sizeof(JsonbValue));
	for (int i = 0; i < spec->count; i++)
		array.val.array.elems[i] = feature_to_json(&spec->feature[i]);
	return JsonbValueToJsonb(&array);
}
