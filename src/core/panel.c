#include "core/panel.h"

#include "core/pathway.h"
#include "core/simd.h"

int
EasqPanelColumns(int cols)
{
	return (cols + EASQ_PANEL - 1) / EASQ_PANEL * EASQ_PANEL;
}

size_t
EasqPanelFloats(int cols, int inner)
{
	return (size_t) EasqPanelColumns(cols) * (size_t) inner;
}

void
EasqPanelPack(int cols, int inner, const float *weight, int first, float *packed)
{
	for (int col = 0; col < cols; col++, weight += inner)
	{
		float	   *to = packed + (size_t) ((first + col) / EASQ_PANEL) * EASQ_PANEL * (size_t) inner +
			(first + col) % EASQ_PANEL;

		for (int l = 0; l < inner; l++)
			to[(size_t) l * EASQ_PANEL] = weight[l];
	}
}

#define LEVEL(name) name##_plain
#define LEVEL_TARGET
#define LANES 4
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define GROUP 1
#include "core/level.h"

#ifdef EASQ_HAS_LEVELS
#define LEVEL(name) name##_v3
#define LEVEL_TARGET __attribute__((target("arch=x86-64-v3")))
#define LANES 8
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define GROUP 2
#include "core/level.h"

#define LEVEL(name) name##_v4
#define LEVEL_TARGET __attribute__((target("arch=x86-64-v4,prefer-vector-width=512")))
#define LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 2
#define GROUP 4
#include "core/level.h"
#endif

static const EasqLevel levels[] = {
	{"plain", false, product_plain, panel_plain, softplus_plain, softplus_backward_plain, mix_plain, mix_backward_plain},
#ifdef EASQ_HAS_LEVELS
	{"x86-64-v3", false, product_v3, panel_v3, softplus_v3, softplus_backward_v3, mix_v3, mix_backward_v3},
	{"x86-64-v4", true, product_v4, panel_v4, softplus_v4, softplus_backward_v4, mix_v4, mix_backward_v4},
#endif
};

const EasqLevel *
EasqLevels(int *count)
{
	*count = 1;
#ifdef EASQ_HAS_LEVELS
	if (__builtin_cpu_supports("x86-64-v3"))
		*count = 2;
	if (__builtin_cpu_supports("x86-64-v4"))
		*count = 3;
#endif
	return levels;
}

const EasqLevel *
EasqBestLevel(void)
{
	static const EasqLevel *best = NULL;

	if (best == NULL)
	{
		int			count;

		best = EasqLevels(&count);
		best += count - 1;
	}
	return best;
}
