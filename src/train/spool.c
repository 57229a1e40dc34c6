#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "commands/tablespace.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/buffile.h"
#include "utils/memutils.h"

#include "compat.h"
#include "core/random.h"
#include "train/answer_sample.h"
#include "query/sort.h"
#include "train/spool.h"

#define NO_GROUP PG_UINT64_MAX	/* what a group mixes to once in 2^64 */

/* A row in the file: this, the example, the respondent's text, padding to whole words. */
typedef struct Record
{
	uint64		group;
	double		label;
	double		answer;
	int64		number;
	uint64		respondent;
	int32		length;
	int32		text_length;	/* -1: unknown */
} Record;

/* What the sort compares first, as bytes: big-endian. */
typedef struct SortKey
{
	uint64		group;
	uint64		content;
} SortKey;

typedef struct Place
{
	int			fileno;
	pgoff_t		offset;
} Place;

typedef struct Chunk
{
	Place		start;
	Size		bytes;
	int64		first;			/* number of its first row among all */
	int			rows;
} Chunk;

struct EasqSpool
{
	MemoryContext context;
	uint64		seed;
	int			buffer_rows;
	EasqSort	sort;
	BufFile    *file;
	StringInfoData row;			/* a row on its way into the sort */

	Chunk	   *chunk;
	int			chunks;
	int			room;
	Chunk		current;		/* being filled */
	Chunk		before;			/* the part of current before its last group */

	uint64		group;			/* of the last row */
	EasqFacts	facts;

	EasqAnswerSample	sampled;
	uint8	   *held;			/* a bit for each row */

	char	   *arena;			/* the chunk read last */
	EasqTrainRow *rows;
};

/* ---------------------------------------------------- rows into the sort */

static uint64
hash_bytes_64(const void *bytes, int length, uint64 seed)
{
	return DatumGetUInt64(hash_any_extended(bytes, length, seed));
}

/* 0 stands for respondents who are not known. */
static uint64
hash_respondent(const char *text)
{
	uint64		hash = text ? hash_bytes_64(text, (int) strlen(text), 0) : 0;

	return text && hash == 0 ? 1 : hash;
}

static void
sort_row(EasqSpool *spool, const EasqSourceRow *from)
{
	StringInfo	row = &spool->row;
	Record		record;
	SortKey		key;
	int			start = VARHDRSZ + sizeof(SortKey);

	memset(&record, 0, sizeof(record));
	record.group = from->grouped ? EasqMix(spool->seed, from->group) : NO_GROUP;
	record.label = from->grouped ? from->label : NAN;
	record.answer = from->answer;
	record.number = -1;
	record.respondent = hash_respondent(from->respondent);
	record.length = from->length;
	record.text_length = from->respondent ? (int32) strlen(from->respondent) : -1;

	resetStringInfo(row);
	enlargeStringInfo(row, start);
	row->len = start;
	appendBinaryStringInfo(row, (const char *) &record, sizeof(record));
	appendBinaryStringInfo(row, from->example, from->length);
	if (from->respondent)
		appendBinaryStringInfo(row, from->respondent, record.text_length);
	key.group = pg_hton64(record.group);
	key.content = pg_hton64(hash_bytes_64(row->data + start, row->len - start, spool->seed));
	memcpy(row->data + VARHDRSZ, &key, sizeof(key));
	SET_VARSIZE(row->data, row->len);
	EasqSortPut(&spool->sort, PointerGetDatum(row->data));
}

/* --------------------------------------------- from the sort to the file */

/* Reads a record at bytes; the text that it points to is not terminated. */
static Size
parse_record(const char *bytes, EasqTrainRow *row, int *text_length)
{
	Record		record;

	memcpy(&record, bytes, sizeof(record));
	row->example = bytes + sizeof(record);
	row->length = record.length;
	row->group = record.group;
	row->label = record.label;
	row->answer = record.answer;
	row->number = record.number;
	row->respondent = record.respondent;
	row->held = false;
	row->respondent_text = record.text_length < 0 ? NULL : row->example + record.length;
	*text_length = Max(record.text_length, 0);
	return MAXALIGN(sizeof(record) + record.length + *text_length);
}

static void
write_bytes(EasqSpool *spool, const char *bytes, Size length)
{
	BufFileWrite(spool->file, (void *) bytes, length);
	spool->current.bytes += length;
}

static Place
tell(EasqSpool *spool)
{
	Place		place;

	BufFileTell(spool->file, &place.fileno, &place.offset);
	return place;
}

static void
store_chunk(EasqSpool *spool, Chunk chunk)
{
	if (spool->chunks == spool->room)
	{
		spool->room = spool->room ? 2 * spool->room : 16;
		spool->chunk = spool->chunk ?
			repalloc_huge(spool->chunk, sizeof(Chunk) * spool->room) :
			MemoryContextAlloc(spool->context, sizeof(Chunk) * spool->room);
	}
	spool->chunk[spool->chunks++] = chunk;
}

/* Closes the chunk where its last group starts, or here where it is all of one group or the row starts another. */
static void
close_chunk(EasqSpool *spool, bool same_group)
{
	Chunk		rest = {tell(spool), 0, 0, 0};

	if (same_group && spool->before.rows > 0)
	{
		rest.start = spool->before.start;
		rest.bytes = spool->current.bytes - spool->before.bytes;
		rest.rows = spool->current.rows - spool->before.rows;
		spool->current.bytes = spool->before.bytes;
		spool->current.rows = spool->before.rows;
	}
	store_chunk(spool, spool->current);
	spool->current = rest;
	memset(&spool->before, 0, sizeof(spool->before));
}

/* before.start is where the last group starts, which before.bytes and before.rows come before. */
static void
make_room_for(EasqSpool *spool, const EasqTrainRow *row, Size size)
{
	bool		same_group = spool->facts.rows > 0 && row->group == spool->group;

	if (spool->current.rows >= spool->buffer_rows ||
		(spool->current.rows > 0 && spool->current.bytes + size > EASQ_CHUNK_BYTES))
		close_chunk(spool, same_group);
	if (same_group)
		return;
	spool->group = row->group;
	EasqFactsStartGroup(&spool->facts, row->group != NO_GROUP);
	spool->before.start = tell(spool);
	spool->before.bytes = spool->current.bytes;
	spool->before.rows = spool->current.rows;
}

static void
file_row(EasqSpool *spool, const char *bytes, Size length)
{
	static const char padding[MAXIMUM_ALIGNOF];
	EasqTrainRow row;
	int			text_length;
	Size		size = parse_record(bytes, &row, &text_length);
	bool		answered = !isnan(row.answer);

	make_room_for(spool, &row, size);
	if (answered)
		row.number = spool->facts.answers;
	write_bytes(spool, bytes, offsetof(Record, number));
	write_bytes(spool, (const char *) &row.number, sizeof(row.number));
	write_bytes(spool, bytes + offsetof(Record, respondent), length - offsetof(Record, respondent));
	write_bytes(spool, padding, size - length);
	spool->current.rows++;

	EasqFactsCountRow(&spool->facts, row.label, row.answer, row.example);
	if (answered)
	{
		if (row.respondent_text)
			row.respondent_text = pnstrdup(row.respondent_text, text_length);
		EasqSampleAnswer(&spool->sampled, &row);
		if (row.respondent_text)
			pfree((char *) row.respondent_text);
	}
}

static void
file_sorted_rows(EasqSpool *spool)
{
	Datum		datum;

	PrepareTempTablespaces();
	spool->file = BufFileCreateTemp(false);
	spool->current.start = tell(spool);
	while (EasqSortNext(&spool->sort, &datum))
	{
		bytea	   *data = DatumGetByteaPP(datum);

		CHECK_FOR_INTERRUPTS();
		file_row(spool, VARDATA_ANY(data) + sizeof(SortKey), VARSIZE_ANY_EXHDR(data) - sizeof(SortKey));
	}
	if (spool->current.rows > 0)
		store_chunk(spool, spool->current);
}

/* ---------------------------------------------------------------- public */

/* Room for the largest chunk and the sampled answers behind it. */
static void
allocate_buffer(EasqSpool *spool)
{
	Size		bytes = 1;
	Size		rows = 0;

	for (int i = 0; i < spool->chunks; i++)
	{
		bytes = Max(bytes, spool->chunk[i].bytes);
		rows = Max(rows, (Size) spool->chunk[i].rows);
	}
	spool->arena = MemoryContextAllocHuge(spool->context, bytes);
	spool->rows = MemoryContextAllocHuge(spool->context, sizeof(EasqTrainRow) * (rows + spool->sampled.count));
}

static void
number_rows(EasqSpool *spool)
{
	int64		rows = 0;

	for (int i = 0; i < spool->chunks; i++)
	{
		spool->chunk[i].first = rows;
		rows += spool->chunk[i].rows;
	}
	spool->held = MemoryContextAllocExtended(spool->context, (Size) rows / BITS_PER_BYTE + 1, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

EasqSpool *
EasqSpoolCreate(EasqSource *source, const EasqSpec *spec, uint64 seed, int buffer_rows, int keep_answers)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq spool", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EasqSpool  *spool = palloc0(sizeof(EasqSpool));
	EasqSourceRow row;

	spool->context = context;
	spool->seed = seed;
	spool->buffer_rows = buffer_rows;
	EasqFactsInit(&spool->facts, spec);
	EasqAnswerSampleInit(&spool->sampled, keep_answers, seed);
	initStringInfo(&spool->row);

	EasqSortBeginBytes(&spool->sort, maintenance_work_mem);
	while (EasqSourceNext(source, &row))
		sort_row(spool, &row);
	EasqSortPerform(&spool->sort);
	file_sorted_rows(spool);
	EasqSortEnd(&spool->sort);

	EasqFactsFinish(&spool->facts);
	EasqAnswerSampleFinish(&spool->sampled);
	allocate_buffer(spool);
	number_rows(spool);
	MemoryContextSwitchTo(old);
	return spool;
}

const EasqFacts *
EasqSpoolFacts(const EasqSpool *spool)
{
	return &spool->facts;
}

const EasqTrainRow *
EasqSpoolAnswers(const EasqSpool *spool, int *sampled)
{
	*sampled = spool->sampled.count;
	return spool->sampled.row;
}

int
EasqSpoolChunks(const EasqSpool *spool)
{
	return spool->chunks;
}

static void
read_bytes(EasqSpool *spool, const Chunk *chunk)
{
	if (BufFileSeek(spool->file, chunk->start.fileno, chunk->start.offset, SEEK_SET) != 0 ||
		BufFileRead(spool->file, spool->arena, chunk->bytes) != chunk->bytes)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read %zu bytes of a temporary file: %m", chunk->bytes),
				 errhint("Look for errors of the disk that holds the temporary files.")));
}

const EasqTrainRow *
EasqSpoolRead(EasqSpool *spool, int number, int *count)
{
	const Chunk *chunk = &spool->chunk[number];
	const char *at = spool->arena;
	int			text_length;

	read_bytes(spool, chunk);
	for (int i = 0; i < chunk->rows; i++)
	{
		int64		row = chunk->first + i;

		at += parse_record(at, &spool->rows[i], &text_length);
		spool->rows[i].respondent_text = NULL;
		spool->rows[i].held = (spool->held[row / BITS_PER_BYTE] >> row % BITS_PER_BYTE) & 1;
	}
	memcpy(spool->rows + chunk->rows, spool->sampled.row, sizeof(EasqTrainRow) * spool->sampled.count);
	*count = chunk->rows;
	return spool->rows;
}

void
EasqSpoolHold(EasqSpool *spool, int chunk, int row)
{
	int64		number = spool->chunk[chunk].first + row;

	spool->held[number / BITS_PER_BYTE] |= 1 << number % BITS_PER_BYTE;
	spool->rows[row].held = true;
}

void
EasqSpoolHoldNone(EasqSpool *spool)
{
	memset(spool->held, 0, (Size) spool->facts.rows / BITS_PER_BYTE + 1);
}

void
EasqSpoolFree(EasqSpool *spool)
{
	BufFileClose(spool->file);
	MemoryContextDelete(spool->context);
}
