#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/uuid.h"

#include "compat.h"
#include "feature/example.h"
#include "feature/value.h"

#define FNV_START UINT64CONST(0xcbf29ce484222325)
#define FNV_PRIME UINT64CONST(0x100000001b3)

Oid
EasqReadAs(Oid type)
{
	type = getBaseType(type);
	return type_is_enum(type) ? ANYENUMOID : type;
}

bool
EasqIsInteger(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

bool
EasqIsNumber(Oid type)
{
	return EasqIsInteger(type) ||
		type == FLOAT4OID || type == FLOAT8OID || type == NUMERICOID;
}

bool
EasqIsCategory(Oid type)
{
	return EasqIsInteger(type) ||
		type == TEXTOID || type == VARCHAROID || type == BPCHAROID ||
		type == BOOLOID || type == ANYENUMOID || type == UUIDOID;
}

static double
number_of_numeric(Datum value)
{
	Numeric		number = DatumGetNumeric(value);
	double		result;

	result = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(number)));
	if ((Pointer) number != DatumGetPointer(value))
		pfree(number);
	return result;
}

double
EasqValueNumber(Oid type, Datum value)
{
	switch (type)
	{
		case BOOLOID:
			return DatumGetBool(value) ? 1.0 : 0.0;
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case FLOAT8OID:
			return DatumGetFloat8(value);
		case NUMERICOID:
			return number_of_numeric(value);
		default:
			return (double) EasqValueInteger(type, value);
	}
}

int64
EasqValueInteger(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return DatumGetInt64(value);
		default:
			elog(ERROR, "type %u is not an integer", type);
	}
	return 0;					/* keep compilers quiet */
}

/* FNV-1a, 64 bits. */
static uint64
hash_text(const char *text, int length)
{
	uint64		hash = FNV_START;

	for (int i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) text[i]) * FNV_PRIME;
	return hash;
}

/* SQL_ASCII does not say what its bytes are, so they are taken as they come. */
bool
EasqConvertsText(void)
{
	int			encoding = GetDatabaseEncoding();

	return encoding != PG_UTF8 && encoding != PG_SQL_ASCII;
}

/* ASCII is the same in every server encoding. */
uint64
EasqTextHash(const char *text, int length)
{
	char	   *converted;
	uint64		hash;
	int			ascii = 0;

	if (!EasqConvertsText())
		return hash_text(text, length);
	while (ascii < length && !IS_HIGHBIT_SET(text[ascii]))
		ascii++;
	if (ascii == length)
		return hash_text(text, length);

	converted = pg_server_to_any(text, length, PG_UTF8);
	if (converted == text)
		return hash_text(text, length);
	hash = hash_text(converted, strlen(converted));
	pfree(converted);
	return hash;
}

static uint64
hash_varlena(Oid type, Datum value)
{
	struct varlena *text = PG_DETOAST_DATUM_PACKED(value);
	char	   *data = VARDATA_ANY(text);
	int			length = VARSIZE_ANY_EXHDR(text);
	uint64		hash;

	if (type == BPCHAROID)
		length = bpchartruelen(data, length);
	hash = EasqTextHash(data, length);
	if ((Pointer) text != DatumGetPointer(value))
		pfree(text);
	return hash;
}

static uint64
hash_integer(int64 value)
{
	char		digits[32];

	pg_lltoa(value, digits);
	return hash_text(digits, strlen(digits));
}

static uint64
hash_enum(Oid value)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, ObjectIdGetDatum(value));
	const char *label;
	uint64		hash;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid internal value for enum: %u", value)));
	label = NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel);
	hash = EasqTextHash(label, strlen(label));
	ReleaseSysCache(tuple);
	return hash;
}

static uint64
hash_uuid(const pg_uuid_t *uuid)
{
	static const char hex[] = "0123456789abcdef";
	char		text[2 * UUID_LEN + 4];
	int			length = 0;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[length++] = '-';
		text[length++] = hex[uuid->data[i] >> 4];
		text[length++] = hex[uuid->data[i] & 15];
	}
	return hash_text(text, length);
}

uint64
EasqValueHash(Oid type, Datum value)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return hash_varlena(type, value);
		case BOOLOID:
			return DatumGetBool(value) ? hash_text("true", 4) : hash_text("false", 5);
		case ANYENUMOID:
			return hash_enum(DatumGetObjectId(value));
		case UUIDOID:
			return hash_uuid(DatumGetUUIDP(value));
		default:
			return hash_integer(EasqValueInteger(type, value));
	}
}
