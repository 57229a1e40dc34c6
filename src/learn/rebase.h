/*
 * What is stored beside a model's weights and was taken under others, taken anew.
 */
#ifndef EASQ_REBASE_H
#define EASQ_REBASE_H

#include "store/model.h"

/*
 * The model's stored samples under weights that training did not just leave
 * (restored or imported ones, the whole block): what rehearsal keeps and what held
 * pairs are compared with is taken anew, and alignment->vital.  Held pairs go where
 * these weights have not learned behaviour.  ERROR 22003 where they give a row a
 * logit that is not finite (probe.h); hint: what to do about it.
 */
extern void EasqRebase(const EasqModel *model, const EasqEncoding *encoding, const float *weights,
					   EasqAlignmentState *alignment, const char *hint);

#endif
