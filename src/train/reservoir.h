/*
 * A uniform sample of a stream of unknown length (algorithm R).
 */
#ifndef EASQ_RESERVOIR_H
#define EASQ_RESERVOIR_H

#include "postgres.h"

#include "core/random.h"

typedef struct EasqReservoir
{
	EasqRandom	random;
	int			capacity;
	int			count;			/* items kept */
	int64		seen;
} EasqReservoir;

/* Where the next item of the stream goes, -1: nowhere.  The first capacity items go to 0, 1, 2, ... */
static inline int
EasqReservoirPlace(EasqReservoir *reservoir)
{
	uint64		place = (uint64) reservoir->seen++;

	if (reservoir->count < reservoir->capacity)
		return reservoir->count++;
	if (reservoir->capacity == 0)
		return -1;
	place = EasqBelow(&reservoir->random, place + 1);
	return place < (uint64) reservoir->capacity ? (int) place : -1;
}

#endif
