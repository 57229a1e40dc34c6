#include "postgres.h"

#include "utils/memutils.h"

#include "learn/due.h"
#include "learn/enqueue.h"
#include "store/answer_queue.h"

bool
EasqQueueChanges(const char *model, EasqChanges *changes, int64 *answers)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq queued", ALLOCSET_DEFAULT_SIZES);
	bool		any = changes->has_ahead;
	EasqQueue	queue;
	EasqChange	change;

	*answers = 0;
	EasqQueueBegin(&queue, model);
	while (EasqChangesNext(changes, &change))
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		EasqAnswer	answer = {.answer = change.answer, .weight = 1, .asked_at = DT_NOBEGIN, .example = ""};

		memcpy(answer.key, change.key, EASQ_KEY_BYTES);
		if (change.packed)
			EasqUnpackAnswer(change.packed, change.length, &answer);
		for (int64 i = 0; i < change.count; i++)
			EasqQueueAdd(&queue, &answer, change.side == EASQ_BEFORE);
		*answers += change.side == EASQ_NOW ? change.count : 0;
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	EasqQueueUncertain(&queue, changes->uncertain[EASQ_NOW]);
	EasqQueueEnd(&queue);
	MemoryContextDelete(context);
	EasqDueToLearners();
	return any;
}
