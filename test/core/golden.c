#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "golden.h"

const char *golden_folder = "test/golden";

const char *const golden_names[GOLDEN_CASES] = {
	"plain", "logit", "distil", "distil_logit", "anchor",
	"smallest", "no_lora", "one_expert", "wide", "clipped"
};

const char *const step_names[GOLDEN_METRICS] = {
	"loss", "loss_main", "loss_satisfaction", "loss_alignment",
	"rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies",
	"grad_norm", "grad_norm/main", "grad_norm/satisfaction"
};

char *
slurp(const char *folder, const char *name, const char *file)
{
	char		path[1024];
	FILE	   *f;
	long		size;
	char	   *text;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file);
	f = fopen(path, "rb");
	if (f == NULL)
		die("cannot open", path);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	text = allocate((size_t) size + 1, 1);
	if (fread(text, 1, (size_t) size, f) != (size_t) size)
		die("cannot read", path);
	fclose(f);
	return text;
}

/* Behind "key": at or after from. */
static const char *
find(const char *from, const char *key)
{
	char		quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\": ", key);
	at = strstr(from, quoted);
	if (at == NULL)
		die("missing in a case", key);
	return at + strlen(quoted);
}

/* Behind the next number, whatever brackets and commas are before it. */
static const char *
number(const char *at, double *value)
{
	char	   *end;

	at += strspn(at, "[], \n");
	*value = strtod(at, &end);
	if (end == at)
		die("no number", at);
	return end;
}

static void
floats(const char *at, size_t n, float *x)
{
	for (size_t i = 0; i < n; i++)
	{
		double		value;

		at = number(at, &value);
		x[i] = (float) value;
	}
}

static double
scalar(const char *from, const char *key)
{
	double		value;

	number(find(from, key), &value);
	return value;
}

static float *
tensors(const EasqLayout *layout, const char *folder, const char *name, const char *file)
{
	char	   *raw = slurp(folder, name, file);
	float	   *weights = allocate(layout->total, sizeof(float));
	uint64_t	length;

	memcpy(&length, raw, 8);
	for (int i = 0; i < EASQ_TENSORS; i++)
	{
		const EasqTensor *tensor = &layout->tensor[i];
		char		key[80];
		char	   *at;
		unsigned long from;
		unsigned long to;

		if (tensor->count == 0)
			continue;
		snprintf(key, sizeof(key), "\"%s\":{", tensor->name);
		at = strstr(raw + 8, key);
		at = at != NULL ? strstr(at, "\"data_offsets\":[") : NULL;
		if (at == NULL || sscanf(at + 16, "%lu,%lu", &from, &to) != 2)
			die("missing tensor", tensor->name);
		if (to - from != tensor->count * sizeof(float))
			die("tensor of another size", tensor->name);
		memcpy(weights + tensor->offset, raw + 8 + length + from, to - from);
	}
	free(raw);
	return weights;
}

void
golden_read(Golden *golden, const char *folder, const char *name)
{
	char	   *text = slurp(folder, name, "case.json");
	EasqShape  *shape = &golden->shape;
	EasqHyper  *hyper = &golden->hyper;
	const char *at = find(text, "shape");
	size_t		k;
	double		experts;

	shape->k = (int) scalar(at, "k");
	shape->d = (int) scalar(at, "d");
	shape->m = (int) scalar(at, "m");
	shape->r = (int) scalar(at, "r");
	at = find(at, "experts");
	for (int p = 0; p < EASQ_PATHWAYS; p++)
	{
		at = number(at, &experts);
		shape->experts[p] = (int) experts;
	}
	if (EasqLayoutInit(&golden->layout, shape) != 0)
		die("bad shape", name);

	at = find(text, "hyper");
	hyper->alpha = scalar(at, "alpha");
	hyper->beta = scalar(at, "beta");
	hyper->lambda1 = scalar(at, "lambda1");
	hyper->lambda2 = scalar(at, "lambda2");
	hyper->anchor = scalar(at, "anchor");
	hyper->learning_rate = scalar(at, "learning_rate");
	hyper->max_grad_norm = scalar(at, "max_grad_norm");
	hyper->alignment = strncmp(find(at, "alignment"), "\"distil\"", 8) == 0 ? EASQ_DISTIL : EASQ_DPO;
	hyper->pairwise = strncmp(find(at, "pairwise"), "\"logit\"", 7) == 0 ? EASQ_ON_LOGIT : EASQ_ON_SCORE;

	k = (size_t) shape->k;
	golden->rows = allocate(GOLDEN_ROWS * k, sizeof(float));
	golden->batch = allocate(2 * (GOLDEN_SURVEY + GOLDEN_BEHAVIOUR) * k, sizeof(float));
	floats(find(text, "rows"), GOLDEN_ROWS * k, golden->rows);
	floats(find(text, "survey"), 2 * GOLDEN_SURVEY * k, golden->batch);
	floats(find(text, "behaviour"), 2 * GOLDEN_BEHAVIOUR * k, golden->batch + 2 * GOLDEN_SURVEY * k);
	floats(find(text, "score"), GOLDEN_ROWS, golden->score[0][EASQ_MAIN]);
	floats(find(text, "satisfaction"), GOLDEN_ROWS, golden->score[0][EASQ_SATISFACTION]);
	floats(find(text, "score_after"), GOLDEN_ROWS, golden->score[1][EASQ_MAIN]);
	floats(find(text, "satisfaction_after"), GOLDEN_ROWS, golden->score[1][EASQ_SATISFACTION]);
	at = find(text, "steps");
	for (int s = 0; s < GOLDEN_STEPS; s++)
	{
		for (int i = 0; i < GOLDEN_METRICS; i++)
			golden->step[s][i] = scalar(at, step_names[i]);
		at = strchr(at, '}') + 1;
	}
	golden->before = tensors(&golden->layout, folder, name, "before.safetensors");
	golden->after = tensors(&golden->layout, folder, name, "after.safetensors");
	free(text);
}

void
golden_free(Golden *golden)
{
	free(golden->rows);
	free(golden->batch);
	free(golden->before);
	free(golden->after);
}
