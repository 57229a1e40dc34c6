/*
 * How many answers of a respondent were learned in an hour (easq.answer_rate),
 * where easq_learn has a limit.  Under the model's lock.
 */
#ifndef EASQ_ANSWER_RATE_H
#define EASQ_ANSWER_RATE_H

#include "store/model.h"

/* Takes one of the respondent's turns of the hour that holds this time; false: there are limit already. */
extern bool EasqTakeTurn(const EasqModel *model, const char *respondent, TimestampTz at, int limit);

/* Forgets how many answers of a respondent were learned. */
extern void EasqForgetTurns(const EasqModel *model, const char *respondent);

#endif
