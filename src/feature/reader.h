/*
 * What EasqReaderCreate found out about a row type.  Private to src/feature.
 */
#ifndef EASQ_READER_H
#define EASQ_READER_H

#include "postgres.h"

#include "access/attnum.h"

#include "feature/cast.h"
#include "feature/example.h"

typedef struct EasqColumn
{
	AttrNumber	attribute;
	Oid			type;			/* of the value, or of an array's members; see value.h */
	bool		array;			/* categorical: a set of members; their storage: */
	int16		length;
	bool		by_value;
	char		align;
	EasqCast   *cast;			/* vector of a type that must be cast to real[], else NULL */
} EasqColumn;

struct EasqReader
{
	const EasqSpec *spec;
	EasqColumn	column[FLEXIBLE_ARRAY_MEMBER];	/* [spec->count] */
};

#endif
