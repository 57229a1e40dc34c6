/*
 * A model as a safetensors file: which tensors and metadata it has, and what
 * is refused.  Errors are 22023 (not this model's file), 22003 (a number that
 * is not finite) and 0A000 (a newer format), each with a hint.
 */
#ifndef EASQ_MODEL_FILE_H
#define EASQ_MODEL_FILE_H

#include "store/belief.h"
#include "store/cache_version.h"
#include "transfer/safetensors.h"

/* The whole file, in the current context. */
extern bytea *EasqModelToFile(const EasqVersion *version);

/* ERROR where another version of easq wrote the file; files of other programs name another format, or none. */
extern void EasqModelFileCheck(const EasqFile *file);

/* What the file says of the model that it makes; NULL where it does not. */
extern Jsonb *EasqModelFileFeatures(const EasqFile *file);
/* The same for options; without factors and beliefs where the file has none and does not speak of them. */
extern Jsonb *EasqModelFileOptions(const EasqFile *file);

/* ERROR where the file has features, and others than the model. */
extern void EasqModelFileCheckFeatures(const EasqFile *file, const EasqModel *model);

/* Into the model what belongs to the weights: alpha, means, deviations, whether it was trained. */
extern void EasqModelFileStatistics(const EasqFile *file, EasqModel *model);

/* The block of weights, the tables and the beliefs (NULL: the model has none), in the current context. */
extern void EasqModelFileWeights(EasqFile *file, EasqModel *model, float **weights, float ***table, EasqBeliefs **beliefs);

/* How beliefs see the pathways, and the knob, where the file says so. */
extern void EasqModelFileViews(const EasqFile *file, EasqAlignmentState *state);

#endif
