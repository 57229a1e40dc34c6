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
	char	   *detail[EASQ_SKIP_REASONS];	/* of the first, or NULL */
} EasqSkipped;

/* Texts are copied to the current context, detail clipped. */
extern void EasqSkippedInit(EasqSkipped *skipped);
extern void EasqSkip(EasqSkipped *skipped, const char *reason, const char *detail, int answers);
/* A row of easq.step for each reason. */
extern void EasqLogSkipped(const EasqSkipped *skipped, const char *model, const char *source, Oid author);

/* The same of answers that an error kept from being learned; doing: what failed, in words of ours. */
extern void EasqLogFailed(const char *model, const char *source, const char *doing, const ErrorData *error, Oid author, int answers);

#endif
