#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "store/adapter.h"
#include "store/belief.h"
#include "store/columns.h"
#include "store/row.h"

bool
EasqModelBelieves(const EasqModel *model)
{
	return model->options.beliefs && EasqSpecHasValues(model->spec);
}

static char *
tensor_name(const EasqBeliefTable *table)
{
	return psprintf("belief.%s", table->name);
}

void
EasqOpinionComplete(const EasqModel *model, const EasqBeliefs *beliefs, double main, double satisfaction,
					EasqOpinion *opinion)
{
	const EasqAlignmentState *state = &model->adapter.alignment;

	EasqBeliefsAddMain(beliefs, EasqMainTerm(main, state->main_mean, state->main_deviation), opinion);
	EasqBeliefsAddPathway(beliefs, EasqPathwayTerm(satisfaction, state->pathway_scale), opinion);
}

bool
EasqBeliefRow(const char *part, const pg_uuid_t *id, pg_uuid_t *sum)
{
	if (strcmp(part, EASQ_BELIEF_PART) != 0)
		return false;
	for (int i = 0; i < UUID_LEN; i++)
		sum->data[i] ^= id->data[i];
	return true;
}

static EasqPlace
place_of(const EasqModel *model, const char *state)
{
	EasqPlace	place = {model->name, 0, model->adapter.name, state};

	return place;
}

/* Keys of a table's rows, or of one of its chunks (chunk below 0: all). */
static int
set_keys(ScanKey keys, const EasqPlace *place, const EasqBeliefTable *table, int chunk)
{
	int			nkeys = EasqPlaceKeys(keys, place);

	EasqKeyText(&keys[nkeys++], TENSOR_NAME, tensor_name(table));
	EasqKeyText(&keys[nkeys++], TENSOR_PART, EASQ_BELIEF_PART);
	if (chunk >= 0)
		EasqKeyInt4(&keys[nkeys++], TENSOR_CHUNK, BTEqualStrategyNumber, chunk);
	return nkeys;
}

#define MOST_KEYS (EASQ_PLACE_KEYS + 3)

static Size
chunk_bytes(const EasqBeliefTable *table, int chunk)
{
	return sizeof(EasqBelief) * (Size) Min((int64) EASQ_BELIEF_ROWS, table->size - (int64) chunk * EASQ_BELIEF_ROWS);
}

/* ----------------------------------------------------------------- reading */

static void
refuse(const EasqModel *model, const EasqBeliefTable *table, int chunk, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("chunk %d of %s of model \"%s\" %s", chunk, tensor_name(table), model->name, why),
			 errhint("The row was not written by easq; restore it from a backup.")));
}

static void
fill_chunk(EasqBeliefChunk *chunk, const EasqModel *model, const EasqBeliefTable *table, int number, Datum datum)
{
	bytea	   *data = DatumGetByteaPP(datum);
	Size		bytes = chunk_bytes(table, number);

	if (VARSIZE_ANY_EXHDR(data) != bytes)
		refuse(model, table, number, psprintf("has %zu bytes instead of %zu", (Size) VARSIZE_ANY_EXHDR(data), bytes));
	memcpy(chunk->row, VARDATA_ANY(data), bytes);
	for (Size i = 0; i < bytes / sizeof(EasqBelief); i++)
		if (!isfinite(chunk->row[i].mean) || !isfinite(chunk->row[i].variance) || chunk->row[i].variance < 0)
			refuse(model, table, number, "holds what is no mean and variance");
	if ((Pointer) data != DatumGetPointer(datum))
		pfree(data);
}

static void
read_row(EasqBeliefs *beliefs, int t, const EasqScan *scan, HeapTuple tuple, const EasqModel *model, const EasqBeliefs *like)
{
	const EasqBeliefTable *table = &beliefs->table[t];
	int			number = DatumGetInt32(EasqColumn(scan, tuple, TENSOR_CHUNK));
	pg_uuid_t	id = EasqColumnId(scan, tuple, TENSOR_ID);
	EasqBeliefChunk *known;

	if (number < 0 || number >= table->chunks || table->chunk[number] || EasqBeliefIdIsNone(&id))
		refuse(model, table, number, "is one too many");
	known = like ? like->table[t].chunk[number] : NULL;
	if (known && memcmp(&known->id, &id, sizeof(id)) == 0)
		EasqBeliefsShare(beliefs, t, number, known);
	else
		fill_chunk(EasqBeliefsLoad(beliefs, t, number, &id), model, table, number, EasqColumn(scan, tuple, TENSOR_DATA));
}

static EasqBeliefs *
read_beliefs(const EasqModel *model, const char *state, const pg_uuid_t *id, const EasqBeliefs *like)
{
	EasqPlace	place = place_of(model, state);
	EasqBeliefs *beliefs = EasqBeliefsCreate(model->spec, &model->backbone.priors);

	for (int t = 0; t < beliefs->tables && !EasqBeliefIdIsNone(id); t++)
	{
		ScanKeyData keys[MOST_KEYS];
		EasqScan	scan;
		HeapTuple	tuple;
		int			nkeys;

		if (beliefs->table[t].chunks == 0)
			continue;
		nkeys = set_keys(keys, &place, &beliefs->table[t], -1);
		EasqScanBegin(&scan, "tensor", "tensor_pkey", AccessShareLock, GetActiveSnapshot(), nkeys, keys);
		while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
		{
			CHECK_FOR_INTERRUPTS();
			read_row(beliefs, t, &scan, tuple, model, like);
		}
		EasqScanEnd(&scan);
	}
	if (memcmp(&beliefs->id, id, sizeof(*id)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("the beliefs of model \"%s\" belong to another version", model->name),
				 errhint("The tables of schema easq must be restored together.")));
	return beliefs;
}

EasqBeliefs *
EasqBeliefsRead(const EasqModel *model, const EasqBeliefs *like)
{
	return EasqModelBelieves(model) ? read_beliefs(model, EASQ_CURRENT, &model->adapter.beliefs, like) : NULL;
}

EasqBeliefs *
EasqBeliefsReadState(const EasqModel *model, const char *state, const pg_uuid_t *id)
{
	return EasqModelBelieves(model) ? read_beliefs(model, state, id, NULL) : NULL;
}

/* ----------------------------------------------------------------- writing */

static void
write_row(EasqWriter *writer, const EasqPlace *place, int64 version, const EasqBeliefTable *table, int number,
		  const EasqBeliefChunk *chunk, bool may_be_there)
{
	EasqRow		row;
	EasqScan	scan;
	HeapTuple	old = NULL;

	EasqRowInit(&row);
	EasqRowSet(&row, TENSOR_VERSION, Int64GetDatum(version));
	EasqRowSetId(&row, TENSOR_ID, &chunk->id);
	EasqRowSet(&row, TENSOR_DATA, EasqBytesDatum(chunk->row, chunk_bytes(table, number)));
	if (may_be_there)
	{
		ScanKeyData keys[MOST_KEYS];
		int			nkeys = set_keys(keys, place, table, number);

		EasqScanBegin(&scan, "tensor", "tensor_pkey", RowExclusiveLock, GetActiveSnapshot(), nkeys, keys);
		old = EasqScanNext(&scan, true);
	}
	if (HeapTupleIsValid(old))
		EasqWriterUpdate(writer, old, row.values, row.nulls, row.replaces);
	else
	{
		EasqRowSetText(&row, TENSOR_MODEL, place->model);
		EasqRowSet(&row, TENSOR_CHECKPOINT, Int32GetDatum(place->checkpoint));
		EasqRowSetText(&row, TENSOR_ADAPTER, place->adapter);
		EasqRowSetText(&row, TENSOR_STATE, place->state);
		EasqRowSetText(&row, TENSOR_NAME, tensor_name(table));
		EasqRowSetText(&row, TENSOR_PART, EASQ_BELIEF_PART);
		EasqRowSet(&row, TENSOR_CHUNK, Int32GetDatum(number));
		EasqWriterInsert(writer, row.values, row.nulls);
	}
	if (may_be_there)
		EasqScanEnd(&scan);
}

/* Finite they are: EasqBelieve leaves out what is not, but a float may overflow. */
static void
check_chunk(const EasqModel *model, const EasqBeliefTable *table, int number, const EasqBeliefChunk *chunk)
{
	for (Size i = 0; i < chunk_bytes(table, number) / sizeof(EasqBelief); i++)
		if (!isfinite(chunk->row[i].mean) || !isfinite(chunk->row[i].variance))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("model \"%s\" would hold a belief about feature \"%s\" that is not finite", model->name, table->name),
					 errhint("Nothing was stored.")));
}

/* Of a chunk that has changed, and may be named twice among the changes; false where it has its id already. */
static bool
give_id(const EasqModel *model, EasqBeliefs *beliefs, const EasqBeliefTable *table, int number)
{
	EasqBeliefChunk *chunk = table->chunk[number];
	pg_uuid_t	id;

	if (!EasqBeliefIdIsNone(&chunk->id))
		return false;
	check_chunk(model, table, number, chunk);
	id = EasqNewId();
	EasqBeliefsStored(beliefs, chunk, &id);
	return true;
}

void
EasqBeliefsWrite(EasqModel *model, EasqBeliefs *beliefs, int64 version)
{
	EasqPlace	place = place_of(model, EASQ_CURRENT);
	EasqWriter	writer;

	EasqWriterBegin(&writer, "tensor");
	for (int i = 0; i < beliefs->changes; i++)
	{
		const EasqBeliefTable *table = &beliefs->table[beliefs->change[i].table];
		int			number = beliefs->change[i].chunk;

		if (give_id(model, beliefs, table, number))
			write_row(&writer, &place, version, table, number, table->chunk[number], true);
	}
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
	beliefs->changes = 0;
	model->adapter.beliefs = beliefs->id;
}

static void
delete_rows(const EasqPlace *place, const EasqBeliefs *beliefs)
{
	for (int t = 0; t < beliefs->tables; t++)
	{
		ScanKeyData keys[MOST_KEYS];
		int			nkeys = set_keys(keys, place, &beliefs->table[t], -1);

		if (beliefs->table[t].chunks > 0)
			EasqDeleteRows("tensor", "tensor_pkey", nkeys, keys);
	}
	UpdateActiveSnapshotCommandId();
}

/* All chunks into a place that has none; they have their ids. */
static void
write_all(const EasqModel *model, const EasqPlace *place, const EasqBeliefs *beliefs)
{
	EasqWriter	writer;

	EasqWriterBegin(&writer, "tensor");
	for (int t = 0; t < beliefs->tables; t++)
		for (int c = 0; c < beliefs->table[t].chunks; c++)
		{
			CHECK_FOR_INTERRUPTS();
			if (beliefs->table[t].chunk[c])
				write_row(&writer, place, model->adapter.version, &beliefs->table[t], c, beliefs->table[t].chunk[c], false);
		}
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

void
EasqBeliefsReplace(EasqModel *model, EasqBeliefs *beliefs)
{
	EasqPlace	place = place_of(model, EASQ_CURRENT);

	delete_rows(&place, beliefs);
	for (int i = 0; i < beliefs->changes; i++)
		(void) give_id(model, beliefs, &beliefs->table[beliefs->change[i].table], beliefs->change[i].chunk);
	beliefs->changes = 0;
	write_all(model, &place, beliefs);
	model->adapter.beliefs = beliefs->id;
}

void
EasqBeliefsKeep(const EasqModel *model, const char *state, const EasqBeliefs *beliefs)
{
	EasqPlace	place = place_of(model, state);

	Assert(beliefs->changes == 0);
	delete_rows(&place, beliefs);
	write_all(model, &place, beliefs);
}
