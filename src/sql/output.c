#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"

#include "sql/output.h"

EasqOutput
EasqOutputBegin(FunctionCallInfo fcinfo, const char *call, int columns)
{
	ReturnSetInfo *info = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;
	EasqOutput	output;

	if (info == NULL || !IsA(info, ReturnSetInfo) || !(info->allowedModes & SFRM_Materialize))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s returns a set, and this context takes none", call),
				 errhint("Call it in FROM.")));
	old = MemoryContextSwitchTo(info->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &output.desc) != TYPEFUNC_COMPOSITE || output.desc->natts != columns)
		elog(ERROR, "%s does not return the rows that this library makes", call);
	output.store = tuplestore_begin_heap((info->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	info->returnMode = SFRM_Materialize;
	info->setResult = output.store;
	info->setDesc = output.desc;
	MemoryContextSwitchTo(old);
	return output;
}

void
EasqOutputPut(EasqOutput *output, Datum *values, bool *nulls)
{
	tuplestore_putvalues(output->store, output->desc, values, nulls);
}
