/*
 * Answers that were not learned: how many for each reason, for easq.steps.
 */
#ifndef EASQ_SKIPPED_H
#define EASQ_SKIPPED_H

#include "postgres.h"

/* Reasons that are told apart in one statement; the rest are counted with the last. */
#define EASQ_SKIP_REASONS 16

typedef struct EasqSkipped
{
	MemoryContext context;		/* of the texts */
	int			reasons;
	int			count[EASQ_SKIP_REASONS];
	char	   *reason[EASQ_SKIP_REASONS];
} EasqSkipped;

/* Texts are copied to the current context. */
extern void EasqSkippedInit(EasqSkipped *skipped);
extern void EasqSkip(EasqSkipped *skipped, const char *reason, int answers);
/* One row of easq.step about answers that were not learned. */
extern void EasqLogUnlearned(const char *model, const char *source, const char *status, const char *reason, int answers);
/* A row of easq.step for each reason. */
extern void EasqLogSkipped(const EasqSkipped *skipped, const char *model, const char *source);

#endif
