#include "core/tick.h"

#include <stddef.h>

static void (*on_tick) (void) = NULL;

void
EasqOnTick(void (*tick) (void))
{
	on_tick = tick;
}

void
EasqTick(void)
{
	if (on_tick != NULL)
		on_tick();
}
