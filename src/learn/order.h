/*
 * In which order a statement's answers are learned, and which of them.
 */
#ifndef EASQ_ORDER_H
#define EASQ_ORDER_H

#include "learn/skipped.h"
#include "store/answer.h"

/* By asked_at; of one time, in an order drawn from committed state: the same answers, the same order, wherever their rows lie. */
extern void EasqSettleOrder(const EasqModel *model, EasqAnswer *answers, int count);

/* Of answers with one key the last in order counts; moves the others out of the array and returns how many are left. */
extern int	EasqKeepLastWords(EasqAnswer *answers, int count, EasqSkipped *skipped);

/* Marks answers beyond what option answers_per_hour lets their respondent teach: they are remembered only. */
extern void EasqPaceAnswers(const EasqModel *model, EasqAnswer *answers, int count, EasqSkipped *skipped);

#endif
