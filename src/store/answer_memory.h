/*
 * All remembered answers of a model in memory, for a step that draws so many
 * of them that reading all is less work than looking each up.  Draws find the
 * same answers either way.
 */
#ifndef EASQ_ANSWER_MEMORY_H
#define EASQ_ANSWER_MEMORY_H

#include "store/answer.h"

/*
 * Sets model->memory where it is worth while for so many draws, else to
 * NULL.  In the current context, until the model's answers change: those who
 * change them, or reset the context, set it to NULL.
 */
extern void EasqAnswersToMemory(EasqModel *model, int draws);

/*
 * The first answer of a value (NaN: of any) in the order of ordinals, from one
 * on, or else its latest; false: none.  What it points to is shared.
 */
extern bool EasqAnswerMemoryFind(const EasqAnswerMemory *memory, double value, int64 from, EasqAnswer *found);

/* The newest answer of a respondent, and the next older one of the same; NULL: there is none. */
extern const EasqAnswer *EasqAnswerMemoryNewest(const EasqAnswerMemory *memory, const char *respondent);
extern const EasqAnswer *EasqAnswerMemoryOlder(const EasqAnswerMemory *memory, const EasqAnswer *answer);

#endif
