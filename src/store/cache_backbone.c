#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#include "core/scorer.h"
#include "store/cache_backbone.h"
#include "store/cache_shared.h"
#include "store/weight.h"

/* Parts, and with them the rows of a table, begin with a cache line: a look-up of 16 numbers waits for one, not for two. */
#define CACHE_LINE 64

static Size
claim(Size *at, Size count, Size size)
{
	Size		start = *at;

	*at = add_size(start, TYPEALIGN(CACHE_LINE, mul_size(count, size)));
	return start;
}

/* Points the backbone into a block of memory (NULL: does not), shared or not, and returns the block's length. */
static Size
lay_out(EasqBackbone *backbone, const EasqModel *model, bool shared, char *block)
{
	const EasqSpec *spec = model->spec;
	const EasqLayout *layout = &model->layout;
	Size		length = 0;
	Size		mean = claim(&length, spec->numerics, sizeof(double));
	Size		deviation = claim(&length, spec->numerics, sizeof(double));
	Size		weights = claim(&length, shared ? layout->total : layout->backbone, sizeof(float));
	Size		adapter = claim(&length, shared, sizeof(EasqPackedAdapter));
	Size		packed = claim(&length, shared ? EasqScorerFloats(layout) : 0, sizeof(float));

	if (block)
	{
		backbone->encoding.mean = (double *) (block + mean);
		backbone->encoding.deviation = (double *) (block + deviation);
		backbone->weights = (float *) (block + weights);
		backbone->adapter = shared ? (EasqPackedAdapter *) (block + adapter) : NULL;
		backbone->packed = shared ? (float *) (block + packed) : NULL;
	}
	for (int t = 0; t < spec->tables; t++)
	{
		Size		table = claim(&length, mul_size(spec->table[t].rows, spec->table[t].dim), sizeof(float));

		if (block)
			backbone->encoding.table[t] = (float *) (block + table);
	}
	return length;
}

static float **
table_pointers(const EasqModel *model)
{
	return palloc0(sizeof(float *) * Max(model->spec->tables, 1));
}

static void
fill_adapter(const EasqModel *model, const EasqBackbone *backbone)
{
	EasqPackedAdapter *adapter = (EasqPackedAdapter *) backbone->adapter;
	EasqScorer	scorer;

	adapter->id = model->adapter.id;
	adapter->alpha = (float) model->options.hyper.alpha;
	EasqReadWeights(model, EASQ_ADAPTER, (float *) backbone->weights);
	EasqScorerPack(&scorer, &model->layout, backbone->weights, adapter->alpha, (float *) backbone->packed);
}

static void
fill(const EasqModel *model, bool shared, char *block)
{
	const EasqSpec *spec = model->spec;
	EasqBackbone backbone = {.encoding.table = table_pointers(model)};

	(void) lay_out(&backbone, model, shared, block);
	memcpy((double *) backbone.encoding.mean, model->backbone.mean, sizeof(double) * spec->numerics);
	memcpy((double *) backbone.encoding.deviation, model->backbone.deviation, sizeof(double) * spec->numerics);
	EasqReadWeights(model, EASQ_BACKBONE, (float *) backbone.weights);
	for (int t = 0; t < spec->tables; t++)
		EasqReadTable(model, t, backbone.encoding.table[t]);
	if (shared)
		fill_adapter(model, &backbone);
	pfree(backbone.encoding.table);
}

static void
fill_shared(const EasqModel *model, char *block)
{
	fill(model, true, block);
}

void
EasqBackboneLoad(EasqBackbone *backbone, const EasqModel *model)
{
	Size		length = lay_out(backbone, model, false, NULL);
	char	   *block;

	memset(backbone, 0, sizeof(*backbone));
	backbone->encoding.table = table_pointers(model);
	/* After this nothing may fail: the mapping does not go with the context. */
	backbone->segment = EasqSharedCacheAcquire(model, lay_out(backbone, model, true, NULL), fill_shared);
	if (backbone->segment)
	{
		(void) lay_out(backbone, model, true, EasqSharedCacheBlock(backbone->segment));
		return;
	}
	if (model->backbone.uncommitted && EasqSharedCacheEnabled())
		backbone->writer = GetTopTransactionIdIfAny();
	block = MemoryContextAllocHuge(CurrentMemoryContext, add_size(length, CACHE_LINE));
	block = (char *) TYPEALIGN(CACHE_LINE, block);
	fill(model, false, block);
	(void) lay_out(backbone, model, false, block);
}

void
EasqBackboneRelease(EasqBackbone *backbone)
{
	if (backbone->segment)
		EasqSharedCacheRelease(backbone->segment);
	backbone->segment = NULL;
}

bool
EasqBackboneOutdated(const EasqBackbone *backbone)
{
	return TransactionIdIsValid(backbone->writer) && !TransactionIdIsCurrentTransactionId(backbone->writer);
}
