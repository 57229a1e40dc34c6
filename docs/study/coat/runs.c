#include "runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "learner.h"

const double answer_share[SHARES] = {1.0, 0.3, 0.1, 0.03};

#define RATE_PRIOR 0.5			/* what a coat without answers is taken for; the same for all, so without effect */

/* What the methods of one seed share. */
typedef struct Seed
{
	const CoatData *data;
	const Plan *plan;
	CoatSplit	split;
	Stream		stream;
	unsigned char mask[ROWS];	/* rows to be scored */
	Model	   *model;			/* [methods] by the first method with these experts */
	bool	   *trained;
	Measures   *measures;		/* [per_seed] */
	double		main[ROWS];
	double		satisfaction[ROWS];
	double		score[ROWS];
} Seed;

static size_t
place(int method, int setting, int share, int knob)
{
	return (((size_t) method * SETTINGS + setting) * SHARES + share) * KNOBS_MAX + knob;
}

Measures *
RunMeasures(const Runs *runs, int seed, int method, int setting, int share, int knob)
{
	return &runs->measures[seed * runs->per_seed + place(method, setting, share, knob)];
}

static bool
same_experts(const Method *a, const Method *b)
{
	return memcmp(a->experts, b->experts, sizeof(a->experts)) == 0;
}

/* The behaviour-only model with the method's experts: trained once a seed. */
static const Model *
model_for(Seed *seed, int method, uint64_t number)
{
	const Method *methods = seed->plan->method;
	EasqShape	shape;
	int			first = 0;

	while (!same_experts(&methods[first], &methods[method]))
		first++;
	if (!seed->trained[first])
	{
		shape = ModelShape(4, methods[method].experts[EASQ_MAIN], methods[method].experts[EASQ_SATISFACTION]);
		ModelTrain(&seed->model[first], &shape, seed->data, &seed->split, number);
		seed->trained[first] = true;
	}
	return &seed->model[first];
}

/* Log odds of a coat's satisfied answers among the first of the stream, smoothed by so many made-up ones. */
static void
coat_rates(const CoatSplit *split, int answers, double smoothing, double *rate)
{
	double		satisfied[COATS] = {0.0};
	double		all[COATS] = {0.0};
	double		sum = 0.0;
	double		mean;

	for (int i = 0; i < answers; i++)
	{
		int			coat = split->answer[i].row % COATS;

		satisfied[coat] += split->answer[i].satisfied;
		all[coat] += 1.0;
		sum += split->answer[i].satisfied;
	}
	mean = answers > 0 ? (sum + RATE_PRIOR) / (answers + 1.0) : RATE_PRIOR;
	for (int coat = 0; coat < COATS; coat++)
	{
		double		p = (satisfied[coat] + smoothing * mean) / (all[coat] + smoothing);

		rate[coat] = log(p / (1.0 - p));
	}
}

/* Measures what a learner has come to after so many answers. */
static void
measure_learner(Seed *seed, const Learner *learner, const Model *model, int method, int setting, int share,
				int answers, int first_knob, int last_knob)
{
	const Method *m = &seed->plan->method[method];
	double		rate[COATS];

	ModelLogits(LearnerLayout(learner), LearnerWeights(learner), model->x, EASQ_MAIN, seed->mask, 1 << 1, seed->main);
	if (m->ranks == RANKS_SUM)
		ModelLogits(LearnerLayout(learner), LearnerWeights(learner), model->x, EASQ_SATISFACTION,
					seed->mask, 1 << 1, seed->satisfaction);
	if (m->ranks == RANKS_RATE)
		coat_rates(&seed->split, answers, setting_list[setting].smoothing, rate);
	for (int knob = first_knob; knob < last_knob; knob++)
	{
		for (int row = 0; row < ROWS; row++)
			seed->score[row] = seed->main[row] +
				(m->ranks == RANKS_SUM ? m->knob[knob] * seed->satisfaction[row] :
				 m->ranks == RANKS_RATE ? m->knob[knob] * rate[row % COATS] : 0.0);
		Measure(seed->data, &seed->split, seed->plan->test, seed->score,
				seed->measures[place(method, setting, share, knob)]);
	}
}

static void
run_learner(Seed *seed, const Model *model, int method, int setting, int first_knob, int last_knob)
{
	const Method *m = &seed->plan->method[method];
	Learner    *learner = LearnerCreate(m, model, &setting_list[setting], m->knob[first_knob]);
	int			done = 0;

	for (int share = SHARES - 1; share >= 0; share--)
	{
		int			answers = (int) (answer_share[share] * seed->stream.steps + 0.5);

		for (; done < answers; done++)
			LearnerStep(learner, &seed->stream, done);
		measure_learner(seed, learner, model, method, setting, share, answers, first_knob, last_knob);
	}
	LearnerFree(learner);
}

static void
run_method(Seed *seed, uint64_t number, int method, int setting)
{
	const Method *m = &seed->plan->method[method];
	const Model *model = model_for(seed, method, number);

	if (!MethodLearnsByKnob(m))
		run_learner(seed, model, method, setting, 0, m->knobs);
	else
		for (int knob = 0; knob < m->knobs; knob++)
			run_learner(seed, model, method, setting, knob, knob + 1);
}

static void
seed_file(const Plan *plan, int number, char *path, size_t size)
{
	snprintf(path, size, "%s/%s-%d", plan->folder, plan->name, number);
}

static void
fill_nan(Measures *measures, size_t count)
{
	float	   *value = &measures[0][0][0];

	for (size_t i = 0; i < count * METRICS * SHOPPERS; i++)
		value[i] = NAN;
}

static void
run_seed(const Plan *plan, const CoatData *data, size_t per_seed, int number)
{
	Seed	   *seed = calloc(1, sizeof(Seed));
	time_t		start = time(NULL);
	char		path[4096];
	char		partial[4200];
	FILE	   *file;

	seed->data = data;
	seed->plan = plan;
	seed->model = calloc((size_t) plan->methods, sizeof(Model));
	seed->trained = calloc((size_t) plan->methods, sizeof(bool));
	seed->measures = malloc(per_seed * sizeof(Measures));
	fill_nan(seed->measures, per_seed);
	CoatDivide(data, (uint64_t) number, &seed->split);
	StreamDraw(data, &seed->split, (uint64_t) number, &seed->stream);
	MeasuredRows(data, &seed->split, plan->test, seed->mask);

	for (int method = 0; method < plan->methods; method++)
		for (int setting = 0; setting < SETTINGS; setting++)
			if (plan->wanted == NULL || plan->wanted(plan, method, setting))
				run_method(seed, (uint64_t) number, method, setting);

	seed_file(plan, number, path, sizeof(path));
	snprintf(partial, sizeof(partial), "%s.partial", path);
	file = fopen(partial, "wb");
	if (file == NULL || fwrite(seed->measures, sizeof(Measures), per_seed, file) != per_seed ||
		fclose(file) != 0 || rename(partial, path) != 0)
	{
		perror(path);
		_exit(1);
	}
	fprintf(stderr, "seed %d: %d answers (%d uncertain ones left out), behaviour in %d epochs, %ld s\n",
			number, seed->split.answers, seed->split.uncertain,
			seed->trained[0] ? seed->model[0].epochs : 0, (long) (time(NULL) - start));
}

/* Each process takes every so many-th seed that has no file yet. */
static void
run_seeds(const Plan *plan, const CoatData *data, size_t per_seed)
{
	bool		failed = false;
	int			status;

	for (int process = 0; process < plan->processes; process++)
	{
		if (fork() != 0)
			continue;
		for (int number = 1 + process; number <= plan->seeds; number += plan->processes)
		{
			char		path[4096];

			seed_file(plan, number, path, sizeof(path));
			if (access(path, R_OK) != 0)
				run_seed(plan, data, per_seed, number);
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		failed |= status != 0;
	if (failed)
	{
		fprintf(stderr, "a process failed\n");
		exit(1);
	}
}

void
RunPlan(const Plan *plan, const CoatData *data, Runs *runs)
{
	runs->plan = plan;
	runs->per_seed = (size_t) plan->methods * SETTINGS * SHARES * KNOBS_MAX;
	runs->measures = malloc((size_t) plan->seeds * runs->per_seed * sizeof(Measures));
	run_seeds(plan, data, runs->per_seed);
	for (int number = 1; number <= plan->seeds; number++)
	{
		char		path[4096];
		FILE	   *file;

		seed_file(plan, number, path, sizeof(path));
		file = fopen(path, "rb");
		if (file == NULL ||
			fread(runs->measures + (size_t) (number - 1) * runs->per_seed, sizeof(Measures), runs->per_seed, file) !=
			runs->per_seed)
		{
			fprintf(stderr, "cannot read %s\n", path);
			exit(1);
		}
		fclose(file);
	}
}

void
RunsFree(Runs *runs)
{
	free(runs->measures);
}
