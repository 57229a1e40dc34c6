#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "feature/value.h"
#include "query/answer_value.h"

void
EasqAnswerReaderInit(EasqAnswerReader *reader, Oid type, const char *column, MemoryContext context)
{
	Oid			base = getBaseType(type);
	Oid			output;
	bool		is_varlena;

	reader->type = base;
	reader->column = column;
	switch (base)
	{
		case BOOLOID:
			reader->form = EASQ_ANSWER_BOOLEAN;
			return;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			reader->form = EASQ_ANSWER_NUMBER;
			return;
		default:
			break;
	}
	if (base != TEXTOID && base != VARCHAROID && base != BPCHAROID && !type_is_enum(base))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of type %s cannot be an answer", column, format_type_be(type)),
				 errhint("An answer is text or an enum of 'satisfied', 'dissatisfied' and 'uncertain', a boolean, or a number where more is better.")));
	reader->form = EASQ_ANSWER_WORD;
	getTypeOutputInfo(base, &output, &is_varlena);
	fmgr_info_cxt(output, &reader->output, context);
}

/* char(n) pads with blanks that its ::text does not have. */
static bool
word_is(const char *word, size_t length, const char *expected)
{
	return length == strlen(expected) && memcmp(word, expected, length) == 0;
}

static bool
read_word(EasqAnswerReader *reader, Datum value, double *answer, EasqProblem *problem)
{
	char	   *word = OutputFunctionCall(&reader->output, value);
	size_t		length = strlen(word);

	while (reader->type == BPCHAROID && length > 0 && word[length - 1] == ' ')
		length--;
	if (word_is(word, length, "satisfied"))
		*answer = 1;
	else if (word_is(word, length, "dissatisfied"))
		*answer = 0;
	else if (word_is(word, length, "uncertain"))
		*answer = NAN;
	else
		return EasqComplain(problem, ERRCODE_INVALID_PARAMETER_VALUE,
							psprintf("what column \"%s\" holds is not an answer", reader->column),
							psprintf("\"%.*s\" in column \"%s\" is not an answer",
									 pg_mbcliplen(word, (int) length, 64), word, reader->column),
							pstrdup("Answers in words are 'satisfied', 'dissatisfied' and 'uncertain'."));
	pfree(word);
	return true;
}

bool
EasqReadAnswer(EasqAnswerReader *reader, Datum value, bool isnull, double *answer, EasqProblem *problem)
{
	*answer = NAN;
	if (isnull)
		return true;
	switch (reader->form)
	{
		case EASQ_ANSWER_WORD:
			return read_word(reader, value, answer, problem);
		case EASQ_ANSWER_BOOLEAN:
			*answer = DatumGetBool(value) ? 1 : 0;
			return true;
		case EASQ_ANSWER_NUMBER:
			*answer = EasqValueNumber(reader->type, value);
			if (isfinite(*answer))
				return true;
			return EasqComplain(problem, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
								psprintf("what column \"%s\" holds is not an answer", reader->column),
								psprintf("%g in column \"%s\" is not an answer", *answer, reader->column),
								pstrdup("An answer must be a finite number; use NULL where there is none."));
	}
	return true;
}
