/*
 * The columns of a table against the list of columns.h.  Rows are read and written by attribute number, so that a
 * column too many, too few or of another type would be taken for another.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/inval.h"

#include "store/columns.h"

typedef struct Column
{
	const char *name;
	Oid			type;
} Column;

#define MOST_COLUMNS 48

typedef struct Table
{
	const char *name;
	Oid			checked;		/* the relation that was found right, and has not changed since */
	Column		column[MOST_COLUMNS];	/* up to one without a name */
} Table;

#define COLUMN(number, name, type) {name, type},
#define TABLE(name, columns) {name, InvalidOid, {columns(COLUMN) {NULL, InvalidOid}}},

static Table tables[] = {EASQ_TABLES(TABLE)};

static void
on_change(Datum arg pg_attribute_unused(), Oid relation)
{
	for (int i = 0; i < (int) lengthof(tables); i++)
		if (!OidIsValid(relation) || tables[i].checked == relation)
			tables[i].checked = InvalidOid;
}

static Table *
find_table(const char *name)
{
	static bool watching = false;

	if (!watching)
		CacheRegisterRelcacheCallback(on_change, (Datum) 0);
	watching = true;
	for (int i = 0; i < (int) lengthof(tables); i++)
		if (strcmp(tables[i].name, name) == 0)
			return &tables[i];
	return NULL;
}

/* found: what is in its place, NULL: nothing. */
static void
refuse_missing(const char *table, const char *column, Form_pg_attribute found)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table easq.%s has no column \"%s\" where easq made it", table, column),
			 found ? errhint("If it was renamed: ALTER TABLE easq.%s RENAME COLUMN %s TO %s.", table,
							 quote_identifier(NameStr(found->attname)), column)
			 : errhint("Restore a dump of the database that has it.")));
}

static void
refuse_type(const char *table, Form_pg_attribute attribute, Oid type)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" of table easq.%s is of type %s instead of %s", NameStr(attribute->attname), table,
					format_type_be(attribute->atttypid), format_type_be(type)),
			 errhint("ALTER TABLE easq.%s ALTER COLUMN %s TYPE %s brings it back.", table,
					 quote_identifier(NameStr(attribute->attname)), format_type_be(type))));
}

static void
refuse_additional(const char *table, const char *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table easq.%s has a column \"%s\" that easq did not make", table, column),
			 errhint("ALTER TABLE easq.%s DROP COLUMN %s.", table, quote_identifier(column))));
}

/* The first place where a table is not as the list says: number of the column that is listed, or of one that is not. */
static int
first_difference(const Table *table, TupleDesc description)
{
	int			columns = 0;

	for (; table->column[columns].name; columns++)
	{
		const Column *column = &table->column[columns];
		Form_pg_attribute attribute = columns < description->natts ? TupleDescAttr(description, columns) : NULL;

		if (attribute == NULL || attribute->attisdropped || strcmp(NameStr(attribute->attname), column->name) != 0 ||
			(OidIsValid(column->type) && attribute->atttypid != column->type))
			return columns;
	}
	for (int i = columns; i < description->natts; i++)
		if (!TupleDescAttr(description, i)->attisdropped)
			return i;
	return -1;
}

static void
refuse(const Table *table, TupleDesc description, int place)
{
	const Column *column = NULL;
	Form_pg_attribute attribute = place < description->natts ? TupleDescAttr(description, place) : NULL;

	for (int i = 0; table->column[i].name; i++)
		if (i == place)
			column = &table->column[i];
	if (attribute && attribute->attisdropped)
		attribute = NULL;
	if (column == NULL)
		refuse_additional(table->name, NameStr(attribute->attname));
	else if (attribute == NULL || strcmp(NameStr(attribute->attname), column->name) != 0)
		refuse_missing(table->name, column->name, attribute);
	else
		refuse_type(table->name, attribute, column->type);
}

bool
EasqColumnsFit(Relation relation, const char *name)
{
	Table	   *table = find_table(name);

	if (table == NULL || table->checked == RelationGetRelid(relation))
		return true;
	if (first_difference(table, RelationGetDescr(relation)) >= 0)
		return false;
	table->checked = RelationGetRelid(relation);
	return true;
}

void
EasqCheckColumns(Relation relation, const char *name)
{
	Table	   *table = find_table(name);

	if (!EasqColumnsFit(relation, name))
		refuse(table, RelationGetDescr(relation), first_difference(table, RelationGetDescr(relation)));
}

const char *
EasqColumnName(const char *table, AttrNumber column)
{
	return find_table(table)->column[column - 1].name;
}
