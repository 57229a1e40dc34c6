/* Reading a row's values into a packed example. */
#include "postgres.h"

#include "feature/kind.h"
#include "feature/wire.h"

bool
EasqReadExample(EasqReader *reader, const Datum *values, const bool *nulls,
				StringInfo out, EasqProblem *problem)
{
	int			start = out->len;

	for (int i = 0; i < reader->spec->count; i++)
	{
		const EasqFeature *feature = &reader->spec->feature[i];
		const EasqKindEntry *kind = EasqKinds[feature->kind];
		const EasqColumn *column = &reader->column[i];
		int			attribute = column->attribute - 1;

		if (nulls[attribute])
			EasqAppendWord(out, kind->null_word());
		else if (!kind->read(feature, column, values[attribute], out, problem))
		{
			out->len = start;
			out->data[start] = '\0';
			return false;
		}
	}
	return true;
}

char *
EasqHideValue(const EasqSpec *spec, const char *example, int length, int hidden, int *new_length)
{
	const char *at = example;
	const char *rest;
	Size		before;
	char	   *copy = palloc(length + EASQ_WORD);

	for (int i = 0; i < hidden; i++)
		at = EasqSkipFeature(&spec->feature[i], at);
	before = at - example;
	rest = EasqSkipFeature(&spec->feature[hidden], at);
	memcpy(copy, example, before);
	EasqPutWord(copy + before, EasqKinds[spec->feature[hidden].kind]->null_word());
	memcpy(copy + before + EASQ_WORD, rest, example + length - rest);
	*new_length = (int) (before + EASQ_WORD + (example + length - rest));
	return copy;
}
