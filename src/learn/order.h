/*
 * In which order a statement's answers are learned, and which of them.
 */
#ifndef EASQ_ORDER_H
#define EASQ_ORDER_H

#include "learn/changes.h"
#include "learn/learner.h"

/*
 * By asked_at; of one time, queued ones as their statements came; of one statement, in an order drawn from committed
 * state: the same answers, the same order, wherever their rows lie.  In memory as far as it is given any, then in temporary files.
 */
typedef struct EasqOrder
{
	EasqSort	sort;
	uint64		seed;
	StringInfoData packed;
	int64		count;
} EasqOrder;

extern void EasqOrderBegin(EasqOrder *order, const EasqModel *model, int kilobytes);
extern void EasqOrderEnd(EasqOrder *order);

/* Why a queued answer is left out that was changed or taken back before anybody learned it. */
#define EASQ_WITHDRAWN "changed or withdrawn while it was queued"

/* What becomes of changes on their way into an order. */
typedef struct EasqSettling
{
	EasqSkipped *skipped;		/* answers that are left out, and why; NULL: none is */
	bool		strict;			/* one that cannot be encoded is an ERROR */
	bool		queued;			/* they come from the queue: who was there before may be among them */
} EasqSettling;

/*
 * Consumes changes: forgets what is to be forgotten, and puts in order what is to be learned, but for answers that
 * cannot be encoded and, of those with one key, all but the last.
 */
extern void EasqOrderFill(EasqOrder *order, EasqLearner *learner, EasqChanges *changes, const EasqSettling *settling);

/* The next answers in order, at most so many, in the current context.  Returns how many; 0: that was all. */
extern int	EasqOrderNext(EasqOrder *order, EasqAnswer *answers, int count);

/* Marks answers beyond what option answers_per_hour lets their respondent teach: they are remembered only. */
extern void EasqPaceAnswers(const EasqModel *model, EasqAnswer *answers, int count, EasqSkipped *skipped);

#endif
