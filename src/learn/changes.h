/*
 * What a statement changed: the answers of its new rows and, of an UPDATE, those of
 * the old ones, less what is on both sides.  Beyond the memory it is given it
 * lies in temporary files, so that no statement is too large.
 */
#ifndef EASQ_CHANGES_H
#define EASQ_CHANGES_H

#include "postgres.h"

#include "learn/packed_answer.h"
#include "learn/skipped.h"
#include "query/sort.h"

/* Answers of before, of one key and value, that are alike. */
typedef struct EasqAlike
{
	uint64		hash[2];
	int64		count;
	char	   *packed;			/* one of them; NULL where the group has very many */
	int			length;
} EasqAlike;

typedef struct EasqChange
{
	EasqSide	side;			/* to learn, or to forget: key and value alone count */
	uint8		key[EASQ_KEY_BYTES];
	double		answer;
	int64		count;			/* of such answers */
	const char *packed;			/* one of them, until the next call; of EASQ_BEFORE perhaps NULL */
	int			length;
} EasqChange;

typedef struct EasqChanges
{
	MemoryContext context;
	bool		always_keyed;	/* even where nobody knows who answered: one that is alike is superseded */
	int64		count[EASQ_SIDES];	/* answers that can make a pair */
	int64		cancelled;		/* of those to learn, with one that is alike on the side of before; once all are read */
	int			uncertain[EASQ_SIDES];	/* rows whose answer is 'uncertain' */
	EasqSkipped refused[EASQ_SIDES];	/* rows with an answer that cannot be learned */

	EasqSort	sort;
	StringInfoData packed;		/* on its way into the sort; later of the change that is ahead, and of the one returned last */
	StringInfoData returned;
	StringInfoData next;		/* out of the sort: the answer that comes next */
	bool		has_next;
	EasqChange	ahead;			/* read ahead, so that it is known whether there is any */
	bool		has_ahead;

	/* the group (key and value) that is being read */
	char		group[EASQ_PACKED_GROUP];
	bool		in_group;
	MemoryContext group_context;
	EasqAlike  *before;			/* by hash */
	int			befores;
	int			room;
	int			ended;			/* of them, what is left has been handed out */
} EasqChanges;

/* In the current memory context and resource owner, of which work in subtransactions is independent. */
extern void EasqChangesBegin(EasqChanges *changes, int kilobytes);
extern void EasqChangesPut(EasqChanges *changes, const EasqAnswer *answer, EasqSide side);
extern void EasqChangesEnd(EasqChanges *changes);

/* All is put: what is refused or uncertain on both sides is counted off, and the rest sorted. */
extern void EasqChangesSettle(EasqChanges *changes);

/* Is there nothing (more) to forget, learn or count? */
extern bool EasqChangesEmpty(const EasqChanges *changes);

/*
 * The next change, by key and value; of one key and value first what is to learn.  Once each.  False at the end.
 */
extern bool EasqChangesNext(EasqChanges *changes, EasqChange *change);

#endif
