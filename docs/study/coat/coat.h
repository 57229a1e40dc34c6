/*
 * The Coat data (Schnabel et al., ICML 2016) and its division for one seed.
 *
 * A shopper and a coat make a row; rows are numbered shopper * COATS + coat.
 */
#ifndef STUDY_COAT_H
#define STUDY_COAT_H

#include <stdbool.h>
#include <stdint.h>

#define SHOPPERS 290
#define COATS 300
#define ROWS (SHOPPERS * COATS)
#define PERSON 14				/* binary features of a shopper */
#define LOOKS 33				/* binary features of a coat */

typedef struct CoatData
{
	float		person[SHOPPERS][PERSON];
	float		looks[COATS][LOOKS];
	signed char chosen[ROWS];	/* rating 1 to 5 of a coat that the shopper chose to rate; 0: not chosen */
	signed char drawn[ROWS];	/* rating 1 to 5 of a coat drawn at random; 0: not drawn */
} CoatData;

typedef enum CoatPart
{
	PART_NONE,					/* the drawn coats: in no part of behaviour */
	PART_TRAIN,
	PART_VALIDATION,
	PART_TEST
} CoatPart;

/* A usable answer: satisfied (4, 5) or dissatisfied (1, 2). */
typedef struct CoatAnswer
{
	int			row;
	bool		satisfied;
} CoatAnswer;

typedef struct CoatSplit
{
	unsigned char part[ROWS];	/* of behaviour: a CoatPart; chosen or not stands in the data */
	bool		held[ROWS];		/* the answer to this row is in A_val */
	CoatAnswer	answer[ROWS];	/* the stream, in its order */
	int			answers;
	int			uncertain;		/* answers of 3 that the stream left out */
} CoatSplit;

/* Reads the four files of a folder; prints what is wrong and exits if it cannot. */
extern void CoatRead(CoatData *data, const char *folder);
extern void CoatDivide(const CoatData *data, uint64_t seed, CoatSplit *split);

#endif
