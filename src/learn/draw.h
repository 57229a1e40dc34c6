/*
 * Independent streams of draws from one committed state: the seed and the
 * model's counters, never time, sequences or physical order.
 */
#ifndef EASQ_DRAW_H
#define EASQ_DRAW_H

#include "core/random.h"
#include "store/model.h"

typedef enum EasqStream
{
	EASQ_DRAW_ORDER = 1,		/* of a statement's answers */
	EASQ_DRAW_PARTNER,			/* of one answer, by its ordinal */
	EASQ_DRAW_BEHAVIOUR,		/* pairs that a step rehearses */
	EASQ_DRAW_REPLAY,			/* answers that a step learns again */
	EASQ_DRAW_GATE,				/* held pairs that a step is judged on */
	EASQ_DRAW_KNOB				/* rehearsed pairs that spreads are taken of */
} EasqStream;

static inline EasqRandom
EasqDraws(const EasqModel *model, EasqStream stream, int64 number)
{
	uint64		seed = EasqMix((uint64) model->options.seed, stream);

	return (EasqRandom) {
		EasqMix(EasqMix(seed, (uint64) model->adapter.step), EasqMix((uint64) model->adapter.answers, (uint64) number))
	};
}

#endif
