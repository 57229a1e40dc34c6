#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "tcop/cmdtag.h"
#include "utils/plancache.h"

#include "feature/problem.h"
#include "query/reading.h"

#define LISTED_COLUMNS 20

static void
refuse(const char *message, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message),
			 errhint("%s", hint)));
}

SPIPlanPtr
EasqPrepareReading(const char *query, const char *what)
{
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);
	List	   *sources;
	CachedPlanSource *source;
	Query	   *parsed;

	if (plan == NULL)
		refuse(psprintf("%s cannot be prepared: %s", what, SPI_result_code_string(SPI_result)),
			   "Pass one SELECT that returns the rows.");
	sources = SPI_plan_get_plan_sources(plan);
	if (list_length(sources) != 1)
		refuse(psprintf("%s must be one statement, not %d", what, list_length(sources)),
			   "Pass one SELECT that returns the rows.");
	source = linitial(sources);
	if (source->commandTag != CMDTAG_SELECT)
		refuse(psprintf("%s must be a SELECT, not %s", what, GetCommandTagName(source->commandTag)),
			   "Pass one SELECT that returns the rows.");
	if (!SPI_is_cursor_plan(plan))
		refuse(psprintf("%s must return rows", what), "Pass one SELECT without INTO.");
	parsed = linitial_node(Query, source->query_list);
	if (parsed->hasModifyingCTE || parsed->rowMarks != NIL)
		refuse(psprintf("%s must only read: it %s rows", what, parsed->rowMarks != NIL ? "locks" : "changes"),
			   "Pass one SELECT without FOR UPDATE or FOR SHARE and without INSERT, UPDATE or DELETE in WITH.");
	return plan;
}

static char *
list_columns(TupleDesc desc)
{
	StringInfoData list;
	int			listed = 0;
	int			more = 0;

	initStringInfo(&list);
	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attisdropped)
			continue;
		if (listed == LISTED_COLUMNS)
			more++;
		else
			appendStringInfo(&list, "%s\"%s\"", listed++ ? ", " : "", NameStr(TupleDescAttr(desc, i)->attname));
	}
	if (more > 0)
		appendStringInfo(&list, " and %d more", more);
	return list.len ? list.data : pstrdup("none");
}

int
EasqFindColumn(TupleDesc desc, const char *name, const char *argument, const char *what)
{
	int			found = 0;

	for (int i = 0; i < desc->natts; i++)
	{
		if (TupleDescAttr(desc, i)->attisdropped || strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			continue;
		if (found)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("%s has column \"%s\" (%s) twice, as number %d and number %d", what, name, argument, found, i + 1),
					 errhint("Leave one out, or give it another name with AS.")));
		found = i + 1;
	}
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("%s has no column \"%s\" (%s)", what, EasqClipText(name, EASQ_QUOTED), argument),
				 errdetail("The columns are: %s.", list_columns(desc)),
				 errhint("Add the column to %s, or name another one as %s.", what, argument)));
	return found;
}
