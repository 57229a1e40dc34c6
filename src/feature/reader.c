/* Matching a row type's columns to features, by name. */
#include "postgres.h"

#include "access/tupdesc.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "feature/kind.h"
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
			 errhint("ROW(...) does not keep the names: select the columns FROM (SELECT ... AS %s) c and pass c, or pass them by key as jsonb, jsonb_build_object(%s, ...).",
					 quote_identifier(feature->name), quote_literal_cstr(feature->name)) :
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

static void
refuse_type(const EasqFeature *feature, Oid type)
{
	const EasqKindEntry *kind = EasqKinds[feature->kind];
	bool		array = OidIsValid(get_element_type(getBaseType(type)));
	Oid			target = kind->castable(feature, array);
	char	   *cast = format_type_be(target);

	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("%s feature \"%s\" cannot read a column of type %s",
					kind->name, feature->name, format_type_be(type)),
			 kind->embedded && !feature->hashed ?
			 errdetail("Its encoding \"index\" reads integers from 0 to " INT64_FORMAT ".", feature->size - 1) : 0,
			 kind->no_array && array ?
			 errhint("%s", kind->no_array) :
			 can_coerce_type(1, &type, &target, COERCION_EXPLICIT) ?
			 errhint("Cast it to %s in the query: %s::%s.", cast, quote_identifier(feature->name), cast) :
			 errhint("It reads %s; compute that in the query.", kind->reads)));
}

static void
judge_type(EasqColumn *column, const EasqFeature *feature, Oid declared)
{
	column->type = EasqReadAs(declared);
	if (!EasqKinds[feature->kind]->judge(feature, column, get_element_type(column->type)))
		refuse_type(feature, declared);
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
