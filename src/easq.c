/*
 * What PostgreSQL loads: the module's magic, its settings, and helpers for arguments.
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "core/kernel.h"
#include "easq.h"
#include "store/cache.h"
#include "store/segment.h"
#include "store/statement.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	DefineCustomIntVariable("easq.cache_size",
							"Memory for loaded models in each backend.",
							"A model that is in use stays, however large. Least recently used versions go first.",
							&easq_cache_size,
							256 * 1024, 1024, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("easq.shared_cache_size",
							"Memory for models that all connections share.",
							"Only with easq in shared_preload_libraries. 0: each backend loads its own copy.",
							&easq_shared_cache_size,
							Min(4 * 1024 * 1024, MAX_KILOBYTES), 0, MAX_KILOBYTES,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved("easq");
#else
	EmitWarningsOnPlaceholders("easq");
#endif

	EasqStatementInit();
	EasqSegmentsInit();
	if (!EasqKernelSelfTest(EasqKernelBest()))
		ereport(WARNING,
				(errmsg("OpenBLAS gives wrong products on this processor, easq uses its own loops"),
				 errhint("Set OPENBLAS_CORETYPE (for example to Haswell) in the environment of the server, or install a newer OpenBLAS.")));
}

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
