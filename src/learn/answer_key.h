/*
 * What identifies an answer: the value of the key column that option key names,
 * within its questionnaire, or else what it was about: respondent and example.
 */
#ifndef EASQ_ANSWER_KEY_H
#define EASQ_ANSWER_KEY_H

#include "postgres.h"

#include "store/answer.h"

extern void EasqContentKey(const char *respondent, const char *example, int length,
						   uint8 key[EASQ_KEY_BYTES]);
extern void EasqNamedKey(const char *questionnaire, const char *value, uint8 key[EASQ_KEY_BYTES]);

/* The same of the key column's value in any questionnaire: what easq_forget finds an answer by. */
extern void EasqNameDigest(const char *value, uint8 named[EASQ_KEY_BYTES]);

#endif
