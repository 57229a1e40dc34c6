/*
 * easq_batch_score: a window function that looks ahead in the partition and
 * scores a block of rows with one matrix product for each layer.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "compat.h"
#include "sql/scoring.h"

PG_FUNCTION_INFO_V1(easq_batch_score);
PG_FUNCTION_INFO_V1(easq_batch_score_jsonb);

/* Scores of the block that the current row lies in. */
typedef struct Block
{
	int64		first;			/* position of its first row in the partition */
	int			rows;
	float		score[EASQ_SCORE_BLOCK];
	bool		isnull[EASQ_SCORE_BLOCK];
} Block;

static EasqScoring *
scoring_of(FunctionCallInfo fcinfo, EasqForm form)
{
	if (fcinfo->flinfo->fn_extra == NULL)
		fcinfo->flinfo->fn_extra = EasqScoringCreate(fcinfo->flinfo->fn_mcxt, EASQ_ASKED_RANKING, form, EASQ_SCORE_BLOCK);
	return fcinfo->flinfo->fn_extra;
}

static bool
names_model(const EasqScoring *scoring, text *model)
{
	return (int) VARSIZE_ANY_EXHDR(model) == scoring->model_length &&
		memcmp(VARDATA_ANY(model), scoring->model, scoring->model_length) == 0;
}

/*
 * Reads the next row, block->rows after the current one; false where it is
 * not in the partition, or wants another model than the block's.
 */
static bool
take_row(WindowObject window, EasqScoring *scoring, Block *block, bool one_model, int *filled)
{
	bool		no_model = false;
	bool		no_row;
	bool		isout;
	Datum		row;

	if (!one_model && block->rows > 0)
	{
		Datum		model = WinGetFuncArgInPartition(window, 0, block->rows, WINDOW_SEEK_CURRENT, false, &no_model, &isout);

		if (isout || (!no_model && !names_model(scoring, DatumGetTextPP(model))))
			return false;
	}
	row = WinGetFuncArgInPartition(window, 1, block->rows, WINDOW_SEEK_CURRENT, false, &no_row, &isout);
	if (isout)
		return false;
	block->isnull[block->rows] = no_model || no_row;
	if (!block->isnull[block->rows])
		EasqScoringRead(scoring, row, filled);
	block->rows++;
	return true;
}

/* Scores of rows that are not null were computed densely; puts each at its row. */
static void
spread_scores(Block *block, int filled)
{
	for (int row = block->rows - 1; row >= 0; row--)
		if (!block->isnull[row])
			block->score[row] = block->score[--filled];
}

static void
score_block(WindowObject window, EasqScoring *scoring, Block *block, int64 first, bool one_model)
{
	/* What the arguments of looked-ahead rows leave behind goes with the block. */
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq block", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int			filled = 0;

	block->first = first;
	block->rows = 0;
	EasqScoringBegin(scoring);
	while (block->rows < EASQ_SCORE_BLOCK && take_row(window, scoring, block, one_model, &filled))
	{
		if (block->rows % 64 == 0)
			MemoryContextReset(context);
	}
	EasqScoringFlush(scoring, &filled);
	if (filled > 0)
		EasqScoringRun(scoring, filled, block->score);
	spread_scores(block, filled);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
refuse_selectors(WindowObject window)
{
	for (int argument = 2; argument <= 3; argument++)
	{
		bool		isnull;

		(void) WinGetFuncArgCurrent(window, argument, &isnull);
		if (!isnull)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("argument %s is not supported yet", argument == 2 ? "adapter" : "version"),
					 errhint("Leave it out: the model is scored as it is now.")));
	}
}

static Datum
batch_score(FunctionCallInfo fcinfo, EasqForm form)
{
	WindowObject window = PG_WINDOW_OBJECT();
	EasqScoring *scoring = scoring_of(fcinfo, form);
	Block	   *block = WinGetPartitionLocalMemory(window, sizeof(Block));
	int64		position = WinGetCurrentPosition(window);

	if (block->rows == 0 || position >= block->first + block->rows)
	{
		bool		isnull;
		Datum		model = WinGetFuncArgCurrent(window, 0, &isnull);

		if (isnull)
			PG_RETURN_NULL();
		refuse_selectors(window);
		(void) EasqScoringUse(scoring, DatumGetTextPP(model));
		/* a constant or a parameter need not be looked at in each row */
		score_block(window, scoring, block, position, get_fn_expr_arg_stable(fcinfo->flinfo, 0));
		WinSetMarkPosition(window, position);
	}
	if (block->isnull[position - block->first])
		PG_RETURN_NULL();
	PG_RETURN_FLOAT4(block->score[position - block->first]);
}

Datum
easq_batch_score(PG_FUNCTION_ARGS)
{
	return batch_score(fcinfo, EASQ_FORM_RECORD);
}

Datum
easq_batch_score_jsonb(PG_FUNCTION_ARGS)
{
	return batch_score(fcinfo, EASQ_FORM_JSONB);
}
