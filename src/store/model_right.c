#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"
#include "store/columns.h"
#include "store/model_right.h"
#include "store/row.h"

static const struct
{
	const char *name;
	AttrNumber	column;
}			grantable[EASQ_GRANTABLE] = {
	[EASQ_TO_SCORE] = {"score", MODEL_MAY_SCORE},
	[EASQ_TO_TEACH] = {"teach", MODEL_MAY_TEACH},
	[EASQ_TO_EXPORT] = {"export", MODEL_MAY_EXPORT},
};

EasqRight
EasqRightOfName(const char *name)
{
	for (int right = 0; right < EASQ_GRANTABLE; right++)
		if (strcmp(name, grantable[right].name) == 0)
			return (EasqRight) right;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no right \"%s\" to a model", name),
			 errhint("The rights are score, teach and export; all else is the owner's alone.")));
	return EASQ_TO_OWN;
}

const Oid *
EasqGrantees(Datum datum, int *count)
{
	ArrayType  *array = DatumGetArrayTypeP(datum);

	if (ARR_HASNULL(array) || ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a list of grantees in easq.model has NULL members or %d dimensions", ARR_NDIM(array)),
				 errhint("The row was not written by easq: set the column to '{}' and call easq_grant again.")));
	*count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (const Oid *) ARR_DATA_PTR(array);
}

Datum
EasqGranteesDatum(const Oid *grantees, int count)
{
	Oid			type = get_element_type(get_atttype(EasqTableIndex("model"), MODEL_MAY_SCORE));
	Datum	   *members = palloc(sizeof(Datum) * Max(count, 1));

	for (int i = 0; i < count; i++)
		members[i] = ObjectIdGetDatum(grantees[i]);
	return PointerGetDatum(construct_array(members, count, type, sizeof(Oid), true, TYPALIGN_INT));
}

void
EasqRightsRead(EasqRights *rights, const struct EasqScan *scan, HeapTuple tuple)
{
	rights->owner = DatumGetObjectId(EasqColumn(scan, tuple, MODEL_OWNER));
	for (int right = 0; right < EASQ_GRANTABLE; right++)
	{
		Datum		stored = EasqColumn(scan, tuple, grantable[right].column);

		/* The row's page is let go before the rights are looked at. */
		rights->grantee[right] = EasqGrantees(PointerGetDatum(DatumGetArrayTypePCopy(stored)), &rights->count[right]);
	}
}

bool
EasqMay(const EasqRights *rights, Oid role, EasqRight right)
{
	if (has_privs_of_role(role, rights->owner))
		return true;
	if (right == EASQ_TO_OWN)
		return false;
	for (int i = 0; i < rights->count[right]; i++)
	{
		Oid			grantee = rights->grantee[right][i];

		if (grantee == EASQ_EVERYBODY || has_privs_of_role(role, grantee))
			return true;
	}
	return right == EASQ_TO_SCORE &&
		pg_class_aclcheck(EasqTableIndex("model"), role, ACL_SELECT) == ACLCHECK_OK;
}

void
EasqModelCheckRight(const char *name, const EasqRights *rights, Oid role, EasqRight right)
{
	if (EasqMay(rights, role, right))
		return;
	if (right == EASQ_TO_OWN)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of model \"%s\"", name),
				 errhint("easq_configure(model, '{\"owner\": \"role\"}') hands a model to another role.")));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for model \"%s\": role \"%s\" has not the right \"%s\"",
					name, GetUserNameFromId(role, false), grantable[right].name),
			 errhint("The owner of the model gives it: SELECT easq_grant(%s, '%s', %s).", quote_literal_cstr(name),
					 grantable[right].name, quote_literal_cstr(GetUserNameFromId(role, false)))));
}

/* Those that are there, but for one; with room for one more. */
static Oid *
all_but(const Oid *grantees, int count, Oid without, int *left)
{
	Oid		   *kept = palloc(sizeof(Oid) * (count + 1));

	*left = 0;
	for (int i = 0; i < count; i++)
		if (grantees[i] != without &&
			(grantees[i] == EASQ_EVERYBODY || SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(grantees[i]))))
			kept[(*left)++] = grantees[i];
	return kept;
}

void
EasqModelGrant(const char *name, EasqRight right, Oid grantee, bool give)
{
	EasqWriter	writer;
	EasqScan	scan;
	ScanKeyData key;
	HeapTuple	old;
	EasqRow		row;
	EasqRights	rights;
	Oid		   *grantees;
	int			count;

	EasqWriterBegin(&writer, "model");
	EasqKeyText(&key, MODEL_NAME, name);
	EasqScanBegin(&scan, "model", "model_pkey", RowExclusiveLock, GetActiveSnapshot(), 1, &key);
	old = EasqScanNext(&scan, true);
	if (!HeapTupleIsValid(old))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" does not exist", name),
				 errhint("SELECT name FROM easq.models lists the models.")));
	EasqRightsRead(&rights, &scan, old);
	grantees = all_but(rights.grantee[right], rights.count[right], grantee, &count);
	if (give)
		grantees[count++] = grantee;
	EasqRowInit(&row);
	EasqRowSet(&row, grantable[right].column, EasqGranteesDatum(grantees, count));
	EasqWriterUpdate(&writer, old, row.values, row.nulls, row.replaces);
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}
