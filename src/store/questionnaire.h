/*
 * Which tables teach which models (easq.questionnaire).  Only easq_learn
 * writes it: a trigger believes this table, never its own arguments.
 */
#ifndef EASQ_QUESTIONNAIRE_H
#define EASQ_QUESTIONNAIRE_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "store/row.h"

typedef struct EasqQuestionnaire
{
	char	   *model;
	char	   *adapter;		/* of the model, that it teaches; NULL: the model's own */
	Oid			relation;
	Oid			author;			/* whose rights the features query has */
	char	   *answer;
	char	   *respondent;
	char	   *features;		/* query over new_rows, or NULL: the row itself */
	Jsonb	   *settings;		/* of easq_learn's caller then: an object of texts */
	Jsonb	   *options;
} EasqQuestionnaire;

/* Those of a table, by model name; palloc'd.  Reads what is committed now and what this transaction did. */
extern int	EasqQuestionnairesOf(Oid relation, EasqQuestionnaire **found);

/* Of a table that one model learns from: which version of its row the active snapshot shows.  False: none does, or several do. */
extern bool EasqQuestionnaireStamp(Oid relation, EasqStamp *stamp);

/* Those of a model. */
extern int	EasqQuestionnairesOfModel(const char *model, EasqQuestionnaire **found);

/* Adds one, or replaces that of the same model and table. */
extern void EasqQuestionnaireWrite(const EasqQuestionnaire *questionnaire);

/* False where there was none. */
extern bool EasqQuestionnaireDelete(const char *model, Oid relation);

#endif
