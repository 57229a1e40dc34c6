/* Matching a row type's columns to features, by name. */
#include "postgres.h"

#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "feature/reader.h"
#include "feature/value.h"

#define LISTED_COLUMNS 20

/* Columns f1, f2, ...: what ROW(...) and a bare list of values are given. */
static bool
has_made_up_names(TupleDesc desc)
{
	char		name[NAMEDATALEN];

	for (int i = 0; i < desc->natts; i++)
	{
		snprintf(name, sizeof(name), "f%d", i + 1);
		if (strcmp(NameStr(TupleDescAttr(desc, i)->attname), name) != 0)
			return false;
	}
	return desc->natts > 0;
}

/* Their names for a message, and in *count how many there are. */
static char *
list_columns(TupleDesc desc, int *count)
{
	StringInfoData list;
	int			live = 0;

	initStringInfo(&list);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped)
			continue;
		if (live < LISTED_COLUMNS)
			appendStringInfo(&list, "%s\"%s\"", live ? ", " : "", NameStr(attribute->attname));
		live++;
	}
	if (live > LISTED_COLUMNS)
		appendStringInfo(&list, " and %d more", live - LISTED_COLUMNS);
	*count = live;
	return live ? list.data : pstrdup("none");
}

static void
refuse_missing(const EasqFeature *feature, TupleDesc desc)
{
	int			count;
	char	   *columns = list_columns(desc, &count);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("feature \"%s\" has no column among the %d of the row", feature->name, count),
			 errdetail("The columns are: %s.", columns),
			 has_made_up_names(desc) ?
			 errhint("ROW(...) does not keep the names: select the columns FROM (SELECT ... AS %s) c and pass c.",
					 quote_identifier(feature->name)) :
			 errhint("Add the column to the query, under this name with AS if need be; NULL is a value that is not known.")));
}

static AttrNumber
find_column(const EasqFeature *feature, TupleDesc desc)
{
	AttrNumber	found = InvalidAttrNumber;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (attribute->attisdropped || strcmp(NameStr(attribute->attname), feature->name) != 0)
			continue;
		if (found != InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("feature \"%s\" has two columns of the row, number %d and number %d",
							feature->name, found, i + 1),
					 errhint("Leave one out of the query, or give it another name with AS.")));
		found = i + 1;
	}
	if (found == InvalidAttrNumber)
		refuse_missing(feature, desc);
	return found;
}

/* What to cast a column to, so that the feature can read it. */
static Oid
readable_type(const EasqFeature *feature, bool array)
{
	switch (feature->kind)
	{
		case EASQ_NUMERIC:
			return FLOAT8OID;
		case EASQ_CATEGORICAL:
			if (feature->hashed)
				return array ? TEXTARRAYOID : TEXTOID;
			return array ? INT4ARRAYOID : INT4OID;
		case EASQ_VECTOR:
			return FLOAT4ARRAYOID;
	}
	return InvalidOid;			/* keep compilers quiet */
}

static void
refuse_type(const EasqFeature *feature, Oid type)
{
	static const char *const reader[] = {
		[EASQ_NUMERIC] = "numeric feature",
		[EASQ_CATEGORICAL] = "categorical feature",
		[EASQ_VECTOR] = "vector feature",
	};
	static const char *const readable[] = {
		[EASQ_NUMERIC] = "a number or a boolean",
		[EASQ_CATEGORICAL] = "an integer or an array of integers",
		[EASQ_VECTOR] = "an array of numbers",
	};
	bool		array = OidIsValid(get_element_type(getBaseType(type)));
	Oid			target = readable_type(feature, array);
	char	   *cast = format_type_be(target);

	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s \"%s\" cannot read a column of type %s",
					reader[feature->kind], feature->name, format_type_be(type)),
			 feature->kind == EASQ_CATEGORICAL && !feature->hashed ?
			 errdetail("Its encoding \"index\" reads integers from 0 to " INT64_FORMAT ".", feature->size - 1) : 0,
			 feature->kind == EASQ_NUMERIC && array ?
			 errhint("It reads one number; an array is a feature of kind \"vector\".") :
			 can_coerce_type(1, &type, &target, COERCION_EXPLICIT) ?
			 errhint("Cast it to %s in the query: %s::%s.", cast, quote_identifier(feature->name), cast) :
			 errhint("It reads %s; compute that in the query.", readable[feature->kind])));
}

/*
 * An expression and not the bare cast function: it covers every way in which
 * a type casts (functions of one to three arguments, binary, through text,
 * member by member), checks the right to execute the function, and its
 * context takes what the function leaves behind.
 */
static void
prepare_cast(EasqColumn *column, const EasqFeature *feature, Oid declared, Oid type)
{
	CaseTestExpr *value = makeNode(CaseTestExpr);
	Node	   *cast = NULL;

	value->typeId = type;
	value->typeMod = -1;
	value->collation = get_typcollation(type);
	if (type != UNKNOWNOID)		/* every cast of it is allowed, and fails later */
		cast = coerce_to_target_type(NULL, (Node *) value, type, FLOAT4ARRAYOID, -1,
									 COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
	if (cast == NULL)
		refuse_type(feature, declared);
	column->cast = ExecInitExpr(expression_planner((Expr *) cast), NULL);
	column->cast_context = CreateStandaloneExprContext();
	column->type = FLOAT4OID;
}

static void
judge_type(EasqColumn *column, const EasqFeature *feature, Oid declared)
{
	Oid			type = EasqReadAs(declared);
	Oid			member = get_element_type(type);

	column->type = type;
	switch (feature->kind)
	{
		case EASQ_NUMERIC:
			if (!EasqIsNumber(type) && type != BOOLOID)
				refuse_type(feature, declared);
			break;
		case EASQ_CATEGORICAL:
			if (OidIsValid(member))
			{
				column->array = true;
				column->type = EasqReadAs(member);
				get_typlenbyvalalign(member, &column->length, &column->by_value, &column->align);
			}
			if (feature->hashed ? !EasqIsCategory(column->type) : !EasqIsInteger(column->type))
				refuse_type(feature, declared);
			break;
		case EASQ_VECTOR:
			column->array = true;
			if (OidIsValid(member))
				column->type = EasqReadAs(member);
			if (!OidIsValid(member) || !EasqIsNumber(column->type))
				prepare_cast(column, feature, declared, type);
			break;
	}
}

EasqReader *
EasqReaderCreate(const EasqSpec *spec, TupleDesc desc, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	EasqReader *reader;

	reader = palloc0(offsetof(EasqReader, column) + spec->count * sizeof(EasqColumn));
	reader->spec = spec;
	for (int i = 0; i < spec->count; i++)
	{
		const EasqFeature *feature = &spec->feature[i];
		EasqColumn *column = &reader->column[i];

		column->attribute = find_column(feature, desc);
		judge_type(column, feature, TupleDescAttr(desc, column->attribute - 1)->atttypid);
	}
	MemoryContextSwitchTo(old);
	return reader;
}
