#include "postgres.h"

#include "learn/packed_answer.h"

/* What has a fixed size, behind the head and the time it was queued.  Made of zeros first: what lies between members counts in a comparison. */
typedef struct Fixed
{
	double		weight;
	TimestampTz asked_at;
	int64		ordinal;
	int32		per_hour;
	int32		respondent;		/* bytes, -1: unknown */
	int32		keyed;
	int32		has_name;
	uint8		named[EASQ_KEY_BYTES];
} Fixed;

void
EasqPackAnswer(StringInfo out, const EasqAnswer *answer, EasqSide side)
{
	double		value = answer->answer + 0.0;	/* -0 becomes 0: they are equal */
	char		which = (char) side;
	Fixed		fixed;

	memset(&fixed, 0, sizeof(fixed));
	fixed.weight = answer->weight;
	fixed.asked_at = answer->asked_at;
	fixed.ordinal = answer->ordinal;
	fixed.per_hour = answer->per_hour;
	fixed.respondent = answer->respondent ? (int32) strlen(answer->respondent) : -1;
	fixed.keyed = answer->keyed;
	fixed.has_name = answer->has_name;
	if (answer->has_name)
		memcpy(fixed.named, answer->named, EASQ_KEY_BYTES);
	appendBinaryStringInfo(out, (const char *) answer->key, EASQ_KEY_BYTES);
	appendBinaryStringInfo(out, (const char *) &value, sizeof(value));
	appendBinaryStringInfo(out, &which, 1);
	appendBinaryStringInfo(out, (const char *) &answer->queued_at, sizeof(answer->queued_at));
	appendBinaryStringInfo(out, (const char *) &fixed, sizeof(fixed));
	if (answer->respondent)
		appendBinaryStringInfo(out, answer->respondent, fixed.respondent);
	appendBinaryStringInfo(out, answer->example, answer->length);
}

void
EasqUnpackAnswer(const char *bytes, int length, EasqAnswer *answer)
{
	const char *rest = bytes + EASQ_PACKED_ALIKE + sizeof(Fixed);
	Fixed		fixed;

	memcpy(&fixed, bytes + EASQ_PACKED_ALIKE, sizeof(fixed));
	memset(answer, 0, sizeof(*answer));
	memcpy(&answer->queued_at, bytes + EASQ_PACKED_HEAD, sizeof(answer->queued_at));
	memcpy(answer->key, bytes, EASQ_KEY_BYTES);
	memcpy(&answer->answer, bytes + EASQ_KEY_BYTES, sizeof(double));
	answer->weight = fixed.weight;
	answer->asked_at = fixed.asked_at;
	answer->ordinal = fixed.ordinal;
	answer->per_hour = fixed.per_hour;
	answer->keyed = fixed.keyed != 0;
	answer->has_name = fixed.has_name != 0;
	memcpy(answer->named, fixed.named, EASQ_KEY_BYTES);
	if (fixed.respondent >= 0)
	{
		answer->respondent = pnstrdup(rest, fixed.respondent);
		rest += fixed.respondent;
	}
	answer->length = (int) (bytes + length - rest);
	answer->example = memcpy(palloc(answer->length), rest, answer->length);
}
