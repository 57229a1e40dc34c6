/*
 * Between the blocks of long work the core lets its caller look at the world:
 * under PostgreSQL, whether the statement is to end.  The caller's function may
 * leave by longjmp: nothing is held at those places but memory of the caller,
 * whose results are then void.
 */
#ifndef EASQ_TICK_H
#define EASQ_TICK_H

/* Calls tick from now on; NULL: nothing. */
extern void EasqOnTick(void (*tick) (void));

extern void EasqTick(void);

#endif
