#include <stdlib.h>
#include <string.h>

#include "core/random.h"
#include "core/step.h"

#include "check.h"
#include "fixture.h"
#include "tests.h"

static void
test_layout(void)
{
	static const struct
	{
		EasqShape	shape;
		int			result;
	}			limit[] = {
		{{1, 1, 1, 0, {1, 1}}, 0},
		{{16384, 1, 1, 0, {1, 1}}, 0},
		{{16385, 1, 1, 0, {1, 1}}, -1},
		{{0, 1, 1, 0, {1, 1}}, -1},
		{{-1, 1, 1, 0, {1, 1}}, -1},
		{{1, 4096, 1, 256, {64, 64}}, 0},
		{{1, 4097, 1, 0, {1, 1}}, -1},
		{{1, 0, 1, 0, {1, 1}}, -1},
		{{1, 1, 4096, 0, {64, 64}}, 0},
		{{1, 1, 4097, 0, {1, 1}}, -1},
		{{1, 1, 0, 0, {1, 1}}, -1},
		{{1, 1, 1, 257, {1, 1}}, -1},
		{{1, 1, 1, -1, {1, 1}}, -1},
		{{1, 1, 1, 0, {65, 1}}, -1},
		{{1, 1, 1, 0, {1, 65}}, -1},
		{{1, 1, 1, 0, {0, 1}}, -1},
		{{1, 1, 1, 0, {1, 0}}, -1},
		{{1, 4096, 4096, 0, {64, 64}}, -1}, /* too many parameters */
		{{16384, 4096, 1, 0, {1, 1}}, -1},
		{{2147483647, 2147483647, 2147483647, 2147483647, {2147483647, 2147483647}}, -1},
	};
	EasqLayout	layout;
	size_t		offset = 0;
	float	   *w;
	float	   *again;
	float		table[2][4 * 3];
	bool		zero = true;

	for (size_t i = 0; i < sizeof(limit) / sizeof(limit[0]); i++)
		check(EasqLayoutInit(&layout, &limit[i].shape) == limit[i].result, "limits of a shape");

	init_layout(&layout, 7, 5, 3, 2, 4, 1);
	for (int i = 0; i < EASQ_TENSORS; i++)
	{
		const EasqTensor *tensor = &layout.tensor[i];
		size_t		count = 1;

		for (int j = 0; j < tensor->ndim; j++)
			count *= (size_t) tensor->dim[j];
		check(tensor->offset == offset && tensor->count == count, "tensors follow each other");
		offset += count;
	}
	check(layout.total == offset, "total");
	check(layout.backbone == 7 * 5 + 5, "the adapter starts behind the backbone");
	check(strcmp(layout.tensor[EASQ_SATISFACTION_OUT_BIAS].name, "satisfaction.out.bias") == 0 &&
		  strcmp(layout.tensor[EASQ_LORA_B].name, "lora_B.weight") == 0, "names");

	w = allocate(layout.total, sizeof(float));
	again = allocate(layout.total, sizeof(float));
	EasqInitWeights(&layout, 9, w);
	EasqInitWeights(&layout, 9, again);
	check(memcmp(w, again, layout.total * sizeof(float)) == 0, "a seed gives the same bits");
	EasqInitWeights(&layout, 10, again);
	check(memcmp(w, again, layout.total * sizeof(float)) != 0, "another seed, other weights");
	for (size_t i = 0; i < layout.tensor[EASQ_LORA_B].count; i++)
		zero = zero && w[layout.tensor[EASQ_LORA_B].offset + i] == 0.0f;
	check(zero, "B starts at 0");
	free(w);
	free(again);

	EasqInitEmbedding(9, 0, 4, 3, table[0]);
	EasqInitEmbedding(9, 1, 4, 3, table[1]);
	check(table[0][0] == 0.0f && table[0][1] == 0.0f && table[0][2] == 0.0f, "row 0 of an embedding is 0");
	check(table[0][3] != 0.0f && table[0][3] != table[1][3], "tables differ");
	EasqInitEmbedding(9, 0, 2, 3, table[1]);
	check(memcmp(table[0], table[1], 2 * 3 * sizeof(float)) == 0, "a longer table starts alike");

	init_layout(&layout, 1, 3, 2, 0, 1, 1);
	check(layout.tensor[EASQ_LORA_A].count == 0 && layout.tensor[EASQ_LORA_B].count == 0, "rank 0 has no LoRA");
	end_group("layout and starting weights");
}

/* Every gate of a new model opens for some row, whatever the seed. */
static void
test_start_alive(void)
{
	EasqLayout	layout;
	float		x[32 * 10];
	float	   *w;
	float	   *work;

	for (int wide = 0; wide < 2; wide++)
	{
		init_layout(&layout, 10, wide ? 128 : 2, 4, 2, 4, 1);
		w = allocate(layout.total, sizeof(float));
		work = allocate(EasqGradientWork(&layout.shape, 32), sizeof(float));
		for (uint64_t seed = 0; seed < 20; seed++)
		{
			EasqInitWeights(&layout, seed, w);
			fill_normal_floats(seed + 77, 32 * 10, x);
			for (int p = 0; p < EASQ_PATHWAYS; p++)
				check(EasqGatesAlive(&layout, w, 8.0, p, 32, x, work), "a new model's gates are open");
		}
		free(w);
		free(work);
	}
	end_group("a new model is alive");
}

void
test_shape(void)
{
	test_layout();
	test_start_alive();
}
