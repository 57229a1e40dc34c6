/* Example -> x, and the ways back to what an example holds. */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "core/kernel.h"
#include "feature/example.h"
#include "feature/wire.h"

/* A stored example may come from anywhere: nothing is read before its length is known to suffice. */
typedef struct Cursor
{
	const char *at;
	const char *end;
} Cursor;

static inline uint64
words_left(const Cursor *cursor)
{
	return (uint64) (cursor->end - cursor->at) / EASQ_WORD;
}

static bool
complain_corrupt(const EasqFeature *feature, int length, const char *what, EasqProblem *problem)
{
	return EasqComplain(problem, ERRCODE_DATA_CORRUPTED,
						psprintf("a stored example of %d bytes does not fit feature \"%s\": %s",
								 length, feature->name, what),
						pstrdup("Forget the remembered answers of this model and train it again."));
}

/* The row of its table that a member's word stands for; may be out of the table where the bytes are bad. */
static inline uint64
member_row(const EasqFeature *feature, uint64 word)
{
	return feature->hashed ? 1 + word % (uint64) (feature->size - 1) : word;
}

static inline bool
encode_numeric(const EasqFeature *feature, const EasqEncoding *encoding, uint64 word,
			   float *x, EasqProblem *problem)
{
	double		value = EasqWordToDouble(word);
	double		mean = encoding->mean[feature->numeric];
	double		deviation = encoding->deviation[feature->numeric];

	if (isnan(value))
	{
		*x = 0;
		return true;
	}
	*x = (float) ((value - mean) / (deviation != 0 ? deviation : 1));
	if (!isfinite(*x))
		return EasqComplain(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
							psprintf("feature \"%s\" is out of range: %g with mean %g and deviation %g",
									 feature->name, value, mean, deviation),
							pstrdup("Give a value nearer to those of training, or NULL where it is not known."));
	return true;
}

static bool
encode_categorical(const EasqFeature *feature, const EasqEncoding *encoding,
				   Cursor *cursor, uint64 members, float *x)
{
	const float *table = encoding->embedding[feature->table];
	size_t		dim = feature->dim;
	float		share;

	if (members == 0)
	{
		memcpy(x, table, dim * sizeof(float));
		return true;
	}
	if (members > words_left(cursor))
		return false;
	if (members == 1)
	{
		uint64		row = member_row(feature, EasqGetWord(cursor->at));

		cursor->at += EASQ_WORD;
		if (row >= (uint64) feature->size)
			return false;
		memcpy(x, table + row * dim, dim * sizeof(float));
		return true;
	}

	share = 1.0f / members;
	memset(x, 0, dim * sizeof(float));
	for (uint64 i = 0; i < members; i++)
	{
		uint64		row = member_row(feature, EasqGetWord(cursor->at));
		const float *embedding;

		CHECK_FOR_INTERRUPTS();
		cursor->at += EASQ_WORD;
		if (row >= (uint64) feature->size)
			return false;
		embedding = table + row * dim;
		for (size_t j = 0; j < dim; j++)
			x[j] += share * embedding[j];
	}
	return true;
}

static bool
encode_vector(const EasqFeature *feature, Cursor *cursor, uint64 members, float *x)
{
	int			dim = feature->dim;

	if (members == 0)
	{
		memset(x, 0, dim * sizeof(float));
		return true;
	}
	if (members != (uint64) dim ||
		words_left(cursor) < (uint64) EasqVectorBytes(dim) / EASQ_WORD)
		return false;
	memcpy(x, cursor->at, dim * sizeof(float));
	EasqSwapFloats((char *) x, dim);
	cursor->at += EasqVectorBytes(dim);
	for (int j = 0; j < dim; j++)
		if (!isfinite(x[j]))
			return false;
	return true;
}

bool
EasqEncode(const EasqSpec *spec, const EasqEncoding *encoding,
		   const char *example, int length, float *x, EasqProblem *problem)
{
	const EasqFeature *feature = spec->feature;
	Cursor		cursor = {example, example + Max(length, 0)};

	for (int i = 0; i < spec->count; i++)
	{
		uint64		word;
		bool		fits = true;

		feature = &spec->feature[i];
		if (words_left(&cursor) == 0)
			return complain_corrupt(feature, length, "too short", problem);
		word = EasqGetWord(cursor.at);
		cursor.at += EASQ_WORD;

		switch (feature->kind)
		{
			case EASQ_NUMERIC:
				if (!encode_numeric(feature, encoding, word, x + feature->offset, problem))
					return false;
				break;
			case EASQ_CATEGORICAL:
				fits = encode_categorical(feature, encoding, &cursor, word, x + feature->offset);
				break;
			case EASQ_VECTOR:
				fits = encode_vector(feature, &cursor, word, x + feature->offset);
				break;
		}
		if (!fits)
			return complain_corrupt(feature, length, "wrong number of members, or a member out of range", problem);
	}
	if (cursor.at != cursor.end)
		return complain_corrupt(feature, length, "more bytes than the last feature needs", problem);
	return true;
}

/* Moves past one feature of an example that is known to fit. */
static const char *
skip_feature(const EasqFeature *feature, const char *at)
{
	uint64		word = EasqGetWord(at);

	at += EASQ_WORD;
	if (feature->kind == EASQ_CATEGORICAL)
		at += word * EASQ_WORD;
	else if (feature->kind == EASQ_VECTOR && word != 0)
		at += EasqVectorBytes(feature->dim);
	return at;
}

#define CACHE_LINE 64

void
EasqPrefetch(const EasqSpec *spec, const EasqEncoding *encoding, const char *example)
{
	const char *at = example;

	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];

		/* sets of members are summed in one go, which the processor overlaps by itself */
		if (feature->kind == EASQ_CATEGORICAL && EasqGetWord(at) == 1)
		{
			size_t		bytes = feature->dim * sizeof(float);
			const char *row = (const char *) encoding->embedding[feature->table] +
				member_row(feature, EasqGetWord(at + EASQ_WORD)) * bytes;

			for (size_t byte = 0; byte < bytes; byte += CACHE_LINE)
				EASQ_PREFETCH(row + byte);
		}
		at = skip_feature(feature, at);
	}
}

static void
visit_members(const EasqFeature *feature, const char *at, EasqVisitRow visit, void *arg)
{
	uint64		members = EasqGetWord(at);

	if (members == 0)
		visit(feature->table, 0, 1.0f, feature->offset, arg);
	for (uint64 i = 0; i < members; i++)
	{
		at += EASQ_WORD;
		visit(feature->table, (int64) member_row(feature, EasqGetWord(at)),
			  1.0f / members, feature->offset, arg);
	}
}

void
EasqVisitEmbeddings(const EasqSpec *spec, const char *example, EasqVisitRow visit, void *arg)
{
	const char *at = example;

	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];

		if (feature->kind == EASQ_CATEGORICAL)
			visit_members(feature, at, visit, arg);
		at = skip_feature(feature, at);
	}
}

double
EasqExampleNumeric(const EasqSpec *spec, const char *example, int numeric)
{
	const EasqFeature *feature = spec->feature;
	const char *at = example;

	Assert(numeric >= 0 && numeric < spec->numerics);
	while (feature->numeric != numeric)
		at = skip_feature(feature++, at);
	return EasqWordToDouble(EasqGetWord(at));
}
