/*
 * Weights that are finite may still give scores that are not: before such
 * weights are stored they score a few rows.
 */
#ifndef EASQ_PROBE_H
#define EASQ_PROBE_H

#include "learn/judge.h"

/*
 * ERROR 22003, with this hint, where a pathway gives one of some drawn inputs a
 * logit that is not finite: zeros, ones and their opposites, and with tables the
 * largest row of every embedding table among ones, and those of all factors together.
 */
extern void EasqProbeWeights(const EasqModel *model, const EasqEncoding *encoding, const float *weights,
							 bool tables, const char *hint);

/* The same of rows x [rows, inputs], under the judge's weights. */
extern void EasqProbeRows(EasqJudge *judge, const EasqModel *model, size_t rows, const float *x, const char *hint);

/* The same of pairs whose main logits EasqJudgeKept has just filled in. */
extern void EasqProbeKept(EasqJudge *judge, const EasqModel *model, const EasqRehearsed *pairs, int count, const char *hint);

#endif
