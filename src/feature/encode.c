/* Example -> x, and the ways back to what an example holds. */
#include "postgres.h"

#include "feature/kind.h"
#include "feature/wire.h"

static bool
complain_corrupt(const EasqFeature *feature, int length, const char *what, EasqProblem *problem)
{
	return EasqComplain(problem, ERRCODE_DATA_CORRUPTED,
						psprintf("a stored example does not fit feature \"%s\"", feature->name),
						psprintf("a stored example of %d bytes does not fit feature \"%s\": %s",
								 length, feature->name, what),
						pstrdup("Forget the remembered answers of this model and train it again."));
}

bool
EasqEncode(const EasqSpec *spec, const EasqEncoding *encoding,
		   const char *example, int length, float *x, EasqProblem *problem)
{
	const EasqFeature *feature = spec->feature;
	EasqCursor	cursor = {example, example + Max(length, 0)};

	for (int i = 0; i < spec->count; i++)
	{
		uint64		word;

		feature = &spec->feature[i];
		if (EasqWordsBetween(cursor.at, cursor.end) == 0)
			return complain_corrupt(feature, length, "too short", problem);
		word = EasqGetWord(cursor.at);
		cursor.at += EASQ_WORD;
		switch (EasqKinds[feature->kind]->encode(feature, encoding, &cursor, word, x + feature->offset, problem))
		{
			case EASQ_ENCODED:
				break;
			case EASQ_DOES_NOT_FIT:
				return complain_corrupt(feature, length, "wrong number of members, or a member out of range", problem);
			case EASQ_COMPLAINED:
				return false;
		}
	}
	if (cursor.at != cursor.end)
		return complain_corrupt(feature, length, "more bytes than the last feature needs", problem);
	return true;
}

void
EasqPrefetch(const EasqSpec *spec, const EasqEncoding *encoding, const char *example)
{
	const char *at = example;

	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];

		if (EasqKinds[feature->kind]->prefetch)
			EasqKinds[feature->kind]->prefetch(feature, encoding, at);
		at = EasqSkipFeature(feature, at);
	}
}

void
EasqExampleParts(const EasqSpec *spec, const char *example, const char **part)
{
	part[0] = example;
	for (int i = 0; i < spec->count; i++)
		part[i + 1] = EasqSkipFeature(&spec->feature[i], part[i]);
}

void
EasqVisitEmbeddings(const EasqSpec *spec, const char *example, EasqVisitRow visit, void *arg)
{
	const char *at = example;

	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];

		if (EasqKinds[feature->kind]->visit)
			EasqKinds[feature->kind]->visit(feature, at, visit, arg);
		at = EasqSkipFeature(feature, at);
	}
}

void
EasqVisitValues(const EasqSpec *spec, const EasqEncoding *encoding, const char *example,
				EasqVisitValue visit, void *arg)
{
	const char *at = example;

	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];

		if (EasqKinds[feature->kind]->values)
			EasqKinds[feature->kind]->values(feature, encoding, at, visit, arg);
		at = EasqSkipFeature(feature, at);
	}
}

double
EasqExampleNumeric(const EasqSpec *spec, const char *example, int numeric)
{
	const EasqFeature *feature = spec->feature;
	const char *at = example;

	Assert(numeric >= 0 && numeric < spec->numerics);
	while (feature->numeric != numeric)
		at = EasqSkipFeature(feature++, at);
	return EasqWordToDouble(EasqGetWord(at));
}
