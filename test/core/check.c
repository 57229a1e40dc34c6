#include <math.h>
#include <stdio.h>

#include "check.h"

static int	passed = 0;
static int	failed = 0;
static int	failed_in_group = 0;
static double largest = 0.0;	/* difference over what is allowed, in this group */

void
check(bool ok, const char *what)
{
	if (ok)
		passed++;
	else
	{
		failed++;
		if (failed_in_group++ < 10)
			printf("    FAILED: %s\n", what);
	}
}

void
check_near(double got, double want, double allowed, const char *what)
{
	double		share = fabs(got - want) / allowed;
	bool		ok = share <= 1.0;

	if (got == want)
		share = 0.0, ok = true;
	if (!(share <= largest))
		largest = share;
	if (!ok && failed_in_group < 10)
		printf("    got %.9g, want %.9g, allowed difference %.3g\n", got, want, allowed);
	check(ok, what);
}

void
end_group(const char *name)
{
	printf("%-34s %s  largest difference %.3f of the allowed\n",
		   name, failed_in_group ? "FAILED" : "ok", largest);
	failed_in_group = 0;
	largest = 0.0;
}

int
end_checks(void)
{
	printf("%d passed, %d failed\n", passed, failed);
	return failed > 0;
}
