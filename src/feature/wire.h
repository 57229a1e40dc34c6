/*
 * The bytes of an example: little-endian words at any alignment.  Private to
 * src/feature.
 */
#ifndef EASQ_WIRE_H
#define EASQ_WIRE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "port/pg_bswap.h"

#define EASQ_WORD 8

/* Bytes of a vector of dim float4, padded to whole words. */
static inline int
EasqVectorBytes(int dim)
{
	return (dim + 1) / 2 * EASQ_WORD;
}

/* Whole words of an example that are left. */
static inline uint64
EasqWordsBetween(const char *at, const char *end)
{
	return (uint64) (end - at) / EASQ_WORD;
}

static inline uint64
EasqLittleWord(uint64 word)
{
#ifdef WORDS_BIGENDIAN
	return pg_bswap64(word);
#else
	return word;
#endif
}

static inline uint64
EasqGetWord(const char *bytes)
{
	uint64		word;

	memcpy(&word, bytes, sizeof(word));
	return EasqLittleWord(word);
}

static inline void
EasqPutWord(char *bytes, uint64 word)
{
	word = EasqLittleWord(word);
	memcpy(bytes, &word, sizeof(word));
}

static inline void
EasqAppendWord(StringInfo out, uint64 word)
{
	if (out->maxlen - out->len <= EASQ_WORD)
		enlargeStringInfo(out, EASQ_WORD);
	EasqPutWord(out->data + out->len, word);
	out->len += EASQ_WORD;
	out->data[out->len] = '\0';
}

static inline double
EasqWordToDouble(uint64 word)
{
	double		value;

	memcpy(&value, &word, sizeof(value));
	return value;
}

static inline uint64
EasqDoubleToWord(double value)
{
	uint64		word;

	memcpy(&word, &value, sizeof(word));
	return word;
}

/* Between this machine's floats and the little-endian ones of an example, in place. */
static inline void
EasqSwapFloats(char *floats, int count)
{
#ifdef WORDS_BIGENDIAN
	for (int i = 0; i < count; i++)
	{
		uint32		bits;

		memcpy(&bits, floats + i * sizeof(bits), sizeof(bits));
		bits = pg_bswap32(bits);
		memcpy(floats + i * sizeof(bits), &bits, sizeof(bits));
	}
#else
	(void) floats;
	(void) count;
#endif
}

#endif
