/* What tests of several subjects make. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "core/shape.h"

/* The test itself cannot go on. */
_Noreturn extern void die(const char *what, const char *name);

/* Zeros. */
extern void *allocate(size_t count, size_t size);

/* The name of a check; valid until the next call. */
extern const char *label(const char *format, const char *first, const char *second);

extern void fill_normal_floats(uint64_t seed, size_t n, float *x);

extern void init_layout(EasqLayout *layout, int k, int d, int m, int r, int main_experts, int satisfaction_experts);

/* Weights with every tensor away from 0, B too; the first gates open. */
extern float *test_weights(const EasqLayout *layout, uint64_t seed);

#endif
