/*
 * easq_checkpoint and easq_restore: names that hold, until they are built.
 */
#include "postgres.h"

#include "fmgr.h"

PG_FUNCTION_INFO_V1(easq_checkpoint);
PG_FUNCTION_INFO_V1(easq_restore);

static void
not_yet(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s is not supported yet", name),
			 errhint("Keep the result of easq_export and bring it back with easq_import.")));
}

Datum
easq_checkpoint(PG_FUNCTION_ARGS)
{
	not_yet("easq_checkpoint");
	PG_RETURN_VOID();
}

Datum
easq_restore(PG_FUNCTION_ARGS)
{
	not_yet("easq_restore");
	PG_RETURN_VOID();
}
