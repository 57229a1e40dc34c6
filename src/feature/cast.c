#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/lsyscache.h"

#include "feature/cast.h"

struct EasqCast
{
	ExprState  *expression;
	ExprContext *context;
};

/*
 * An expression and not the bare cast function: it covers every way in which
 * a type casts (functions of one to three arguments, binary, through text,
 * member by member), checks the right to execute the function, and its
 * context takes what the function leaves behind.
 */
EasqCast *
EasqCastToReals(Oid type)
{
	CaseTestExpr *value = makeNode(CaseTestExpr);
	Node	   *expression = NULL;
	EasqCast   *cast;

	value->typeId = type;
	value->typeMod = -1;
	value->collation = get_typcollation(type);
	if (type != UNKNOWNOID)		/* every cast of it is allowed, and fails later */
		expression = coerce_to_target_type(NULL, (Node *) value, type, FLOAT4ARRAYOID, -1,
										   COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
	if (expression == NULL)
		return NULL;
	cast = palloc(sizeof(EasqCast));
	cast->expression = ExecInitExpr(expression_planner((Expr *) expression), NULL);
	cast->context = CreateStandaloneExprContext();
	return cast;
}

Datum
EasqCastValue(EasqCast *cast, Datum value, bool *isnull)
{
	cast->context->caseValue_datum = value;
	cast->context->caseValue_isNull = false;
	return ExecEvalExprSwitchContext(cast->expression, cast->context, isnull);
}

void
EasqCastReset(EasqCast *cast)
{
	ResetExprContext(cast->context);
}
