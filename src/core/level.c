#include "core/level.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/adam.h"
#include "core/kernel.h"
#include "core/panel.h"

/* The compiler knows the levels of x86-64.  Elsewhere the plain loops take what the compiler's target has. */
#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__)
#define HAS_LEVELS
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

#define LEVEL(name) name##_plain
#define LEVEL_TARGET
#define LANES 4
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define GROUP 1
#include "core/level_loops.h"

#ifdef HAS_LEVELS
#define LEVEL(name) name##_v3
#define LEVEL_TARGET __attribute__((target("arch=x86-64-v3")))
#define LANES 8
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define GROUP 2
#include "core/level_loops.h"

#define LEVEL(name) name##_v4
#define LEVEL_TARGET __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 2
#define GROUP 4
#include "core/level_loops.h"
#endif

#define LOOPS(level) \
	product_##level, panel_##level, softplus_##level, softplus_backward_##level, mix_##level, mix_backward_##level, \
	add_rows_##level, squares_##level, all_finite_##level, adam_##level, adam_rows_##level

/*
 * Time by panels of that by OpenBLAS 0.3.21, whose kernels for AVX2 are as good as any and those for AVX-512 are not:
 *
 *   x86-64-v3  a learning step, 42 inputs, d = 128, m = 64, 4 + 2 experts, of 64 to 2,048 rows      0.90 .. 1.04
 *              products of 2 to 67 million multiplications in it                                     0.70 .. 1.08
 *              of 130 million and more (512 to 1,024 inputs and hidden units)                        1.13 .. 1.52
 *   x86-64-v4  the same step                                                                         0.53
 *
 * Scoring goes by panels that are packed once, everywhere: 512 rows of that model take 1.2 times what OpenBLAS
 * takes for the products alone, without softplus and gates.  Plain loops have nothing to set against OpenBLAS.
 */
static const EasqLevel levels[] = {
	{"plain", 0, LOOPS(plain)},
#ifdef HAS_LEVELS
	{"x86-64-v3", (size_t) 1 << 26, LOOPS(v3)},
	{"x86-64-v4", SIZE_MAX, LOOPS(v4)},
#endif
};

#ifdef EASQ_LEVEL_MOST
/* How many levels the build allows; all where it names none of them. */
static int
allowed(void)
{
	int			count = sizeof(levels) / sizeof(levels[0]);

	for (int i = 0; i < count; i++)
		if (strcmp(levels[i].name, EASQ_LEVEL_MOST) == 0)
			return i + 1;
	return count;
}
#endif

const EasqLevel *
EasqLevels(int *count)
{
	*count = 1;
#ifdef HAS_LEVELS
	if (__builtin_cpu_supports("x86-64-v3"))
		*count = 2;
	if (__builtin_cpu_supports("x86-64-v4"))
		*count = 3;
#endif
#ifdef EASQ_LEVEL_MOST
	if (*count > allowed())
		*count = allowed();
#endif
	return levels;
}

/* The last that the processor has, or the one that the environment names. */
static const EasqLevel *
choose(void)
{
	const char *wanted = getenv("EASQ_LEVEL");
	int			count;
	const EasqLevel *best = EasqLevels(&count);

	for (int i = 0; wanted != NULL && i < count; i++)
		if (strcmp(best[i].name, wanted) == 0)
			return &best[i];
	return &best[count - 1];
}

static const EasqLevel *in_use = NULL;

const EasqLevel *
EasqLevelInUse(void)
{
	if (in_use == NULL)
		in_use = choose();
	return in_use;
}

void
EasqUseLevel(const EasqLevel *level)
{
	in_use = level;
}
