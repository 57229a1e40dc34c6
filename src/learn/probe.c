#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "core/factor.h"
#include "learn/probe.h"

/* Stored pairs that the satisfaction pathway scores too, which keeps no margins. */
#define SATISFACTION_PAIRS 256

typedef enum ProbeRow
{
	PROBE_ZEROS,
	PROBE_ONES,
	PROBE_OPPOSITES,
	PROBE_LARGEST,
	PROBE_LARGEST_OPPOSITES,
	PROBE_ROWS
} ProbeRow;

static void
check_logit(const EasqModel *model, EasqPathway pathway, double logit, const char *hint)
{
	if (!isfinite(logit))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("model \"%s\" would give a row a logit of %g in its %s pathway", model->name, logit,
						pathway == EASQ_MAIN ? "main" : "satisfaction"),
				 errhint("%s", hint)));
}

/* The row of a table with the number that is farthest from 0. */
static const float *
largest_row(const float *table, int64 size, int dim)
{
	const float *largest = table;
	float		most = 0;

	for (int64 row = 0; row < size; row++, table += dim)
	{
		if (row % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < dim; j++)
			if (fabsf(table[j]) > most)
			{
				most = fabsf(table[j]);
				largest = table;
			}
	}
	return largest;
}

static void
put_largest(const EasqModel *model, const EasqEncoding *encoding, float *x)
{
	Size		k = model->spec->inputs;

	for (int t = 0; t < model->spec->tables; t++)
	{
		const EasqTable *table = &model->spec->table[t];
		const EasqFeature *feature = table->feature;
		const float *row;

		if (table->factors)
			continue;
		row = largest_row(encoding->table[t], table->rows, table->dim);
		memcpy(x + PROBE_LARGEST * k + feature->offset, row, sizeof(float) * feature->dim);
		memcpy(x + PROBE_LARGEST_OPPOSITES * k + feature->offset, row, sizeof(float) * feature->dim);
	}
}

/* What the largest rows of all factors say together, and what numbers' opposites do. */
static void
probe_factors(const EasqModel *model, const EasqEncoding *encoding, const char *hint)
{
	const EasqSpec *spec = model->spec;
	const float **part = palloc(sizeof(float *) * Max(spec->tables, 1));
	float	   *scale = palloc(sizeof(float) * Max(spec->tables, 1));
	float	   *sum = palloc(sizeof(float) * (1 + spec->factors));
	int			count = 0;

	for (int sign = 1; sign >= -1; sign -= 2)
	{
		count = 0;
		for (int t = 0; t < spec->tables; t++)
		{
			const EasqTable *table = &spec->table[t];

			if (!table->factors)
				continue;
			part[count] = largest_row(encoding->table[t], table->rows, table->dim);
			scale[count++] = table->feature->numeric >= 0 ? (float) sign : 1.0f;
		}
		check_logit(model, EASQ_MAIN, EasqFactorLogit(count, spec->factors, part, scale, sum), hint);
	}
}

void
EasqProbeRows(EasqJudge *judge, const EasqModel *model, size_t rows, const float *x, const char *hint)
{
	for (int pathway = 0; pathway < EASQ_PATHWAYS; pathway++)
		check_logit(model, (EasqPathway) pathway, EasqJudgeLevel(judge, (EasqPathway) pathway, rows, x), hint);
}

void
EasqProbeWeights(const EasqModel *model, const EasqEncoding *encoding, const float *weights, bool tables, const char *hint)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq probe", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Size		k = model->spec->inputs;
	float	   *x = palloc0(sizeof(float) * PROBE_ROWS * k);
	EasqJudge  *judge = EasqJudgeCreate(model, encoding);

	for (Size j = 0; j < k; j++)
	{
		x[PROBE_ONES * k + j] = x[PROBE_LARGEST * k + j] = 1;
		x[PROBE_OPPOSITES * k + j] = x[PROBE_LARGEST_OPPOSITES * k + j] = -1;
	}
	if (tables)
	{
		put_largest(model, encoding, x);
		probe_factors(model, encoding, hint);
	}
	EasqJudgeWeights(judge, weights);
	EasqProbeRows(judge, model, PROBE_ROWS, x, hint);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
EasqProbeKept(EasqJudge *judge, const EasqModel *model, const EasqRehearsed *pairs, int count, const char *hint)
{
	for (int i = 0; i < count; i++)
	{
		const EasqPair *pair = &pairs[i].pair;
		float		chosen = 0;
		float		rejected = 0;

		check_logit(model, EASQ_MAIN, pairs[i].kept_chosen, hint);
		check_logit(model, EASQ_MAIN, pairs[i].kept_rejected, hint);
		if (i >= SATISFACTION_PAIRS)
			continue;
		(void) EasqJudgeLogit(judge, EASQ_SATISFACTION, pair->chosen, pair->chosen_length, &chosen);
		(void) EasqJudgeLogit(judge, EASQ_SATISFACTION, pair->rejected, pair->rejected_length, &rejected);
		check_logit(model, EASQ_SATISFACTION, chosen, hint);
		check_logit(model, EASQ_SATISFACTION, rejected, hint);
	}
}
