/*
 * Remembered answers (easq.answer), a ring of the latest replay_answers of a
 * model.  All calls are made under the model's lock and read under the active snapshot.
 */
#ifndef EASQ_ANSWER_H
#define EASQ_ANSWER_H

#include "store/model.h"

#define EASQ_KEY_BYTES 16
#define EASQ_ANSWERS_A_STEP 256	/* most new answers in one step */

typedef struct EasqAnswer
{
	char	   *respondent;		/* NULL: unknown */
	uint8		key[EASQ_KEY_BYTES];	/* digest of what identifies it */
	bool		keyed;			/* the user named the key: a new answer supersedes the one with the same key */
	double		answer;			/* more is better */
	char	   *example;		/* packed feature values */
	int			length;
	int			slot;			/* where it is remembered, -1: nowhere yet */
	int64		ordinal;		/* count of answers when it came */
} EasqAnswer;

/* Remembers answers in order (those with a slot are there already), the oldest making room; model->answers counts on, slots and ordinals are set. */
extern void EasqRemember(EasqModel *model, EasqAnswer *answers, int count);

/* Forgets one answer with this key and this value, if there is one. */
extern bool EasqForget(EasqModel *model, const uint8 *key, double answer);

/*
 * Forgets all but the latest replay_answers, after each statement where that
 * is less than a step, whose answers are all there while they look for each other.
 */
extern void EasqTrimAnswers(const EasqModel *model);

/* Moves the latest answers to the slots of a ring of another size, after replay_answers was changed. */
extern void EasqResizeAnswers(const EasqModel *model);

/*
 * Remembered answers whose value differs, in slot order from slot on and round
 * the ring, at most limit; respondent NULL: anybody's.  Returns how many; palloc'd.
 */
extern int	EasqFindOpposite(const EasqModel *model, const char *respondent, double answer,
							 int slot, int limit, EasqAnswer *found);

/* Slots of the ring: draws of a starting slot are below it. */
extern int	EasqAnswerSlots(const EasqModel *model);

/* Answers remembered after so many, oldest first (training catches up with them); palloc'd. */
extern int	EasqAnswersSince(const EasqModel *model, int64 answers, EasqAnswer **found);

/* The queue: answers whose statement could not lock the model, to learn or to forget. */
extern void EasqQueueAnswers(const char *model, const EasqAnswer *answers, int count, bool forget);
/* Takes those of one kind out of the queue, all that the snapshot shows; palloc'd. */
extern int	EasqTakeQueued(const EasqModel *model, bool forget, EasqAnswer **found);

#endif
