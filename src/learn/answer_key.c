#include "postgres.h"

#include "common/hashfn.h"

#include "learn/answer_key.h"

/* 128 bits of two parts; the length of the first keeps ("ab", "c") from ("a", "bc"). */
static void
digest(uint64 domain, const char *first, int first_length, const char *second, int second_length,
	   uint8 *key)
{
	for (int half = 0; half < 2; half++)
	{
		uint64		seed = domain + half * UINT64CONST(0x9e3779b97f4a7c15) + (uint64) first_length;
		uint64		h = DatumGetUInt64(hash_any_extended((const unsigned char *) first, first_length, seed));

		h = DatumGetUInt64(hash_any_extended((const unsigned char *) second, second_length, h));
		for (int byte = 0; byte < 8; byte++)
			key[half * 8 + byte] = (uint8) (h >> (8 * byte));
	}
}

void
EasqContentKey(const char *respondent, const char *example, int length, uint8 key[EASQ_KEY_BYTES])
{
	digest(1, respondent ? respondent : "", respondent ? (int) strlen(respondent) : 0,
		   example, length, key);
}

void
EasqNamedKey(const char *questionnaire, const char *value, uint8 key[EASQ_KEY_BYTES])
{
	digest(2, questionnaire, (int) strlen(questionnaire), value, (int) strlen(value), key);
}

void
EasqNameDigest(const char *value, uint8 named[EASQ_KEY_BYTES])
{
	digest(3, "", 0, value, (int) strlen(value), named);
}
