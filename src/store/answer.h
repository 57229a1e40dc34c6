/*
 * Remembered answers (easq.answer): at most replay_answers of a model, and
 * answers_per_respondent of a respondent.  All calls are made under the
 * model's lock and read under the active snapshot; whatever changes what is
 * remembered keeps model->adapter.counts, and the caller stores the model's counters.
 */
#ifndef EASQ_ANSWER_H
#define EASQ_ANSWER_H

#include "core/random.h"
#include "store/model.h"
#include "store/table.h"

#define EASQ_KEY_BYTES 16
#define EASQ_MAX_RESPONDENT 1000	/* bytes of its text, which an index holds */
#define EASQ_ANSWERS_A_STEP 256	/* most new answers in one step */

typedef struct EasqAnswerMemory EasqAnswerMemory;

typedef struct EasqAnswer
{
	char	   *respondent;		/* NULL: unknown */
	uint8		key[EASQ_KEY_BYTES];	/* digest of what identifies it */
	bool		has_name;		/* a column names it: the next is a digest of that alone; written and not read back */
	uint8		named[EASQ_KEY_BYTES];
	bool		keyed;			/* a new answer supersedes the one with the same key */
	double		answer;			/* more is better */
	double		weight;			/* above 0 */
	TimestampTz asked_at;		/* DT_NOBEGIN: not known */
	TimestampTz queued_at;		/* when its statement was queued; 0: it was not */
	char	   *example;		/* packed feature values */
	int			length;
	int			per_hour;		/* most answers of its respondent that are learned in an hour; 0: no limit */
	bool		held_back;		/* beyond it: remembered, not learned */
	int64		ordinal;		/* count of answers when it was remembered, 0: not yet */
} EasqAnswer;

/* ----------------------------------------------- answer_remember.c: writing */

/*
 * Remembers answers in order (those with an ordinal are there already);
 * model->adapter.answers counts on and ordinals are set.  Room is made by the answer
 * with the same key, else by the respondent's oldest where there are
 * answers_per_respondent of them, else by the oldest of the most common value:
 * so those of a rare value stay.
 */
extern void EasqRemember(EasqModel *model, EasqAnswer *answers, int count);

/* Forgets one answer with this key and this value, if there is one. */
extern bool EasqForget(EasqModel *model, const uint8 *key, double answer);

/*
 * Forgets what is beyond replay_answers: when that is made smaller, and after
 * each statement where it is less than a step, whose answers are all there
 * while they look for each other.
 */
extern void EasqTrimAnswers(EasqModel *model);

/* Forgets what is beyond answers_per_respondent, after that was changed. */
extern void EasqTrimRespondents(EasqModel *model);

/* --------------------------------------------------- answer_draw.c: reading */

/*
 * Of the respondent's answers those whose value differs, from a drawn one on
 * and round, at most limit; palloc'd.  Returns how many; *own: how many answers of
 * the respondent are remembered.
 */
extern int	EasqFindOwnOpposite(const EasqModel *model, const char *respondent, double answer,
								EasqRandom *random, int limit, EasqAnswer *found, int *own);

/*
 * Draws an answer whose value differs, found by look-ups in an index: each
 * about as likely as another, and one is found if there is any.
 */
extern bool EasqDrawOpposite(const EasqModel *model, double answer, EasqRandom *random, EasqAnswer *found);

/* Draws a remembered answer, each about as likely as another; false: there is none. */
extern bool EasqDrawAnswer(const EasqModel *model, EasqRandom *random, EasqAnswer *found);

/* Answers remembered after so many, oldest first (training catches up with them); palloc'd. */
extern int	EasqAnswersSince(const EasqModel *model, int64 answers, EasqAnswer **found);

/* ------------------------------- answer_row.c: for the files answer_*.c alone */

/* An answer that a scan is at; palloc'd. */
extern void EasqReadAnswerRow(const EasqScan *scan, HeapTuple tuple, EasqAnswer *answer);
/* A scan of answer_respondent. */
extern void EasqScanOwn(EasqScan *scan, LOCKMODE mode, const EasqModel *model, const char *respondent);
/* A scan of answer_value or answer_pkey on the answers of a kind, from an ordinal on. */
extern void EasqScanValue(EasqScan *scan, LOCKMODE mode, const EasqModel *model, const EasqAnswerKind *kind, int64 from);

#endif
