/*
 * The background worker that learns what is queued in its database, and the launcher that looks, when a server has started, whether
 * a database has anything left.
 */
#ifndef EASQ_WORKER_H
#define EASQ_WORKER_H

#include "postgres.h"

extern int	easq_worker_idle_timeout;	/* seconds, 0: none */

/* At load of the library with the server. */
extern void EasqLauncherRegister(void);

extern PGDLLEXPORT void easq_worker_main(Datum database);
extern PGDLLEXPORT void easq_launcher_main(Datum argument);

#endif
