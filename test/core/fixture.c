#include <stdio.h>
#include <stdlib.h>

#include "core/random.h"

#include "fixture.h"

_Noreturn void
die(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s\n", name, what);
	exit(2);
}

void *
allocate(size_t count, size_t size)
{
	void	   *memory = calloc(count > 0 ? count : 1, size);

	if (memory == NULL)
		die("out of memory", "core_test");
	return memory;
}

const char *
label(const char *format, const char *first, const char *second)
{
	static char text[160];

	snprintf(text, sizeof(text), format, first, second);
	return text;
}

void
fill_normal_floats(uint64_t seed, size_t n, float *x)
{
	EasqRandom	random = {seed};

	for (size_t i = 0; i < n; i++)
		x[i] = (float) EasqNormal(&random);
}

float *
test_weights(const EasqLayout *layout, uint64_t seed)
{
	float	   *w = allocate(layout->total, sizeof(float));
	EasqRandom	random = {seed};

	EasqInitWeights(layout, seed, w);
	for (size_t i = 0; i < layout->total; i++)
		w[i] += (float) (0.1 * EasqNormal(&random));
	return w;
}

void
init_layout(EasqLayout *layout, int k, int d, int m, int r, int main_experts, int satisfaction_experts)
{
	EasqShape	shape = {k, d, m, r, {main_experts, satisfaction_experts}};

	if (EasqLayoutInit(layout, &shape) != 0)
		die("bad shape", "core_test");
}
