#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "learn/settings.h"

#define SEARCH_PATH "search_path"

/*
 * All that a user may set and that changes results, beside search_path and row_security.  What only changes plans,
 * limits, messages or the client's side is not here, and what an extension's functions or policies read
 * (names with a dot) is theirs.
 */
static const char *const recorded_settings[] = {
	"array_nulls",
	"backslash_quote",
	"bytea_output",
	"datestyle",
	"default_text_search_config",
	"extra_float_digits",
	"gin_fuzzy_search_limit",
	"intervalstyle",
	"lc_monetary",
	"lc_numeric",
	"lc_time",
	"quote_all_identifiers",
	"standard_conforming_strings",
	"timezone",
	"timezone_abbreviations",
	"transform_null_equals",
	"xmlbinary",
	"xmloption"
};

/* As whatever becomes a key or a respondent is written. */
static const struct
{
	const char *name;
	const char *value;
}			text_settings[] = {
	{"bytea_output", "hex"},
	{"datestyle", "ISO"},
	{"extra_float_digits", "1"},
	{"intervalstyle", "postgres"},
	{"lc_monetary", "C"},
	{"quote_all_identifiers", "off"},
	{"timezone", "UTC"},
	{"xmlbinary", "base64"}
};

/* The schemas that are searched now, resolved: "$user" would mean somebody else later. */
static char *
current_search_path(void)
{
	List	   *schemas = fetch_search_path(false);
	ListCell   *cell;
	StringInfoData path;

	initStringInfo(&path);
	foreach(cell, schemas)
	{
		char	   *name = get_namespace_name(lfirst_oid(cell));

		if (name != NULL && !isTempNamespace(lfirst_oid(cell)))
			appendStringInfo(&path, "%s, ", quote_identifier(name));
	}
	appendStringInfoString(&path, "pg_temp");
	return path.data;
}

static void
push_text(JsonbParseState **state, JsonbIteratorToken token, const char *text)
{
	JsonbValue	value = {.type = jbvString, .val.string = {.len = (int) strlen(text), .val = (char *) text}};

	pushJsonbValue(state, token, &value);
}

Jsonb *
EasqSettingsRecord(void)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_text(&state, WJB_KEY, SEARCH_PATH);
	push_text(&state, WJB_VALUE, current_search_path());
	for (size_t i = 0; i < lengthof(recorded_settings); i++)
	{
		const char *value = GetConfigOptionByName(recorded_settings[i], NULL, true);

		if (value == NULL)
			continue;
		push_text(&state, WJB_KEY, recorded_settings[i]);
		push_text(&state, WJB_VALUE, value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/* Where it is so already nothing is done: to set a time zone's abbreviations reads a file. */
static void
set(const char *name, const char *value)
{
	const char *now = GetConfigOption(name, true, false);

	if (now == NULL || strcmp(now, value) == 0)
		return;
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Only what easq_learn records: whatever else stands there, it is not for the author to have set for others. */
static bool
is_recorded(const char *name)
{
	if (strcmp(name, SEARCH_PATH) == 0)
		return true;
	for (size_t i = 0; i < lengthof(recorded_settings); i++)
		if (strcmp(name, recorded_settings[i]) == 0)
			return true;
	return false;
}

int
EasqSettingsApply(Jsonb *recorded)
{
	int			level = NewGUCNestLevel();
	JsonbIterator *iterator = JsonbIteratorInit(&recorded->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *name = NULL;

	set("row_security", "on");
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE && name && value.type == jbvString && is_recorded(name))
			set(name, pnstrdup(value.val.string.val, value.val.string.len));
	}
	return level;
}

int
EasqSettingsForText(void)
{
	int			level = NewGUCNestLevel();

	for (size_t i = 0; i < lengthof(text_settings); i++)
		set(text_settings[i].name, text_settings[i].value);
	return level;
}

void
EasqSettingsEnd(int level)
{
	AtEOXact_GUC(false, level);
}
