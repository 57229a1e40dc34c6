/*
 * The type easq.role: a role by OID that is always written as its name, so that
 * a dump restores into a cluster where OIDs differ, or where the role is not there.
 */
#include "postgres.h"

#include "fmgr.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "store/model_right.h"

PG_FUNCTION_INFO_V1(easq_role_in);
PG_FUNCTION_INFO_V1(easq_role_out);
PG_FUNCTION_INFO_V1(easq_role_recv);
PG_FUNCTION_INFO_V1(easq_role_send);

#define NOBODY "-"
#define EVERYBODY "public"		/* a name that PostgreSQL keeps any role from having */

/* A restore must not fail by a role that is missing: whatever was that role's is nobody's. */
static Oid
role_of_name(const char *name)
{
	Oid			role;

	if (strcmp(name, EVERYBODY) == 0)
		return EASQ_EVERYBODY;
	role = get_role_oid(name, true);
	if (!OidIsValid(role))
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\" does not exist: nobody takes its place", name),
				 errhint("A superuser gives a model to another role: SELECT easq_configure(model, '{\"owner\": \"role\"}').")));
	return role;
}

/* An identifier as PostgreSQL writes it: in quotes, or folded to lower case. */
static Oid
parse_role(const char *text)
{
	List	   *names;

	if (strcmp(text, NOBODY) == 0)
		return EASQ_NOBODY;
	if (!SplitIdentifierString(pstrdup(text), ',', &names) || list_length(names) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not the name of a role", text),
				 errhint("Write one identifier, in double quotes where it is not all in lower case; \"public\" is everybody, \"-\" nobody.")));
	return role_of_name(linitial(names));
}

static const char *
text_of_role(Oid role)
{
	char	   *name;

	if (role == EASQ_EVERYBODY)
		return EVERYBODY;
	name = OidIsValid(role) ? GetUserNameFromId(role, true) : NULL;
	return name ? quote_identifier(name) : NOBODY;
}

Datum
easq_role_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(parse_role(PG_GETARG_CSTRING(0)));
}

Datum
easq_role_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(pstrdup(text_of_role(PG_GETARG_OID(0))));
}

Datum
easq_role_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	int			length;

	PG_RETURN_OID(parse_role(pq_getmsgtext(message, message->len - message->cursor, &length)));
}

Datum
easq_role_send(PG_FUNCTION_ARGS)
{
	StringInfoData message;
	const char *text = text_of_role(PG_GETARG_OID(0));

	pq_begintypsend(&message);
	pq_sendtext(&message, text, strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
