/*
 * easq_forget: a person, or one answer, out of all that is kept.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "learn/answer_key.h"
#include "sql/argument.h"
#include "store/answer_forget.h"
#include "store/answer_rate.h"
#include "store/log.h"
#include "store/model.h"
#include "store/weight.h"

PG_FUNCTION_INFO_V1(easq_forget);

static void
tell_what_stays(const EasqModel *model)
{
	int64		rehearsed;
	int64		held;

	EasqPairsLeft(model, &rehearsed, &held);
	if (rehearsed + held > 0)
		ereport(NOTICE,
				(errmsg("model \"%s\" keeps " INT64_FORMAT " pairs of views that training left to rehearse and " INT64_FORMAT
						" to judge by: features, without names", model->name, rehearsed, held),
				 errhint("They stay until the next easq_train replaces them; what the weights have learned stays too.")));
}

Datum
easq_forget(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	char	   *respondent = EasqOptionalText(fcinfo, 1);
	char	   *key = EasqOptionalText(fcinfo, 2);
	uint8		named[EASQ_KEY_BYTES];
	EasqModel  *model;
	int64		forgotten;

	EasqPreventReadOnly("easq_forget()");
	if (respondent == NULL && key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("respondent and key must not both be null"),
				 errhint("Say whose answers are to be forgotten, or the key of one; easq_drop_model forgets all of a model.")));
	if (key)
		EasqNameDigest(key, named);

	model = EasqModelTake(name, GetUserId(), EASQ_TO_OWN);
	forgotten = EasqForgetAnswers(model, respondent, key ? named : NULL);
	/* A limit is a person's and not an answer's: to take one back gives no turn back. */
	if (key == NULL)
		EasqForgetTurns(model, respondent);
	EasqLogForgetQuotes(model->name);
	/* In any case, so that a REPEATABLE READ transaction that has read what is gone does not learn from it. */
	EasqWriteCounters(model);
	tell_what_stays(model);
	PopActiveSnapshot();
	PG_RETURN_INT64(forgotten);
}
