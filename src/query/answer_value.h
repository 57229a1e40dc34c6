/*
 * What people answered, as a number where more is better:
 * 'satisfied' 1 / 'dissatisfied' 0 / 'uncertain', as text or enum; boolean; any number.
 */
#ifndef EASQ_ANSWER_VALUE_H
#define EASQ_ANSWER_VALUE_H

#include "postgres.h"

#include "fmgr.h"

#include "feature/problem.h"

typedef enum EasqAnswerForm
{
	EASQ_ANSWER_WORD,
	EASQ_ANSWER_BOOLEAN,
	EASQ_ANSWER_NUMBER
} EasqAnswerForm;

typedef struct EasqAnswerReader
{
	EasqAnswerForm form;
	Oid			type;			/* base type of the column */
	const char *column;			/* for messages */
	FmgrInfo	output;			/* words */
} EasqAnswerReader;

/* ERROR 42804 for a column of a type that holds no answers.  Look-ups go to context. */
extern void EasqAnswerReaderInit(EasqAnswerReader *reader, Oid type, const char *column, MemoryContext context);

/*
 * *answer becomes the number, NaN where the value is NULL or 'uncertain' (it makes no pair).
 * False on a problem (see EasqComplain): an unknown word, NaN or infinity.
 */
extern bool EasqReadAnswer(EasqAnswerReader *reader, Datum value, bool isnull,
						   double *answer, EasqProblem *problem);

#endif
