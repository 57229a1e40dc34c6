/*
 * A row of a training, as its query gave it and the spool ordered it.
 */
#ifndef EASQ_ROW_OF_TRAINING_H
#define EASQ_ROW_OF_TRAINING_H

#include "postgres.h"

typedef struct EasqTrainRow
{
	const char *example;
	int			length;
	uint64		group;			/* a mix of the group's identity */
	double		label;			/* NaN: no behaviour */
	double		answer;			/* NaN: none */
	int64		number;			/* of the answer among all, -1: none */
	uint64		respondent;		/* hash, 0: unknown */
	const char *respondent_text;	/* NULL: unknown */
	bool		held;			/* no pair of behaviour is trained on that it is in */
} EasqTrainRow;

#endif
