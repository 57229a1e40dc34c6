#include "postgres.h"

#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "core/budget.h"
#include "learn/judge.h"
#include "learn/probe.h"
#include "learn/rebase.h"

/* Both samples or none: what has not been learned cannot be lost. */
static void
rebase_held(EasqJudge *judge, const EasqModel *model, EasqAlignmentState *alignment)
{
	EasqHeld   *held[EASQ_HELD_SAMPLES];
	bool		learned = true;

	for (int sample = 0; sample < EASQ_HELD_SAMPLES; sample++)
	{
		held[sample] = EasqReadHeld(model, (EasqHeldSample) sample);
		if (held[sample])
			EasqJudgeTrained(judge, held[sample]);
		learned = learned && held[sample] && held[sample]->accuracy > EASQ_LEARNED_ACCURACY;
	}
	for (int sample = 0; sample < EASQ_HELD_SAMPLES; sample++)
		EasqWriteHeld(model, (EasqHeldSample) sample, learned ? held[sample] : NULL);
	if (learned)
		EasqJudgeVitalOf(judge, held[EASQ_GATE], alignment->vital);
}

void
EasqRebase(const EasqModel *model, const EasqEncoding *encoding, const float *weights,
		   EasqAlignmentState *alignment, const char *hint)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq rebase", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EasqJudge  *judge = EasqJudgeCreate(model, encoding);
	EasqRehearsed *rehearsed;
	int			count = EasqReadBehaviour(model, &rehearsed);

	EasqProbeWeights(model, encoding, weights, true, hint);
	EasqJudgeWeights(judge, weights);
	EasqJudgeKept(judge, rehearsed, count);
	EasqProbeKept(judge, model, rehearsed, count, hint);
	EasqWriteBehaviour(model, rehearsed, count);
	rebase_held(judge, model, alignment);
	UpdateActiveSnapshotCommandId();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}
