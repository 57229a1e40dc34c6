#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "core/kernel.h"
#include "core/scorer.h"
#include "store/weight.h"
#include "train/trainer.h"

#define AHEAD 4					/* rows that are fetched before their turn */
#define TABLE_ROOM 1024			/* rows of a table that a batch touches, to begin with */

/*
 * A batch in which a pathway opens no gate, or ranks no better than a constant
 * (log 2) and has no gradient to get out of there, is dead; so is the pathway
 * after some of them in a row.  Rows without any difference look the same, but from the start.
 */
#define DEAD_LOSS 0.6
#define DEAD_NORM 1e-10
#define DEAD_BATCHES 5
#define OPEN_ROWS 64			/* fewer rows do not tell whether a pathway has open gates */

/* The gradient of an embedding table in one batch: only the rows that were read. */
typedef struct TableGradient
{
	int			dim;
	uint32	   *place;			/* [size] of the row among the touched ones, counted from 1; 0: not touched */
	int64	   *row;			/* [room] the touched rows */
	float	   *gradient;		/* [room, dim] */
	Size		count;
	Size		room;
} TableGradient;

struct EasqTrainer
{
	MemoryContext context;
	const EasqModel *model;
	EasqHyper	hyper;
	EasqEncoding encoding;
	float	   *weights;		/* the whole block */
	EasqAdam	backbone;
	EasqAdam	adapter;
	float	  **embedding_m;	/* [tables] */
	float	  **embedding_v;
	bool	  **dirty;

	/* of one batch */
	const char **example;		/* [rows] */
	int			rows;			/* in the last one */
	EasqMetrics metrics;
	bool		lived[EASQ_PATHWAYS];	/* a batch before was not dead */
	int			dead[EASQ_PATHWAYS];	/* batches in a row */
	float	   *x;				/* [rows, inputs] */
	float	   *dx;
	float	   *gradient;		/* [layout.total] */
	float	   *work;
	TableGradient *table;		/* [tables] */
	const float *dx_row;		/* of the row that is being scattered */
};

static float *
floats(Size count)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, sizeof(float) * Max(count, 1));
}

static void *
huge_zeros(Size bytes)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static void
create_tables(EasqTrainer *trainer)
{
	const EasqSpec *spec = trainer->model->spec;
	Size		pointers = sizeof(void *) * Max(spec->tables, 1);

	trainer->encoding.embedding = palloc(pointers);
	trainer->embedding_m = palloc(pointers);
	trainer->embedding_v = palloc(pointers);
	trainer->dirty = palloc(pointers);
	trainer->table = palloc0(sizeof(TableGradient) * Max(spec->tables, 1));
	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];
		int			t = feature->table;
		TableGradient *table = &trainer->table[t];

		if (t < 0)
			continue;
		trainer->encoding.embedding[t] = floats((Size) feature->size * feature->dim);
		EasqReadEmbedding(trainer->model, feature, trainer->encoding.embedding[t]);
		trainer->embedding_m[t] = floats((Size) feature->size * feature->dim);
		trainer->embedding_v[t] = floats((Size) feature->size * feature->dim);
		EasqReadEmbeddingMoments(trainer->model, feature, trainer->embedding_m[t], trainer->embedding_v[t]);
		trainer->dirty[t] = huge_zeros(feature->size);
		table->dim = feature->dim;
		table->place = huge_zeros(sizeof(uint32) * (Size) feature->size);
		table->room = TABLE_ROOM;
		table->row = palloc(sizeof(int64) * table->room);
		table->gradient = floats(table->room * table->dim);
	}
}

EasqTrainer *
EasqTrainerCreate(const EasqModel *model, const EasqHyper *hyper,
				  const double *mean, const double *deviation, int batch_pairs)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq trainer", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EasqTrainer *trainer = palloc0(sizeof(EasqTrainer));
	const EasqLayout *layout = &model->layout;
	Size		adapter = layout->adapter;
	Size		rows = 4 * (Size) batch_pairs;

	trainer->context = context;
	trainer->model = model;
	trainer->hyper = *hyper;
	trainer->encoding.mean = mean;
	trainer->encoding.deviation = deviation;
	trainer->weights = floats(layout->total);
	EasqReadWeights(model, EASQ_BACKBONE, trainer->weights);
	EasqReadWeights(model, EASQ_ADAPTER, trainer->weights);
	trainer->backbone = (EasqAdam) {floats(layout->backbone), floats(layout->backbone), model->backbone.step};
	EasqReadMoments(model, EASQ_BACKBONE, trainer->backbone.m, trainer->backbone.v);
	trainer->adapter = (EasqAdam) {floats(adapter), floats(adapter), model->adapter.step};
	EasqReadMoments(model, EASQ_ADAPTER, trainer->adapter.m, trainer->adapter.v);
	create_tables(trainer);

	trainer->example = MemoryContextAllocHuge(context, sizeof(char *) * rows);
	trainer->x = floats(rows * layout->shape.k);
	trainer->dx = floats(rows * layout->shape.k);
	trainer->gradient = floats(layout->total);
	trainer->work = floats(EasqGradientWork(&layout->shape, rows));
	MemoryContextSwitchTo(old);
	return trainer;
}

/* --------------------------------------------------------- one mini-batch */

/* Row number i of pairs: the chosen, then the rejected. */
static const EasqTrainRow *
row_of_pairs(const EasqTrainRow *rows, const EasqRowPair *pairs, int count, int i)
{
	return &rows[i < count ? pairs[i].chosen : pairs[i - count].rejected];
}

/*
 * The chosen rows of pairs from row number first on, then the rejected.  Rows
 * lie anywhere in the chunk: each is fetched before its turn, then its
 * example, then the embeddings that this names.
 */
static void
encode_pairs(EasqTrainer *trainer, const EasqTrainRow *rows, const EasqRowPair *pairs, int count, int first)
{
	const EasqSpec *spec = trainer->model->spec;

	for (int i = -3 * AHEAD; i < 2 * count; i++)
	{
		const EasqTrainRow *row;

		if (i + 3 * AHEAD < 2 * count)
			EASQ_PREFETCH(row_of_pairs(rows, pairs, count, i + 3 * AHEAD));
		if (i + 2 * AHEAD >= 0 && i + 2 * AHEAD < 2 * count)
			EASQ_PREFETCH(row_of_pairs(rows, pairs, count, i + 2 * AHEAD)->example);
		if (i + AHEAD >= 0 && i + AHEAD < 2 * count)
			EasqPrefetch(spec, &trainer->encoding, row_of_pairs(rows, pairs, count, i + AHEAD)->example);
		if (i < 0)
			continue;
		row = row_of_pairs(rows, pairs, count, i);
		(void) EasqEncode(spec, &trainer->encoding, row->example, row->length,
						  trainer->x + (Size) (first + i) * spec->inputs, NULL);
		trainer->example[first + i] = row->example;
	}
}

static void
grow_table(TableGradient *table)
{
	table->room *= 2;
	table->row = repalloc_huge(table->row, sizeof(int64) * table->room);
	table->gradient = repalloc_huge(table->gradient, sizeof(float) * table->room * table->dim);
}

static void
scatter(int number, int64 row, float share, int offset, void *arg)
{
	EasqTrainer *trainer = arg;
	TableGradient *table = &trainer->table[number];
	const float *dx = trainer->dx_row + offset;
	int			dim = table->dim;
	float	   *gradient;

	if (table->place[row] == 0)
	{
		if (table->count == table->room)
			grow_table(table);
		table->row[table->count++] = row;
		table->place[row] = (uint32) table->count;
		memset(table->gradient + (table->count - 1) * dim, 0, sizeof(float) * dim);
	}
	gradient = table->gradient + (Size) (table->place[row] - 1) * dim;
	for (int i = 0; i < dim; i++)
		gradient[i] += share * dx[i];
}

static void
scatter_rows(EasqTrainer *trainer)
{
	const EasqSpec *spec = trainer->model->spec;

	for (int t = 0; t < spec->tables; t++)
	{
		TableGradient *table = &trainer->table[t];

		for (Size i = 0; i < table->count; i++)
			table->place[table->row[i]] = 0;
		table->count = 0;
	}
	for (int i = 0; spec->tables > 0 && i < trainer->rows; i++)
	{
		if (i + AHEAD < trainer->rows)
			EASQ_PREFETCH(trainer->example[i + AHEAD]);
		trainer->dx_row = trainer->dx + (Size) i * spec->inputs;
		EasqVisitEmbeddings(spec, trainer->example[i], scatter, trainer);
	}
}

/* A part of the block: [from, to). */
typedef struct Part
{
	Size		from;
	Size		to;
} Part;

static double
part_squares(const EasqTrainer *trainer, Part part)
{
	return EasqSquares(part.to - part.from, trainer->gradient + part.from);
}

static void
update_part(EasqTrainer *trainer, EasqAdam *adam, Size base, Part part, double clip)
{
	EasqAdamUpdate(part.to - part.from, trainer->weights + part.from, trainer->gradient + part.from,
				   adam->m + (part.from - base), adam->v + (part.from - base),
				   adam->step, trainer->hyper.learning_rate, clip);
}

static double
table_squares(const EasqTrainer *trainer)
{
	double		squares = 0;

	for (int t = 0; t < trainer->model->spec->tables; t++)
		squares += EasqSquares(trainer->table[t].count * trainer->table[t].dim, trainer->table[t].gradient);
	return squares;
}

static void
update_table(EasqTrainer *trainer, int t, double clip)
{
	TableGradient *table = &trainer->table[t];

	EasqAdamUpdateRows(table->count, table->dim, table->row, trainer->encoding.embedding[t], table->gradient,
					   trainer->embedding_m[t], trainer->embedding_v[t],
					   trainer->backbone.step, trainer->hyper.learning_rate, clip);
	for (Size i = 0; i < table->count; i++)
		trainer->dirty[t][table->row[i]] = true;
}

static void
refuse_divergence(const EasqTrainer *trainer, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("training of model \"%s\" diverged at step " INT64_FORMAT ": %s is not finite",
					trainer->model->name, trainer->backbone.step, what),
			 errhint("Nothing was stored. Lower the option learning_rate (%g) or max_grad_norm (%g).",
					 trainer->hyper.learning_rate, trainer->hyper.max_grad_norm)));
}

/* Norms, clipping in two groups, Adam. */
static void
update(EasqTrainer *trainer)
{
	EasqMetrics *metrics = &trainer->metrics;
	const EasqLayout *layout = &trainer->model->layout;
	Size		base = layout->backbone;
	Part		backbone = {0, base};
	Part		lora = {base, layout->tensor[EASQ_MAIN_GATE_WEIGHT].offset};
	Part		main = {lora.to, layout->tensor[EASQ_SATISFACTION_GATE_WEIGHT].offset};
	Part		satisfaction = {main.to, layout->total};
	double		squares_main = part_squares(trainer, backbone) + part_squares(trainer, main) + table_squares(trainer);
	double		squares_satisfaction = part_squares(trainer, lora) + part_squares(trainer, satisfaction);
	double		clip;

	metrics->grad_norm_main = sqrt(squares_main);
	metrics->grad_norm_satisfaction = sqrt(squares_satisfaction);
	metrics->grad_norm = sqrt(squares_main + squares_satisfaction);
	trainer->backbone.step++;
	trainer->adapter.step++;
	if (!isfinite(metrics->grad_norm) || !isfinite(metrics->loss))
		refuse_divergence(trainer, "the gradient");

	if (squares_main > 0)
	{
		clip = EasqClip(metrics->grad_norm_main, trainer->hyper.max_grad_norm);
		update_part(trainer, &trainer->backbone, 0, backbone, clip);
		update_part(trainer, &trainer->adapter, base, main, clip);
		for (int t = 0; t < trainer->model->spec->tables; t++)
			update_table(trainer, t, clip);
	}
	if (squares_satisfaction > 0)
	{
		clip = EasqClip(metrics->grad_norm_satisfaction, trainer->hyper.max_grad_norm);
		update_part(trainer, &trainer->adapter, base, lora, clip);
		update_part(trainer, &trainer->adapter, base, satisfaction, clip);
	}
}

static void
count_dead(EasqTrainer *trainer, EasqPathway pathway, double loss, double norm)
{
	bool		dead = trainer->metrics.gates_dead[pathway] || (loss > DEAD_LOSS && norm < DEAD_NORM);

	trainer->lived[pathway] |= !dead;
	trainer->dead[pathway] = dead ? trainer->dead[pathway] + 1 : 0;
}

void
EasqTrainerStep(EasqTrainer *trainer, const EasqTrainRow *rows,
				const EasqRowPair *answers, int answer_pairs,
				const EasqRowPair *behaviour, int behaviour_pairs, EasqMetrics *metrics)
{
	EasqBatch	batch = {.survey = answer_pairs, .behaviour = behaviour_pairs, .x = trainer->x};

	encode_pairs(trainer, rows, answers, answer_pairs, 0);
	encode_pairs(trainer, rows, behaviour, behaviour_pairs, 2 * answer_pairs);
	EasqGradient(&trainer->model->layout, trainer->weights, &trainer->hyper, &batch,
				 trainer->gradient, trainer->dx, &trainer->metrics, trainer->work);
	trainer->rows = 2 * (answer_pairs + behaviour_pairs);
	scatter_rows(trainer);
	update(trainer);
	if (behaviour_pairs > 0)
		count_dead(trainer, EASQ_MAIN, trainer->metrics.loss_main, trainer->metrics.grad_norm_main);
	if (answer_pairs > 0)
		count_dead(trainer, EASQ_SATISFACTION, trainer->metrics.loss_satisfaction,
				   trainer->metrics.grad_norm_satisfaction);
	*metrics = trainer->metrics;
}

/* ----------------------------------------------------------------- the end */

static void
refuse_death(const EasqTrainer *trainer, EasqPathway pathway, const char *name)
{
	if (!trainer->lived[pathway] || trainer->dead[pathway] < DEAD_BATCHES)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("after " INT64_FORMAT " steps the %s pathway of model \"%s\" scores all rows alike and has no gradient",
					trainer->backbone.step, name, trainer->model->name),
			 errhint("Nothing was stored. Look whether the features tell anything about the %s, or lower the option learning_rate (%g).",
					 pathway == EASQ_MAIN ? "label" : "answer", trainer->hyper.learning_rate)));
}

void
EasqTrainerCheck(const EasqTrainer *trainer)
{
	const EasqSpec *spec = trainer->model->spec;

	if (!EasqAllFinite(trainer->model->layout.total, trainer->weights))
		refuse_divergence(trainer, "a weight");
	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];

		if (feature->table >= 0 &&
			!EasqAllFinite((Size) feature->size * feature->dim, trainer->encoding.embedding[feature->table]))
			refuse_divergence(trainer, psprintf("an embedding of feature \"%s\"", feature->name));
	}
	refuse_death(trainer, EASQ_MAIN, "main");
	refuse_death(trainer, EASQ_SATISFACTION, "satisfaction");
}

bool
EasqTrainerOpen(const EasqTrainer *trainer, EasqPathway pathway)
{
	return trainer->rows < OPEN_ROWS ||
		EasqGatesAlive(&trainer->model->layout, trainer->weights, trainer->hyper.alpha, pathway,
					   trainer->rows, trainer->x, trainer->work);
}

void
EasqTrainerCentre(EasqTrainer *trainer)
{
	const EasqLayout *layout = &trainer->model->layout;
	float		logit[EASQ_SCORE_BLOCK];
	EasqScorer	scorer;
	float	   *packed;
	float	   *work;

	if (trainer->hyper.pairwise != EASQ_ON_LOGIT)
		return;
	packed = floats(EasqScorerFloats(layout));
	work = floats(EasqScoreWork(&layout->shape, EASQ_SCORE_BLOCK));
	EasqScorerPack(&scorer, layout, trainer->weights, (float) trainer->hyper.alpha, packed);
	for (int pathway = 0; pathway < EASQ_PATHWAYS; pathway++)
	{
		double		sum = 0;
		int			rows;

		for (int start = 0; start < trainer->rows; start += rows)
		{
			rows = Min(EASQ_SCORE_BLOCK, trainer->rows - start);
			EasqLogitRows(&scorer, pathway, rows, trainer->x + (Size) start * layout->shape.k, logit, work);
			for (int i = 0; i < rows; i++)
				sum += logit[i];
		}
		if (trainer->rows > 0)
			trainer->weights[layout->tensor[EASQ_PATHWAY_TENSOR(pathway, EASQ_MAIN_OUT_BIAS)].offset] -=
				(float) (sum / trainer->rows);
	}
	pfree(packed);
	pfree(work);
}

int64
EasqTrainerSteps(const EasqTrainer *trainer)
{
	return trainer->backbone.step;
}

const EasqEncoding *
EasqTrainerEncoding(const EasqTrainer *trainer)
{
	return &trainer->encoding;
}

float *
EasqTrainerWeights(EasqTrainer *trainer)
{
	return trainer->weights;
}

EasqAdam
EasqTrainerAdapter(EasqTrainer *trainer)
{
	return trainer->adapter;
}

void
EasqTrainerWriteBackbone(EasqTrainer *trainer, EasqModel *model)
{
	EasqWriteBackbone(model, trainer->weights, trainer->encoding.embedding, trainer->dirty,
					  trainer->backbone.m, trainer->backbone.v, trainer->embedding_m, trainer->embedding_v);
}
