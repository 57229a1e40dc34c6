/*
 * Beliefs in a safetensors file: tensors belief.<feature> [size, 2] and belief. [3 + numbers, 2] of mean and variance,
 * where anything is believed at all.
 */
#ifndef EASQ_BELIEF_FILE_H
#define EASQ_BELIEF_FILE_H

#include "feature/belief.h"
#include "transfer/safetensors.h"

/* The two passes of a writer.  beliefs NULL, or nothing believed: nothing is written. */
extern void EasqBeliefsFileHeader(EasqFileWriter *writer, const EasqBeliefs *beliefs);
extern void EasqBeliefsFileData(EasqFileWriter *writer, const EasqBeliefs *beliefs);

extern bool EasqFileHasBeliefs(const EasqFile *file);

/* Fills beliefs that hold nothing yet from a file that has some.  ERROR 22023 where a tensor is missing or has another shape, 22003 where it holds what is no mean and variance. */
extern void EasqBeliefsFromFile(EasqBeliefs *beliefs, EasqFile *file);

#endif
