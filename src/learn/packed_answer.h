/*
 * An answer as bytes, to be sorted and compared: first what groups answers (key,
 * value, side), then when it was queued, then the rest.  Two answers of one side that are alike in everything that
 * is learned or remembered have the same bytes but for that time.
 */
#ifndef EASQ_PACKED_ANSWER_H
#define EASQ_PACKED_ANSWER_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "store/answer.h"

/* Of an UPDATE, the old rows and the new ones; the queue has both too.  What was comes first. */
typedef enum EasqSide
{
	EASQ_BEFORE,
	EASQ_NOW,
	EASQ_SIDES
} EasqSide;

/* Bytes that are equal for answers of one key and value, and those with the side behind them. */
#define EASQ_PACKED_GROUP (EASQ_KEY_BYTES + (int) sizeof(double))
#define EASQ_PACKED_HEAD (EASQ_PACKED_GROUP + 1)
/* From here on answers that are alike are equal. */
#define EASQ_PACKED_ALIKE (EASQ_PACKED_HEAD + (int) sizeof(TimestampTz))

/* Appends; held_back is left out. */
extern void EasqPackAnswer(StringInfo out, const EasqAnswer *answer, EasqSide side);

/* palloc'd copies of what it points to. */
extern void EasqUnpackAnswer(const char *bytes, int length, EasqAnswer *answer);

static inline EasqSide
EasqPackedSide(const char *bytes)
{
	return (EasqSide) bytes[EASQ_PACKED_GROUP];
}

#endif
