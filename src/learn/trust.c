#include "postgres.h"

#include "learn/trust.h"
#include "store/as_made.h"
#include "store/model.h"

/* Models that one backend teaches in turn; of more, the last ones. */
#define TRUSTED 16

static struct
{
	uint64		tables;			/* as EasqTablesAsMade called them when this was found */
	char		model[EASQ_MAX_NAME + 1];
}			trusted[TRUSTED];
static int	next_trusted;

bool
EasqTrusts(const char *model)
{
	uint64		tables = EasqTablesAsMade();

	for (int i = 0; tables != 0 && i < TRUSTED; i++)
		if (trusted[i].tables == tables && strcmp(trusted[i].model, model) == 0)
			return true;
	return false;
}

void
EasqTrust(const char *model)
{
	uint64		tables = EasqTablesAsMade();

	if (tables == 0 || EasqTrusts(model))
		return;
	trusted[next_trusted].tables = tables;
	strlcpy(trusted[next_trusted].model, model, sizeof(trusted[next_trusted].model));
	next_trusted = (next_trusted + 1) % TRUSTED;
}

void
EasqTrustNone(void)
{
	memset(trusted, 0, sizeof(trusted));
}
