#include "postgres.h"

#include "utils/memutils.h"

#include "learn/attempt.h"
#include "learn/skipped.h"
#include "store/log.h"

void
EasqSkippedInit(EasqSkipped *skipped)
{
	memset(skipped, 0, sizeof(*skipped));
	skipped->context = CurrentMemoryContext;
}

void
EasqSkip(EasqSkipped *skipped, const char *reason, const char *detail, int answers)
{
	int			i = 0;

	while (i < skipped->reasons && i < EASQ_SKIP_REASONS - 1 && strcmp(skipped->reason[i], reason) != 0)
		i++;
	if (i == skipped->reasons)
	{
		skipped->reason[i] = MemoryContextStrdup(skipped->context, reason);
		skipped->detail[i] = detail ? MemoryContextStrdup(skipped->context, EasqClipDetail(detail)) : NULL;
		skipped->reasons++;
	}
	skipped->count[i] += answers;
}

void
EasqLogSkipped(const EasqSkipped *skipped, const char *model, const char *source, Oid author)
{
	for (int i = 0; i < skipped->reasons; i++)
	{
		EasqStepRow row = {
			.model = model, .source = source, .status = "skipped", .reason = skipped->reason[i],
			.detail = skipped->detail[i], .author = author, .answers = skipped->count[i]
		};

		if (row.answers > 0)
			EasqLogStep(&row);
	}
}

void
EasqLogFailed(const char *model, const char *source, const char *doing, const ErrorData *error, Oid author, int answers)
{
	EasqStepRow row = {
		.model = model, .source = source, .status = "skipped", .reason = EasqReasonOf(doing, error),
		.detail = error->message, .author = author, .answers = answers
	};

	EasqLogStep(&row);
}
