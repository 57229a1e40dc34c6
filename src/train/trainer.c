#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "core/kernel.h"
#include "core/scorer.h"
#include "feature/factor.h"
#include "feature/floats.h"
#include "store/weight.h"
#include "train/table.h"
#include "train/trainer.h"

#define AHEAD 4					/* rows that are fetched before their turn */
#define FACTOR_WEIGHT_DECAY 0.1	/* of the decay of vectors: a weight has what is left of a count, and few others to share it with */

/*
 * A batch in which a pathway opens no gate, or ranks no better than a constant
 * (log 2) and has no gradient to get out of there, is dead; so is the pathway
 * after some of them in a row.  Rows without any difference look the same, but from the start.
 */
#define DEAD_LOSS 0.6
#define DEAD_NORM 1e-10
#define DEAD_BATCHES 5
#define OPEN_ROWS 64			/* fewer rows do not tell whether a pathway has open gates */

struct EasqTrainer
{
	MemoryContext context;
	const EasqModel *model;
	EasqHyper	hyper;
	EasqTrainHyper train_hyper;
	EasqEncoding encoding;
	float	   *weights;		/* the whole block */
	EasqAdam	backbone;
	EasqAdam	adapter;
	EasqLearnedTable *table;	/* [tables] */
	EasqFactors *factors;		/* NULL: no feature has any */

	int		   *category;		/* [categories] numbers of the features that can be hidden */
	int			categories;

	/* of one batch */
	MemoryContext hidden;		/* examples of which a value is */
	EasqRandom	random;			/* which */
	const char **example;		/* [rows] */
	int			rows;			/* in the last one */
	EasqMetrics metrics;
	bool		lived[EASQ_PATHWAYS];	/* a batch before was not dead */
	int			dead[EASQ_PATHWAYS];	/* batches in a row */
	float	   *x;				/* [rows, inputs] */
	float	   *dx;
	float	   *gradient;		/* [layout.total] */
	float	   *work;
	float	   *offset;			/* [rows], of the main pathway's logits by factors; NULL: none */
	float	   *pull;			/* [behaviour rows], the gradients of the offsets in the last batch */
	int			behaviour;		/* pairs in the last one, behind those of answers */
	const float *dx_row;		/* of the row that is being scattered */
};

/*
 * Factors are 0 until the first training, so that an untrained model and one that came in a file without any score as
 * the reference does; between vectors that are all 0 there is no gradient.
 */
static void
start_factors(EasqTrainer *trainer)
{
	const EasqModel *model = trainer->model;

	for (int t = 0; t < model->spec->tables; t++)
		if (model->spec->table[t].factors && !EasqLearnedTableIsZero(&trainer->table[t]))
			return;
	for (int t = 0; t < model->spec->tables; t++)
	{
		if (!model->spec->table[t].factors)
			continue;
		EasqFactorsStart(model->spec, t, (uint64) model->options.seed, trainer->table[t].numbers);
		memset(trainer->table[t].dirty, true, trainer->table[t].rows);
	}
}

static void
read_tables(EasqTrainer *trainer)
{
	const EasqSpec *spec = trainer->model->spec;

	trainer->table = palloc(sizeof(EasqLearnedTable) * Max(spec->tables, 1));
	trainer->encoding.table = palloc(sizeof(float *) * Max(spec->tables, 1));
	for (int t = 0; t < spec->tables; t++)
	{
		EasqLearnedTableRead(&trainer->table[t], trainer->model, t);
		trainer->encoding.table[t] = trainer->table[t].numbers;
	}
	trainer->factors = EasqFactorsCreate(spec);
	if (trainer->factors)
		start_factors(trainer);
}

EasqTrainer *
EasqTrainerCreate(const EasqModel *model, const EasqHyper *hyper, const EasqTrainHyper *train_hyper,
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
	trainer->train_hyper = *train_hyper;
	trainer->encoding.mean = mean;
	trainer->encoding.deviation = deviation;
	trainer->weights = EasqFloats(layout->total);
	EasqReadWeights(model, EASQ_BACKBONE, trainer->weights);
	EasqReadWeights(model, EASQ_ADAPTER, trainer->weights);
	trainer->backbone = (EasqAdam) {EasqFloats(layout->backbone), EasqFloats(layout->backbone), model->backbone.step};
	EasqReadMoments(model, EASQ_BACKBONE, trainer->backbone.m, trainer->backbone.v);
	trainer->adapter = (EasqAdam) {EasqFloats(adapter), EasqFloats(adapter), model->adapter.step};
	EasqReadMoments(model, EASQ_ADAPTER, trainer->adapter.m, trainer->adapter.v);
	read_tables(trainer);

	trainer->hidden = AllocSetContextCreate(context, "easq hidden values", ALLOCSET_DEFAULT_SIZES);
	trainer->category = palloc(sizeof(int) * model->spec->count);
	for (int i = 0; i < model->spec->count; i++)
		if (model->spec->feature[i].kind == EASQ_CATEGORICAL)
			trainer->category[trainer->categories++] = i;

	trainer->example = MemoryContextAllocHuge(context, sizeof(char *) * rows);
	trainer->x = EasqFloats(rows * layout->shape.k);
	trainer->dx = EasqFloats(rows * layout->shape.k);
	if (trainer->factors)
	{
		trainer->offset = EasqFloats(rows);
		trainer->pull = EasqFloats(rows);
	}
	trainer->gradient = EasqFloats(layout->total);
	trainer->work = EasqFloats(EasqGradientWork(&layout->shape, rows));
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

static float *
row_x(const EasqTrainer *trainer, int row)
{
	return trainer->x + (Size) row * trainer->model->spec->inputs;
}

/* A row's example, now and then with one of its categories hidden. */
static const char *
draw_example(EasqTrainer *trainer, const EasqTrainRow *row, bool dropout, int *length)
{
	MemoryContext old;
	char	   *example;

	*length = row->length;
	if (!dropout || EasqUniform(&trainer->random) >= trainer->train_hyper.value_dropout)
		return row->example;
	old = MemoryContextSwitchTo(trainer->hidden);
	example = EasqHideValue(trainer->model->spec, row->example, row->length,
							trainer->category[EasqBelow(&trainer->random, (uint64) trainer->categories)], length);
	MemoryContextSwitchTo(old);
	return example;
}

/*
 * The chosen rows of pairs from row number first on, then the rejected.  Rows
 * lie anywhere in the chunk: each is fetched before its turn, then its
 * example, then the embeddings that this names.
 */
static void
encode_pairs(EasqTrainer *trainer, const EasqTrainRow *rows, const EasqRowPair *pairs, int count, int first, bool dropout)
{
	const EasqSpec *spec = trainer->model->spec;

	for (int i = -3 * AHEAD; i < 2 * count; i++)
	{
		const EasqTrainRow *row;
		const char *example;
		int			length;

		if (i + 3 * AHEAD < 2 * count)
			EASQ_PREFETCH(row_of_pairs(rows, pairs, count, i + 3 * AHEAD));
		if (i + 2 * AHEAD >= 0 && i + 2 * AHEAD < 2 * count)
			EASQ_PREFETCH(row_of_pairs(rows, pairs, count, i + 2 * AHEAD)->example);
		if (i + AHEAD >= 0 && i + AHEAD < 2 * count)
			EasqPrefetch(spec, &trainer->encoding, row_of_pairs(rows, pairs, count, i + AHEAD)->example);
		if (i < 0)
			continue;
		row = row_of_pairs(rows, pairs, count, i);
		example = draw_example(trainer, row, dropout, &length);
		(void) EasqEncode(spec, &trainer->encoding, example, length, row_x(trainer, first + i), NULL);
		trainer->example[first + i] = example;
		if (trainer->factors)
			trainer->offset[first + i] = EasqFactorOffset(trainer->factors, &trainer->encoding, example,
														  row_x(trainer, first + i));
	}
}

static void
scatter(int number, int64 row, float share, int offset, void *arg)
{
	EasqTrainer *trainer = arg;
	EasqLearnedTable *table = &trainer->table[number];
	const float *dx = trainer->dx_row + offset;
	float	   *gradient = EasqLearnedTableGradient(table, row);
	int			dim = table->dim;

	for (int i = 0; i < dim; i++)
		gradient[i] += share * dx[i];
}

/* The gradient of a row of factors, and its decay: once for each time that the batch reads it. */
static void
scatter_factor(int number, int64 row, float share, const float *from, void *arg)
{
	EasqTrainer *trainer = arg;
	EasqLearnedTable *table = &trainer->table[number];
	const float *numbers = table->numbers + (Size) row * table->dim;
	float	   *gradient = EasqLearnedTableGradient(table, row);
	float		decay = (float) (trainer->train_hyper.factor_decay / trainer->behaviour);
	int			dim = table->dim;

	gradient[0] += share * from[0] + (float) FACTOR_WEIGHT_DECAY * decay * numbers[0];
	for (int i = 1; i < dim; i++)
		gradient[i] += share * from[i] + decay * numbers[i];
}

/* Mean loss of the batch's pairs of behaviour by logits [rows of behaviour], and its gradient. */
static double
behaviour_loss(const EasqTrainer *trainer, const float *logit, float *gradient)
{
	int			n = trainer->behaviour;
	double		dbias = 0;

	memset(gradient, 0, sizeof(float) * 2 * n);
	return EasqPairwiseLoss(n, logit, logit + n, NULL, trainer->hyper.pairwise, 1, gradient, gradient + n, &dbias);
}

/* The gradient that factors learn from. */
static void
pull_factors(EasqTrainer *trainer)
{
	if (trainer->factors)
		(void) behaviour_loss(trainer, trainer->offset + trainer->rows - 2 * trainer->behaviour, trainer->pull);
}

/* What ranks is the sum of the pathway's logits, which begin the work space, and the factors': its loss is told. */
static void
add_factors(EasqTrainer *trainer, EasqMetrics *metrics)
{
	int			first = trainer->rows - 2 * trainer->behaviour;
	float	   *logit = trainer->work + first;
	double		loss;

	for (int i = 0; i < 2 * trainer->behaviour; i++)
		logit[i] += trainer->offset[first + i];
	loss = behaviour_loss(trainer, logit, trainer->pull);
	metrics->loss += loss - metrics->loss_main;
	metrics->loss_main = loss;
}

/* From the gradients of the batch's rows to those of the tables. */
static void
scatter_rows(EasqTrainer *trainer)
{
	const EasqSpec *spec = trainer->model->spec;
	int			answers = trainer->rows - 2 * trainer->behaviour;

	for (int t = 0; t < spec->tables; t++)
		EasqLearnedTableClear(&trainer->table[t]);
	for (int i = 0; spec->tables > 0 && i < trainer->rows; i++)
	{
		if (i + AHEAD < trainer->rows)
			EASQ_PREFETCH(trainer->example[i + AHEAD]);
		trainer->dx_row = trainer->dx + (Size) i * spec->inputs;
		EasqVisitEmbeddings(spec, trainer->example[i], scatter, trainer);
		if (trainer->factors && i >= answers)
			EasqFactorVisit(trainer->factors, &trainer->encoding, trainer->example[i], row_x(trainer, i),
							trainer->pull[i - answers], scatter_factor, trainer);
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
table_squares(const EasqTrainer *trainer, bool factors)
{
	double		squares = 0;

	for (int t = 0; t < trainer->model->spec->tables; t++)
		if (trainer->model->spec->table[t].factors == factors)
			squares += EasqLearnedTableSquares(&trainer->table[t]);
	return squares;
}

static void
update_tables(EasqTrainer *trainer, bool factors, double rate, double clip)
{
	for (int t = 0; t < trainer->model->spec->tables; t++)
		if (trainer->model->spec->table[t].factors == factors)
			EasqLearnedTableUpdate(&trainer->table[t], trainer->backbone.step, rate, clip);
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

/* Norms, clipping in two groups and none, Adam. */
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
	double		squares_main = part_squares(trainer, backbone) + part_squares(trainer, main) + table_squares(trainer, false);
	double		squares_satisfaction = part_squares(trainer, lora) + part_squares(trainer, satisfaction);
	double		clip;

	metrics->grad_norm_main = sqrt(squares_main);
	metrics->grad_norm_satisfaction = sqrt(squares_satisfaction);
	metrics->grad_norm = sqrt(squares_main + squares_satisfaction);
	trainer->backbone.step++;
	trainer->adapter.step++;
	if (!isfinite(metrics->grad_norm) || !isfinite(metrics->loss) || !isfinite(table_squares(trainer, true)))
		refuse_divergence(trainer, "the gradient");

	if (squares_main > 0)
	{
		clip = EasqClip(metrics->grad_norm_main, trainer->hyper.max_grad_norm);
		update_part(trainer, &trainer->backbone, 0, backbone, clip);
		update_part(trainer, &trainer->adapter, base, main, clip);
		update_tables(trainer, false, trainer->hyper.learning_rate, clip);
	}
	/* Sums over few rows with a rate of their own: they take no part in the clipping of others. */
	update_tables(trainer, true, trainer->train_hyper.factor_rate, 1);
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

	MemoryContextReset(trainer->hidden);
	trainer->random.state = EasqMix((uint64) trainer->model->options.seed, (uint64) trainer->backbone.step);
	encode_pairs(trainer, rows, answers, answer_pairs, 0, false);
	encode_pairs(trainer, rows, behaviour, behaviour_pairs, 2 * answer_pairs,
				 trainer->train_hyper.value_dropout > 0 && trainer->categories > 0);
	EasqGradient(&trainer->model->layout, trainer->weights, &trainer->hyper, &batch,
				 trainer->gradient, trainer->dx, &trainer->metrics, trainer->work);
	trainer->rows = 2 * (answer_pairs + behaviour_pairs);
	trainer->behaviour = behaviour_pairs;
	pull_factors(trainer);
	scatter_rows(trainer);
	update(trainer);
	if (behaviour_pairs > 0)
		count_dead(trainer, EASQ_MAIN, trainer->metrics.loss_main, trainer->metrics.grad_norm_main);
	if (answer_pairs > 0)
		count_dead(trainer, EASQ_SATISFACTION, trainer->metrics.loss_satisfaction,
				   trainer->metrics.grad_norm_satisfaction);
	*metrics = trainer->metrics;
	if (trainer->factors)
		add_factors(trainer, metrics);
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
	for (int t = 0; t < spec->tables; t++)
		if (!EasqLearnedTableFinite(&trainer->table[t]))
			refuse_divergence(trainer, psprintf(spec->table[t].factors ? "a factor of feature \"%s\"" :
												"an embedding of feature \"%s\"", spec->table[t].feature->name));
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
	packed = EasqFloats(EasqScorerFloats(layout));
	work = EasqFloats(EasqScoreWork(&layout->shape, EASQ_SCORE_BLOCK));
	EasqScorerPack(&scorer, layout, trainer->weights, (float) trainer->hyper.alpha, packed);
	for (int pathway = 0; pathway < EASQ_PATHWAYS; pathway++)
	{
		double		sum = 0;
		int			rows;

		for (int start = 0; start < trainer->rows; start += rows)
		{
			rows = Min(EASQ_SCORE_BLOCK, trainer->rows - start);
			EasqLogitRows(&scorer, pathway, rows, trainer->x + (Size) start * layout->shape.k,
						  pathway == EASQ_MAIN && trainer->offset ? trainer->offset + start : NULL, logit, work);
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

void
EasqTrainerShift(EasqTrainer *trainer, int feature, int64 row, double by)
{
	const EasqSpec *spec = trainer->model->spec;

	for (int t = 0; t < spec->tables; t++)
		if (spec->table[t].factors && spec->table[t].feature == &spec->feature[feature])
		{
			trainer->table[t].numbers[(Size) row * trainer->table[t].dim] += (float) by;
			trainer->table[t].dirty[row] = true;
		}
}

void
EasqTrainerSlowDown(EasqTrainer *trainer, double factor)
{
	trainer->hyper.learning_rate *= factor;
	trainer->train_hyper.factor_rate *= factor;
}

static void
visit_state(const EasqTrainer *trainer, void (*visit) (float *numbers, Size count, void *arg), void *arg)
{
	const EasqLayout *layout = &trainer->model->layout;

	visit(trainer->weights, layout->total, arg);
	visit(trainer->backbone.m, layout->backbone, arg);
	visit(trainer->backbone.v, layout->backbone, arg);
	visit(trainer->adapter.m, layout->adapter, arg);
	visit(trainer->adapter.v, layout->adapter, arg);
	for (int t = 0; t < trainer->model->spec->tables; t++)
		EasqLearnedTableVisit(&trainer->table[t], visit, arg);
}

static void
write_floats(float *numbers, Size count, void *file)
{
	BufFileWrite(file, (void *) numbers, sizeof(float) * count);
}

static void
read_bytes(void *to, Size bytes, BufFile *file)
{
	if (BufFileRead(file, to, bytes) != bytes)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read %zu bytes of a temporary file: %m", bytes),
				 errhint("Look for errors of the disk that holds the temporary files.")));
}

static void
read_floats(float *numbers, Size count, void *file)
{
	read_bytes(numbers, sizeof(float) * count, file);
}

static void
rewind_file(BufFile *file)
{
	if (BufFileSeek(file, 0, 0, SEEK_SET) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not go back to the start of a temporary file: %m"),
				 errhint("Look for errors of the disk that holds the temporary files.")));
}

void
EasqTrainerSave(EasqTrainer *trainer, BufFile *file)
{
	rewind_file(file);
	BufFileWrite(file, (void *) &trainer->backbone.step, sizeof(trainer->backbone.step));
	BufFileWrite(file, (void *) &trainer->adapter.step, sizeof(trainer->adapter.step));
	visit_state(trainer, write_floats, file);
}

void
EasqTrainerLoad(EasqTrainer *trainer, BufFile *file)
{
	rewind_file(file);
	read_bytes(&trainer->backbone.step, sizeof(trainer->backbone.step), file);
	read_bytes(&trainer->adapter.step, sizeof(trainer->adapter.step), file);
	visit_state(trainer, read_floats, file);
}

void
EasqTrainerSettle(EasqTrainer *trainer)
{
	for (int t = 0; trainer->train_hyper.value_dropout > 0 && t < trainer->model->spec->tables; t++)
		EasqLearnedTableSettle(&trainer->table[t]);
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
	const EasqSpec *spec = model->spec;
	float	  **m = palloc(sizeof(float *) * Max(spec->tables, 1));
	float	  **v = palloc(sizeof(float *) * Max(spec->tables, 1));
	bool	  **dirty = palloc(sizeof(bool *) * Max(spec->tables, 1));

	for (int t = 0; t < spec->tables; t++)
	{
		m[t] = trainer->table[t].m;
		v[t] = trainer->table[t].v;
		dirty[t] = trainer->table[t].dirty;
	}
	EasqWriteBackbone(model, trainer->weights, trainer->encoding.table, dirty,
					  trainer->backbone.m, trainer->backbone.v, m, v);
}
