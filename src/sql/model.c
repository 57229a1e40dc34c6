/*
 * easq_create_model, easq_configure, easq_drop_model.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "feature/floats.h"
#include "sql/argument.h"
#include "learn/attach.h"
#include "learn/probe.h"
#include "sql/model.h"
#include "store/answer.h"
#include "store/cache_version.h"
#include "store/model.h"
#include "store/weight.h"

PG_FUNCTION_INFO_V1(easq_create_model);
PG_FUNCTION_INFO_V1(easq_configure);
PG_FUNCTION_INFO_V1(easq_drop_model);

/* Takes the option owner out of the options; the role it names, or otherwise. */
static Oid
take_owner(Jsonb **options, Oid otherwise)
{
	JsonbValue	key = {.type = jbvString, .val.string = {.len = 5, .val = "owner"}};
	JsonbValue *value;
	Oid			role;

	if (*options == NULL || !JB_ROOT_IS_OBJECT(*options))
		return otherwise;
	value = findJsonbValueFromContainer(&(*options)->root, JB_FOBJECT, &key);
	if (value == NULL)
		return otherwise;
	if (value->type != jbvString && value->type != jbvNull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option owner must be the name of a role"),
				 errhint("Write it as a string: {\"owner\": \"curator\"}.")));
	role = value->type == jbvNull ? otherwise : get_role_oid(pnstrdup(value->val.string.val, value->val.string.len), false);
	/* As ALTER ... OWNER TO: one can only give to a role that one could act as. */
	if (role != otherwise && !EasqMaySetRole(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be able to act as role \"%s\"", GetUserNameFromId(role, false)),
				 errhint("GRANT the role to %s first.", GetUserNameFromId(GetUserId(), false))));
	*options = DatumGetJsonbP(DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(*options),
												  CStringGetTextDatum("owner")));
	return role;
}

static void
default_statistics(EasqModel *model)
{
	int			numerics = Max(model->spec->numerics, 1);

	model->backbone.mean = palloc0(sizeof(double) * numerics);
	model->backbone.deviation = palloc(sizeof(double) * numerics);
	model->backbone.priors.variance = palloc0(sizeof(double) * model->spec->count);
	model->backbone.priors.varies = palloc(sizeof(double) * model->spec->count);
	for (int i = 0; i < model->spec->count; i++)
		model->backbone.priors.varies[i] = 1;
	for (int i = 0; i < numerics; i++)
		model->backbone.deviation[i] = 1;
}

EasqModel *
EasqDefineModel(const char *name, Jsonb *features, Jsonb *options)
{
	EasqModel  *model = palloc0(sizeof(EasqModel));

	EasqModelCheckName(name);
	model->name = pstrdup(name);
	model->owner = GetUserId();
	model->spec = EasqSpecParse(features);
	model->features = EasqSpecToJsonb(model->spec);
	EasqOptionsInit(&model->options);
	EasqOptionsApply(&model->options, options, true);
	EasqModelSetShape(model);
	default_statistics(model);
	return model;
}

static void
refuse_existing(const char *name)
{
	EasqIdentity identity;

	if (EasqModelIdentity(name, &identity, true))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("model \"%s\" exists already", name),
				 errhint("Choose another name, or easq_drop_model('%s') first.", name)));
}

Datum
easq_create_model(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	Jsonb	   *options = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	Oid			owner = take_owner(&options, GetUserId());
	EasqModel  *model;
	float	   *weights;
	float	  **table;

	EasqPreventReadOnly("easq_create_model()");
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("features must not be null"),
				 errhint("Pass a list such as [{\"name\": \"age\", \"kind\": \"numeric\"}].")));
	model = EasqDefineModel(name, PG_GETARG_JSONB_P(1), options);
	model->owner = owner;
	refuse_existing(name);

	weights = EasqFloats(model->layout.total);
	EasqInitWeights(&model->layout, (uint64) model->options.seed, weights);
	table = palloc(sizeof(float *) * Max(model->spec->tables, 1));
	for (int t = 0; t < model->spec->tables; t++)
	{
		table[t] = EasqFloats((Size) model->spec->table[t].rows * model->spec->table[t].dim);
		EasqTableInit(model->spec, t, (uint64) model->options.seed, table[t]);
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	EasqModelInsert(model, weights, table);
	PopActiveSnapshot();
	PG_RETURN_VOID();
}

/* Alpha scales what alignment has learned: of the options the only one that changes scores by itself. */
static void
probe_alpha(const EasqModel *model)
{
	EasqPin    *pin = palloc(sizeof(EasqPin));

	EasqPinInit(pin, CurrentMemoryContext);
	EasqPinSet(pin, EasqVersionAcquire(model->name, GetUserId(), EASQ_TO_TEACH));
	EasqProbeWeights(model, &pin->version->backbone->encoding, pin->version->weights, true,
					 "Choose a smaller alpha: nothing was changed.");
	EasqPinSet(pin, NULL);
}

Datum
easq_configure(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");
	Jsonb	   *options = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	EasqModel  *model;
	double		alpha;

	EasqPreventReadOnly("easq_configure()");
	model = EasqModelTake(name, GetUserId(), EASQ_TO_OWN);
	model->owner = take_owner(&options, model->owner);
	alpha = model->options.hyper.alpha;
	EasqOptionsApply(&model->options, options, false);
	if (model->options.hyper.alpha != alpha)
		probe_alpha(model);
	EasqTrimRespondents(model);
	EasqTrimAnswers(model);
	EasqWriteDefinition(model);
	PopActiveSnapshot();
	PG_RETURN_VOID();
}

Datum
easq_drop_model(PG_FUNCTION_ARGS)
{
	char	   *name = EasqTextArgument(fcinfo, 0, "model");

	EasqPreventReadOnly("easq_drop_model()");
	EasqModelCheck(name, GetUserId(), EASQ_TO_OWN);
	EasqLockQuestionnaires(name);
	/* Waits for those who queue answers: what they have queued goes with the model. */
	EasqModelLockName(name, AccessExclusiveLock);
	(void) EasqModelTake(name, GetUserId(), EASQ_TO_OWN);
	EasqDetachModel(name);
	EasqModelDelete(name);
	PopActiveSnapshot();
	PG_RETURN_VOID();
}
