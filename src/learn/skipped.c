#include "postgres.h"

#include "utils/memutils.h"

#include "learn/skipped.h"
#include "store/log.h"

void
EasqSkippedInit(EasqSkipped *skipped)
{
	memset(skipped, 0, sizeof(*skipped));
	skipped->context = CurrentMemoryContext;
}

void
EasqSkip(EasqSkipped *skipped, const char *reason, int answers)
{
	int			i = 0;

	while (i < skipped->reasons && i < EASQ_SKIP_REASONS - 1 && strcmp(skipped->reason[i], reason) != 0)
		i++;
	if (i == skipped->reasons)
	{
		skipped->reason[i] = MemoryContextStrdup(skipped->context, reason);
		skipped->reasons++;
	}
	skipped->count[i] += answers;
}

void
EasqLogUnlearned(const char *model, const char *source, const char *status, const char *reason, int answers)
{
	EasqStepRow row = {
		.model = model, .source = source, .status = status, .reason = reason, .answers = answers
	};

	EasqLogStep(&row);
}

void
EasqLogSkipped(const EasqSkipped *skipped, const char *model, const char *source)
{
	for (int i = 0; i < skipped->reasons; i++)
		if (skipped->count[i] > 0)
			EasqLogUnlearned(model, source, "skipped", skipped->reason[i], skipped->count[i]);
}
