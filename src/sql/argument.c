#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "sql/argument.h"

char *
EasqTextArgument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name),
				 errhint("Pass a value for the argument %s.", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

char *
EasqOptionalText(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

void
EasqPreventReadOnly(const char *call)
{
	PreventCommandDuringRecovery(call);
	PreventCommandIfReadOnly(call);
}
