/*
 * easq_shared_cache: what models the server's backends share.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "store/cache_shared.h"

PG_FUNCTION_INFO_V1(easq_shared_cache);

#define COLUMNS 6

typedef struct Listing
{
	EasqSharedCacheState *state;
	int			count;
} Listing;

static Listing *
make_listing(FunctionCallInfo fcinfo, FuncCallContext *call)
{
	Listing    *listing = palloc(sizeof(Listing));

	listing->count = EasqSharedCacheStates(&listing->state);
	if (get_call_result_type(fcinfo, NULL, &call->tuple_desc) != TYPEFUNC_COMPOSITE || call->tuple_desc->natts != COLUMNS)
		elog(ERROR, "easq_shared_cache does not return the rows that this library makes");
	call->tuple_desc = BlessTupleDesc(call->tuple_desc);
	return listing;
}

Datum
easq_shared_cache(PG_FUNCTION_ARGS)
{
	FuncCallContext *call;
	Listing    *listing;
	EasqSharedCacheState *state;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		call = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(call->multi_call_memory_ctx);
		call->user_fctx = make_listing(fcinfo, call);
		MemoryContextSwitchTo(old);
	}
	call = SRF_PERCALL_SETUP();
	listing = call->user_fctx;
	if (call->call_cntr >= (uint64) listing->count)
		SRF_RETURN_DONE(call);
	state = &listing->state[call->call_cntr];
	values[0] = ObjectIdGetDatum(state->database);
	values[1] = CStringGetTextDatum(state->model);
	values[2] = UUIDPGetDatum(&state->backbone_id);
	values[3] = Int64GetDatum((int64) state->bytes);
	values[4] = Int32GetDatum(state->connections);
	values[5] = CStringGetTextDatum(state->state);
	SRF_RETURN_NEXT(call, HeapTupleGetDatum(heap_form_tuple(call->tuple_desc, values, nulls)));
}
