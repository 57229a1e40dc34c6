/*
 * Forgetting a person, or one answer: rows of what is remembered, queued and
 * counted.  Under the model's lock.
 */
#ifndef EASQ_ANSWER_FORGET_H
#define EASQ_ANSWER_FORGET_H

#include "store/answer.h"

/*
 * Forgets the answers of a respondent (NULL: anybody's) that have a name (NULL: any, or none), remembered and queued.
 * Returns how many those were; model->adapter.counts is kept, and the caller stores the counters.
 */
extern int64 EasqForgetAnswers(EasqModel *model, const char *respondent, const uint8 *named);

/* How many pairs training left, to rehearse and to judge by: they have features and no respondent. */
extern void EasqPairsLeft(const EasqModel *model, int64 *rehearsed, int64 *held);

#endif
