#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "transfer/belief_file.h"

#define PREFIX "belief."

static char *
tensor_name(const EasqBeliefTable *table)
{
	return psprintf(PREFIX "%s", table->name);
}

static bool
believes(const EasqBeliefs *beliefs)
{
	return beliefs && !EasqBeliefIdIsNone(&beliefs->id);
}

void
EasqBeliefsFileHeader(EasqFileWriter *writer, const EasqBeliefs *beliefs)
{
	for (int t = 0; believes(beliefs) && t < beliefs->tables; t++)
	{
		int64		dim[2] = {beliefs->table[t].size, 2};

		if (dim[0] > 0)
			EasqFileWriterTensor(writer, tensor_name(&beliefs->table[t]), 2, dim);
	}
}

/* Rows of a chunk that are in the table. */
static int
rows_of(const EasqBeliefTable *table, int chunk)
{
	return (int) Min((int64) EASQ_BELIEF_ROWS, table->size - (int64) chunk * EASQ_BELIEF_ROWS);
}

void
EasqBeliefsFileData(EasqFileWriter *writer, const EasqBeliefs *beliefs)
{
	for (int t = 0; believes(beliefs) && t < beliefs->tables; t++)
		for (int c = 0; c < beliefs->table[t].chunks; c++)
		{
			const EasqBeliefChunk *chunk = beliefs->table[t].chunk[c];
			EasqBelief	row[EASQ_BELIEF_ROWS];
			int			rows = rows_of(&beliefs->table[t], c);

			CHECK_FOR_INTERRUPTS();
			for (int i = 0; i < rows; i++)
				row[i] = chunk ? chunk->row[i] : EasqBeliefPrior(beliefs, t, (int64) c * EASQ_BELIEF_ROWS + i);
			EasqFileWriterData(writer, (const float *) row, 2 * (size_t) rows);
		}
}

bool
EasqFileHasBeliefs(const EasqFile *file)
{
	for (int i = 0; i < file->count; i++)
		if (strncmp(file->tensor[i].name, PREFIX, strlen(PREFIX)) == 0)
			return true;
	return false;
}

static EasqFileTensor *
find_tensor(const EasqFile *file, const EasqBeliefTable *table)
{
	EasqFileTensor *tensor = EasqFileFind(file, tensor_name(table));

	if (tensor == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the file has no tensor \"%s\"", tensor_name(table)),
				 errhint("A file has beliefs about all features, or no tensor whose name begins with \"%s\".", PREFIX)));
	if (tensor->ndim != 2 || tensor->dim[0] != table->size || tensor->dim[1] != 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tensor \"%s\" is not " INT64_FORMAT " x 2 numbers", tensor->name, table->size),
				 errhint("The file must come from a model of the same features.")));
	return tensor;
}

static void
check_rows(const EasqFileTensor *tensor, int rows, const EasqBelief *row)
{
	for (int i = 0; i < rows; i++)
		if (!isfinite(row[i].mean) || !isfinite(row[i].variance) || row[i].variance < 0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("tensor \"%s\" holds what is no mean and variance: %g, %g", tensor->name, row[i].mean, row[i].variance),
					 errhint("Means are finite, and variances are not negative either.")));
}

/* Is it as it would be without any answer? */
static bool
at_prior(const EasqBeliefs *beliefs, int t, int c, int rows, const EasqBelief *row)
{
	for (int i = 0; i < rows; i++)
	{
		EasqBelief	prior = EasqBeliefPrior(beliefs, t, (int64) c * EASQ_BELIEF_ROWS + i);

		if (prior.mean != row[i].mean || prior.variance != row[i].variance)
			return false;
	}
	return true;
}

void
EasqBeliefsFromFile(EasqBeliefs *beliefs, EasqFile *file)
{
	for (int t = 0; t < beliefs->tables; t++)
	{
		EasqBeliefTable *table = &beliefs->table[t];
		EasqFileTensor *tensor;

		if (table->size == 0)
			continue;
		tensor = find_tensor(file, table);
		tensor->used = true;
		for (int c = 0; c < table->chunks; c++)
		{
			EasqBelief	row[EASQ_BELIEF_ROWS];
			int			rows = rows_of(table, c);

			CHECK_FOR_INTERRUPTS();
			memcpy(row, file->data + tensor->begin + sizeof(EasqBelief) * EASQ_BELIEF_ROWS * (Size) c, sizeof(EasqBelief) * rows);
			check_rows(tensor, rows, row);
			if (!at_prior(beliefs, t, c, rows, row))
				memcpy(EasqBeliefsTouch(beliefs, t, c)->row, row, sizeof(EasqBelief) * rows);
		}
	}
}
