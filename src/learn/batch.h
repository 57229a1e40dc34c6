/*
 * From pairs to the rows of a step.
 */
#ifndef EASQ_BATCH_H
#define EASQ_BATCH_H

#include "learn/learner.h"
#include "learn/partners.h"
#include "store/pair_rehearsed.h"

/*
 * Rows in the order that EasqBatch wants, pairs that do not fit the model any
 * more left out: fresh pairs of answers (tested), replayed ones behind them, and
 * rehearsed behaviour, with its margins where the model keeps them.
 */
extern EasqBatch EasqBuildBatch(const EasqLearner *learner, const EasqAnswerPair *pairs, int fresh, int replayed,
								const EasqRehearsed *behaviours, int behaviour);

#endif
