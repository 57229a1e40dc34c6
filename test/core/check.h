/* Counting, and the largest difference of a group of checks. */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>

extern void check(bool ok, const char *what);
/* |got - want| <= allowed; NaN is never near. */
extern void check_near(double got, double want, double allowed, const char *what);
extern void end_group(const char *name);
/* Says how many passed and failed; the exit status. */
extern int	end_checks(void);

#endif
