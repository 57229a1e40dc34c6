/* Reads the golden cases: case.json as the reference writes it, and safetensors. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "core/step.h"

#define GOLDEN_ROWS 64
#define GOLDEN_SURVEY 3
#define GOLDEN_BEHAVIOUR 5
#define GOLDEN_STEPS 3
#define GOLDEN_METRICS 11
#define GOLDEN_CASES 10

typedef struct Golden
{
	EasqShape	shape;
	EasqLayout	layout;
	EasqHyper	hyper;
	float	   *rows;			/* [GOLDEN_ROWS, k] */
	float	   *batch;			/* [2 GOLDEN_SURVEY + 2 GOLDEN_BEHAVIOUR, k] */
	float		score[2][EASQ_PATHWAYS][GOLDEN_ROWS];	/* before, after the steps */
	double		step[GOLDEN_STEPS][GOLDEN_METRICS];
	float	   *before;			/* flat blocks */
	float	   *after;
} Golden;

extern const char *golden_folder;
extern const char *const golden_names[GOLDEN_CASES];
/* Of the numbers of a step. */
extern const char *const step_names[GOLDEN_METRICS];

/* A whole file of a case, with a 0 after its last byte. */
extern char *slurp(const char *folder, const char *name, const char *file);

extern void golden_read(Golden *golden, const char *folder, const char *name);
extern void golden_free(Golden *golden);

#endif
