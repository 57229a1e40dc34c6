#include "postgres.h"

#include "utils/memutils.h"

#include "sql/scratch.h"

#define KEPT_MOST ((Size) 1 << 20)

static float *reserve;
static Size kept_floats;
static bool taken;

static void
give_back(void *arg)
{
	(void) arg;
	taken = false;
}

float *
EasqScratch(MemoryContext context, Size floats)
{
	MemoryContextCallback *callback;

	if (taken || floats > KEPT_MOST)
		return MemoryContextAllocHuge(context, sizeof(float) * floats);
	if (floats > kept_floats)
	{
		if (reserve)
			pfree(reserve);
		reserve = NULL;
		kept_floats = 0;
		reserve = MemoryContextAlloc(TopMemoryContext, sizeof(float) * floats);
		kept_floats = floats;
	}
	callback = MemoryContextAlloc(context, sizeof(MemoryContextCallback));
	callback->func = give_back;
	callback->arg = NULL;
	MemoryContextRegisterResetCallback(context, callback);
	taken = true;
	return reserve;
}
