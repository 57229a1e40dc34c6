#include "postgres.h"

#include "catalog/namespace.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "learn/author.h"

void
EasqCheckRole(Oid role)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the author of the questionnaire (role with OID %u) does not exist any more", role),
				 errhint("The owner of the questionnaire calls easq_learn again.")));
}

static void
set(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

void
EasqBecomeAuthor(EasqAuthor *author, const EasqQuestionnaire *questionnaire)
{
	EasqCheckRole(questionnaire->author);
	GetUserIdAndSecContext(&author->saved_user, &author->saved_context);
	SetUserIdAndSecContext(questionnaire->author, author->saved_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	author->guc_level = NewGUCNestLevel();
	set("search_path", questionnaire->search_path);
	set("timezone", questionnaire->time_zone);
	set("row_security", "on");
	/* How the query is read, and how respondents and keys are written, is not for whoever answers to choose. */
	set("standard_conforming_strings", "on");
	set("datestyle", "ISO");
	set("intervalstyle", "postgres");
	set("extra_float_digits", "1");
	set("bytea_output", "hex");
}

void
EasqLeaveAuthor(const EasqAuthor *author)
{
	AtEOXact_GUC(false, author->guc_level);
	SetUserIdAndSecContext(author->saved_user, author->saved_context);
}

/* The schemas that are searched now, resolved: "$user" would mean somebody else later. */
char *
EasqCurrentSearchPath(void)
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
