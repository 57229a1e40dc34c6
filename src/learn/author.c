#include "postgres.h"

#include "miscadmin.h"
#include "utils/syscache.h"

#include "learn/author.h"
#include "learn/settings.h"

void
EasqCheckRole(Oid role)
{
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the author of the questionnaire (role with OID %u) does not exist any more", role),
				 errhint("The owner of the questionnaire calls easq_learn again.")));
}

void
EasqBecomeAuthor(EasqAuthor *author, const EasqQuestionnaire *questionnaire)
{
	EasqCheckRole(questionnaire->author);
	GetUserIdAndSecContext(&author->saved_user, &author->saved_context);
	SetUserIdAndSecContext(questionnaire->author, author->saved_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	author->settings = EasqSettingsApply(questionnaire->settings);
}

void
EasqLeaveAuthor(const EasqAuthor *author)
{
	EasqSettingsEnd(author->settings);
	SetUserIdAndSecContext(author->saved_user, author->saved_context);
}
