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
