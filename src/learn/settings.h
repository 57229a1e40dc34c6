/*
 * The settings that change what a query means or how values become text: the
 * author's, recorded at easq_learn, for the features query, and fixed ones for
 * what easq writes, so that keys and respondents are the same whoever answers.
 */
#ifndef EASQ_SETTINGS_H
#define EASQ_SETTINGS_H

#include "postgres.h"

#include "utils/jsonb.h"

/* Those of now, as an object of texts; in search_path pg_temp is last, whatever it was. */
extern Jsonb *EasqSettingsRecord(void);

/*
 * Both set them until EasqSettingsEnd with what they return, or until the
 * (sub)transaction aborts.  Settings that this server does not know are passed over.
 */
extern int	EasqSettingsApply(Jsonb *recorded);
extern int	EasqSettingsForText(void);
extern void EasqSettingsEnd(int level);

#endif
