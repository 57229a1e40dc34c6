/*
 * easq_grant, easq_revoke, and what easq's views ask.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "sql/argument.h"
#include "store/model.h"
#include "store/model_right.h"

PG_FUNCTION_INFO_V1(easq_grant);
PG_FUNCTION_INFO_V1(easq_revoke);
PG_FUNCTION_INFO_V1(easq_may_score);

static Oid
grantee_argument(FunctionCallInfo fcinfo)
{
	const char *name;

	if (PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("role must not be null"),
				 errhint("Pass the name of a role, or 'public' for everybody.")));
	name = NameStr(*PG_GETARG_NAME(2));
	return strcmp(name, "public") == 0 ? EASQ_EVERYBODY : get_role_oid(name, false);
}

/* Whoever owns the model may; others change nothing, so that everybody may call it. */
static void
change(FunctionCallInfo fcinfo, bool give)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	EasqRight	right = EasqRightOfName(EasqTextArgument(fcinfo, 1, "right"));
	Oid			grantee = grantee_argument(fcinfo);

	EasqModelCheck(name, GetUserId(), EASQ_TO_OWN);
	EasqModelLockDefinition(name);
	PushActiveSnapshot(GetTransactionSnapshot());
	/* The model may have changed hands while we waited. */
	EasqModelCheck(name, GetUserId(), EASQ_TO_OWN);
	EasqModelGrant(name, right, grantee, give);
	PopActiveSnapshot();
}

Datum
easq_grant(PG_FUNCTION_ARGS)
{
	EasqPreventReadOnly("easq_grant()");
	change(fcinfo, true);
	PG_RETURN_VOID();
}

Datum
easq_revoke(PG_FUNCTION_ARGS)
{
	EasqPreventReadOnly("easq_revoke()");
	change(fcinfo, false);
	PG_RETURN_VOID();
}

Datum
easq_may_score(PG_FUNCTION_ARGS)
{
	EasqRights	rights = {.owner = PG_GETARG_OID(0)};

	rights.grantee[EASQ_TO_SCORE] = EasqGrantees(PG_GETARG_DATUM(1), &rights.count[EASQ_TO_SCORE]);
	PG_RETURN_BOOL(EasqMay(&rights, GetUserId(), EASQ_TO_SCORE));
}
