/*
 * One statement on a questionnaire and one model: collect as the author,
 * lock, learn, write; whatever fails is undone and recorded, and the rows stay.
 */
#ifndef EASQ_LEARN_STATEMENT_H
#define EASQ_LEARN_STATEMENT_H

#include "postgres.h"

#include "learn/collect.h"
#include "store/questionnaire.h"

/*
 * source: "insert", "update".
 * Errors become a row of easq.step, except those that EasqAttempt throws on, and all under option strict.
 */
extern void EasqLearnStatement(const EasqQuestionnaire *questionnaire, const EasqWrittenRows *written, const char *source);

/* The author must still own the table, and who owns it must be able to act as the author; ERROR 42501. */
extern void EasqCheckAuthor(const EasqQuestionnaire *questionnaire);

#endif
