/*
 * Rows of easq.model, for weight_write.c and model_copy.c: everybody else writes models with their weights (weight.h).
 */
#ifndef EASQ_MODEL_WRITE_H
#define EASQ_MODEL_WRITE_H

#include "store/model.h"

extern void EasqModelWriteNew(const EasqModel *model);
/* The columns of the backbone, in the row that is there. */
extern void EasqModelWriteBackbone(const EasqModel *model);

/* Means or deviations as a float8[] column holds them. */
extern Datum EasqDoublesDatum(const double *values, int count);

#endif
