/*
 * What PostgreSQL loads: the module's magic, its settings, and what a backend sets up once.
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "compat.h"
#include "core/blas.h"
#include "core/level.h"
#include "core/tick.h"
#include "learn/bell.h"
#include "learn/worker.h"
#include "store/cache_version.h"
#include "store/cache_shared.h"
#include "store/cache_statement.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/* What the core does between the blocks of long work. */
static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

static void
check_level(void)
{
	const char *wanted = getenv("EASQ_LEVEL");
	const char *name = EasqLevelInUse()->name;

	if (wanted && strcmp(wanted, name) != 0)
		ereport(WARNING,
				(errmsg("this processor, or this build of easq, has no level of instructions \"%s\"", wanted),
				 errdetail("The level in use is \"%s\".", name),
				 errhint("The environment variable EASQ_LEVEL is plain, x86-64-v3 or x86-64-v4, or not set.")));
}

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
	DefineCustomBoolVariable("easq.worker",
							 "Starts a background worker where answers are queued and none runs.",
							 "On as it comes where easq is in shared_preload_libraries.",
							 &easq_worker,
							 process_shared_preload_libraries_in_progress,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("easq.worker_idle_timeout",
							"Time after which a worker that finds nothing queued ends.",
							"0: it stays.",
							&easq_worker_idle_timeout,
							0, 0, INT_MAX / 1000,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	MarkGUCPrefixReserved("easq");

	EasqStatementInit();
	EasqSharedCacheInit();
	EasqBellInit();
	EasqLauncherRegister();
	EasqOnTick(check_interrupts);
	check_level();
	if (!EasqBlasSelfTest())
		ereport(WARNING,
				(errmsg("OpenBLAS gives wrong products on this processor, easq uses its own"),
				 errhint("Set OPENBLAS_CORETYPE (for example to Haswell) in the environment of the server, or install a newer OpenBLAS.")));
}
