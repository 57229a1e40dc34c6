#include <stdlib.h>
#include <string.h>

#include "core/level.h"

#include "check.h"
#include "tests.h"

/* Which level is used: the best, or the one that the environment names. */
void
test_levels(void)
{
	int			count;
	const EasqLevel *levels = EasqLevels(&count);
	const char *wanted = getenv("EASQ_LEVEL");
	bool		known = false;

	check(count > 0 && strcmp(levels[0].name, "plain") == 0, "plain is a level everywhere");
	for (int i = 0; i < count && wanted != NULL; i++)
		known = known || strcmp(levels[i].name, wanted) == 0;
	check(known ? strcmp(EasqLevelInUse()->name, wanted) == 0 : EasqLevelInUse() == &levels[count - 1],
		  "the last level is in use, or the one that was asked for");
	for (int i = 0; i < count; i++)
	{
		setenv("EASQ_LEVEL", levels[i].name, 1);
		EasqUseLevel(NULL);
		check(EasqLevelInUse() == &levels[i], "a level by its name");
	}
	setenv("EASQ_LEVEL", "x86-64-v9", 1);
	EasqUseLevel(NULL);
	check(EasqLevelInUse() == &levels[count - 1], "no such level: the last");
	end_group("levels of instructions");
}
