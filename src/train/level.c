#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "learn/judge.h"
#include "train/level.h"

#define ROWS_OF_A_GROUP 8
#define ROWS_MOST 200000		/* of all groups, but one of each */
#define ROWS_HIDDEN 2000		/* that have their value hidden */

/* Sum and number of logits of a value. */
typedef struct Level
{
	double		sum;
	int64		count;
} Level;

typedef struct Levels
{
	const EasqModel *model;
	EasqJudge  *judge;
	int			feature;
	Level	   *value;			/* [size of the feature] */
	Level		hidden;
	int64		row;			/* of the example that is looked at */
	MemoryContext context;		/* of one example */
} Levels;

static void
take_row(const EasqFeature *feature, int64 row, double x pg_attribute_unused(), void *arg)
{
	Levels	   *levels = arg;

	if (feature == &levels->model->spec->feature[levels->feature])
		levels->row = row;
}

static void
add_logit(Levels *levels, Level *level, const char *example, int length)
{
	float		logit;

	if (!EasqJudgeLogit(levels->judge, EASQ_MAIN, example, length, &logit) || !isfinite(logit))
		return;
	level->sum += logit;
	level->count++;
}

static void
add_row(Levels *levels, const EasqEncoding *encoding, const EasqTrainRow *row)
{
	MemoryContext old;
	int			length;
	char	   *hidden;

	EasqVisitValues(levels->model->spec, encoding, row->example, take_row, levels);
	add_logit(levels, &levels->value[levels->row], row->example, row->length);
	if (levels->hidden.count >= ROWS_HIDDEN)
		return;
	MemoryContextReset(levels->context);
	old = MemoryContextSwitchTo(levels->context);
	hidden = EasqHideValue(levels->model->spec, row->example, row->length, levels->feature, &length);
	add_logit(levels, &levels->hidden, hidden, length);
	MemoryContextSwitchTo(old);
}

/* The first rows of each group: the spool has them in an order that is drawn. */
static void
add_rows(Levels *levels, const EasqEncoding *encoding, EasqSpool *spool)
{
	int64		groups = Max(EasqSpoolFacts(spool)->groups, 1);
	int			most = (int) Max(Min(ROWS_OF_A_GROUP, ROWS_MOST / groups), 1);

	for (int chunk = 0; chunk < EasqSpoolChunks(spool); chunk++)
	{
		int			count;
		const EasqTrainRow *rows = EasqSpoolRead(spool, chunk, &count);
		int			of_group = 0;

		for (int i = 0; i < count; i++)
		{
			CHECK_FOR_INTERRUPTS();
			of_group = i > 0 && rows[i].group == rows[i - 1].group ? of_group + 1 : 0;
			if (of_group < most && !isnan(rows[i].label))
				add_row(levels, encoding, &rows[i]);
		}
	}
}

void
EasqLevelGroups(EasqTrainer *trainer, const EasqModel *model, EasqSpool *spool, int feature)
{
	MemoryContext context;
	MemoryContext old;
	Levels		levels = {.model = model, .feature = feature};
	int64		size;

	if (feature < 0 || model->spec->factors == 0)
		return;
	context = AllocSetContextCreate(CurrentMemoryContext, "easq levels", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	size = model->spec->feature[feature].size;
	levels.judge = EasqJudgeCreate(model, EasqTrainerEncoding(trainer));
	levels.value = MemoryContextAllocExtended(context, sizeof(Level) * size, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	levels.context = AllocSetContextCreate(context, "easq hidden value", ALLOCSET_SMALL_SIZES);
	EasqJudgeWeights(levels.judge, EasqTrainerWeights(trainer));
	add_rows(&levels, EasqTrainerEncoding(trainer), spool);
	levels.value[0] = levels.hidden;
	for (int64 row = 0; row < size; row++)
		if (levels.value[row].count > 0)
			EasqTrainerShift(trainer, feature, row, -levels.value[row].sum / levels.value[row].count);
	EasqTrainerSettle(trainer);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
