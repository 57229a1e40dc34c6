#include "postgres.h"

#include "common/int.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "compat.h"
#include "core/shape.h"
#include "feature/json.h"
#include "feature/problem.h"
#include "feature/spec.h"
#include "transfer/safetensors.h"

#define METADATA "__metadata__"
#define PREFIX 8				/* bytes of the header's length */
/*
 * What a model of the most features, with the longest names, needs of a header
 * that another library escaped and laid out as it likes; and how many tensors it has.
 */
#define MAX_HEADER (1024 * 1024)
#define MAX_TENSORS (EASQ_TENSORS + 2 * EASQ_MAX_FEATURES)

static void
refuse(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("not a safetensors file: %s", message),
			 errhint("Pass the bytes that easq_export or a safetensors library wrote, whole.")));
}

static EASQ_JSON_ACTION
count_key(void *keys, char *name pg_attribute_unused(), bool isnull pg_attribute_unused())
{
	(*(int64 *) keys)++;
	return EASQ_JSON_DONE;
}

/* jsonb keeps one of two equal keys, and safetensors allows no such pair. */
static bool
has_keys(Jsonb *document, int64 keys)
{
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
		if (token == WJB_KEY)
			keys--;
	return keys == 0;
}

Jsonb *
EasqFileJson(char *text, const char **problem)
{
	int64		keys = 0;
	JsonSemAction actions = {.semstate = &keys, .object_field_start = count_key};
	Jsonb	   *document;

	*problem = "is not JSON";
	if (pg_parse_json(EasqJsonLexer(text, (int) strlen(text)), &actions) != JSON_SUCCESS)
		return NULL;
	document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
	*problem = "has the same key twice in an object";
	return has_keys(document, keys) ? document : NULL;
}

static Jsonb *
parse_header(const char *bytes, int64 length, int64 *header_length)
{
	uint64		n = 0;
	char	   *text;
	Jsonb	   *header;
	const char *problem;

	if (length < PREFIX)
		refuse(psprintf("%lld bytes are too short for the header's length", (long long) length));
	for (int i = PREFIX - 1; i >= 0; i--)
		n = n << 8 | (uint8) bytes[i];
	if (n > (uint64) (length - PREFIX))
		refuse(psprintf("the header should have %llu bytes, and %lld follow", (unsigned long long) n, (long long) (length - PREFIX)));
	if (n > MAX_HEADER)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the header of the file has %llu bytes, and no model needs more than %d", (unsigned long long) n, MAX_HEADER),
				 errhint("Leave out of __metadata__ what easq_export does not write.")));
	if (memchr(bytes + PREFIX, '\0', n) != NULL)
		refuse("the header contains a zero byte");
	text = pnstrdup(bytes + PREFIX, n);
	if (!pg_verify_mbstr(PG_UTF8, text, (int) n, true))
		refuse("the header is not UTF-8");
	text = pg_any_to_server(text, (int) n, PG_UTF8);
	header = EasqFileJson(text, &problem);
	if (header == NULL)
		refuse(psprintf("the header %s", problem));
	if (!JB_ROOT_IS_OBJECT(header))
		refuse("the header is not a JSON object");
	*header_length = (int64) n;
	return header;
}

static JsonbValue *
member(JsonbContainer *object, const char *name)
{
	JsonbValue	key = {.type = jbvString, .val.string = {.len = (int) strlen(name), .val = (char *) name}};

	return findJsonbValueFromContainer(object, JB_FOBJECT, &key);
}

/* Numbers of a JSON array of non-negative integers; returns how many, at most limit.  tensor: its name for messages */
static int
integers(const char *tensor, const char *name, JsonbValue *value, int limit, int64 *out)
{
	int			count;

	if (value == NULL || value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		refuse(psprintf("tensor \"%s\" has no array %s", tensor, name));
	count = (int) JsonContainerSize(value->val.binary.data);
	if (count > limit)
		refuse(psprintf("tensor \"%s\" has %d numbers in %s, and at most %d are allowed", tensor, count, name, limit));
	for (int i = 0; i < count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(value->val.binary.data, (uint32) i);

		if (element == NULL || element->type != jbvNumeric || !EasqJsonInteger(element, &out[i]) || out[i] < 0)
			refuse(psprintf("tensor \"%s\" has something in %s that is not a size", tensor, name));
	}
	return count;
}

static void
parse_tensor(EasqFileTensor *tensor, char *full_name, JsonbValue *value, int64 data_length)
{
	const char *name = EasqClipText(full_name, EASQ_TENSOR_QUOTED);
	JsonbContainer *object;
	JsonbValue *dtype;
	int64		offsets[2];
	int64		bytes;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		refuse(psprintf("tensor \"%s\" is not described by an object", name));
	object = value->val.binary.data;
	dtype = member(object, "dtype");
	if (dtype == NULL || dtype->type != jbvString)
		refuse(psprintf("tensor \"%s\" has no dtype", name));
	if (!EasqJsonIs(dtype, "F32"))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tensor \"%s\" has dtype %s, not F32", name, EasqClipText(EasqJsonText(dtype), EASQ_QUOTED)),
				 errhint("Convert the tensors to float32 before writing the file.")));
	tensor->name = full_name;
	tensor->used = false;
	tensor->ndim = integers(name, "shape", member(object, "shape"), EASQ_MAX_TENSOR_DIMS, tensor->dim);
	if (integers(name, "data_offsets", member(object, "data_offsets"), 2, offsets) != 2)
		refuse(psprintf("tensor \"%s\" needs two data_offsets", name));
	tensor->count = 1;
	for (int i = 0; i < tensor->ndim; i++)
		if (pg_mul_s64_overflow(tensor->count, tensor->dim[i], &tensor->count))
			refuse(psprintf("the shape of tensor \"%s\" is too large", name));
	if (pg_mul_s64_overflow(tensor->count, sizeof(float), &bytes))
		refuse(psprintf("the shape of tensor \"%s\" is too large", name));
	if (offsets[0] > offsets[1] || offsets[1] > data_length)
		refuse(psprintf("tensor \"%s\" lies at bytes %lld to %lld of %lld", name,
						(long long) offsets[0], (long long) offsets[1], (long long) data_length));
	if (offsets[1] - offsets[0] != bytes)
		refuse(psprintf("tensor \"%s\" has %lld bytes, and its shape needs %lld", name,
						(long long) (offsets[1] - offsets[0]), (long long) bytes));
	tensor->begin = offsets[0];
}

static int
by_place(const void *a, const void *b)
{
	const EasqFileTensor *x = a;
	const EasqFileTensor *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return x->count < y->count ? -1 : x->count > y->count;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const EasqFileTensor *) a)->name, ((const EasqFileTensor *) b)->name);
}

static void
check_tiling(EasqFile *file)
{
	int64		at = 0;

	qsort(file->tensor, file->count, sizeof(EasqFileTensor), by_place);
	for (int i = 0; i < file->count; i++)
	{
		if (file->tensor[i].begin != at)
			refuse(psprintf("tensor \"%s\" begins at byte %lld of the data instead of %lld",
							EasqClipText(file->tensor[i].name, EASQ_TENSOR_QUOTED),
							(long long) file->tensor[i].begin, (long long) at));
		at += file->tensor[i].count * (int64) sizeof(float);
	}
	if (at != file->length)
		refuse(psprintf("the tensors fill %lld of %lld bytes of data", (long long) at, (long long) file->length));
}

static Jsonb *
metadata_of(JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	item;
	Jsonb	   *metadata;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		refuse("__metadata__ is not an object");
	metadata = JsonbValueToJsonb(value);
	iterator = JsonbIteratorInit(&metadata->root);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
		if (token == WJB_VALUE && item.type != jbvString)
			refuse("__metadata__ holds something that is not a string");
	return metadata;
}

/* Tensors and __metadata__, counted before any of them is looked at. */
static int
check_count(Jsonb *header)
{
	int			tensors = (int) JB_ROOT_COUNT(header) - (member(&header->root, METADATA) != NULL);

	if (tensors > MAX_TENSORS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the file has %d tensors, and no model has more than %d", tensors, MAX_TENSORS),
				 errhint("The file must come from a model of easq.")));
	return tensors;
}

EasqFile *
EasqFileParse(const char *bytes, int64 length)
{
	EasqFile   *file = palloc0(sizeof(EasqFile));
	int64		header_length;
	Jsonb	   *header = parse_header(bytes, length, &header_length);
	JsonbIterator *iterator = JsonbIteratorInit(&header->root);
	JsonbIteratorToken token;
	JsonbValue	item;
	char	   *name = NULL;

	file->data = bytes + PREFIX + header_length;
	file->length = length - PREFIX - header_length;
	file->tensor = palloc(sizeof(EasqFileTensor) * Max(check_count(header), 1));
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(item.val.string.val, item.val.string.len);
		else if (token == WJB_VALUE && strcmp(name, METADATA) == 0)
			file->metadata = metadata_of(&item);
		else if (token == WJB_VALUE)
			parse_tensor(&file->tensor[file->count++], name, &item, file->length);
	}
	check_tiling(file);
	qsort(file->tensor, file->count, sizeof(EasqFileTensor), by_name);
	return file;
}

EasqFileTensor *
EasqFileFind(const EasqFile *file, const char *name)
{
	EasqFileTensor wanted = {.name = (char *) name};

	return file->count > 0 ? bsearch(&wanted, file->tensor, file->count, sizeof(EasqFileTensor), by_name) : NULL;
}

char *
EasqFileMetadata(const EasqFile *file, const char *key)
{
	JsonbValue *value = file->metadata ? member(&file->metadata->root, key) : NULL;

	return value ? EasqJsonText(value) : NULL;
}

void
EasqFileWriterInit(EasqFileWriter *writer)
{
	memset(writer, 0, sizeof(*writer));
	initStringInfo(&writer->header);
	appendStringInfoChar(&writer->header, '{');
}

void
EasqFileWriterMetadata(EasqFileWriter *writer, const char *key, const char *value, bool first, bool last)
{
	appendStringInfoString(&writer->header, first ? "\"__metadata__\":{" : ",");
	escape_json(&writer->header, key);
	appendStringInfoChar(&writer->header, ':');
	escape_json(&writer->header, value);
	if (last)
		appendStringInfoChar(&writer->header, '}');
}

void
EasqFileWriterTensor(EasqFileWriter *writer, const char *name, int ndim, const int64 *dim)
{
	StringInfo	header = &writer->header;
	int64		begin = writer->offset;
	int64		count = 1;

	if (header->len > 1)
		appendStringInfoChar(header, ',');
	escape_json(header, name);
	appendStringInfoString(header, ":{\"dtype\":\"F32\",\"shape\":[");
	for (int i = 0; i < ndim; i++)
	{
		appendStringInfo(header, i > 0 ? ",%lld" : "%lld", (long long) dim[i]);
		count *= dim[i];
	}
	writer->offset += count * (int64) sizeof(float);
	appendStringInfo(header, "],\"data_offsets\":[%lld,%lld]}", (long long) begin, (long long) writer->offset);
}

void
EasqFileWriterBeginData(EasqFileWriter *writer)
{
	char	   *text;
	int			length;
	int64		total;

	appendStringInfoChar(&writer->header, '}');
	text = pg_server_to_any(writer->header.data, writer->header.len, PG_UTF8);
	length = (int) strlen(text);
	/* Data begins at a multiple of 8. */
	total = PREFIX + TYPEALIGN64(8, length) + writer->offset;
	if (total > (int64) (MaxAllocSize - VARHDRSZ))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the model has %lld bytes, and a bytea holds at most %lld", (long long) total,
						(long long) (MaxAllocSize - VARHDRSZ)),
				 errhint("Copy the tables of schema easq instead, for example with pg_dump.")));
	writer->file = palloc(VARHDRSZ + total);
	SET_VARSIZE(writer->file, VARHDRSZ + total);
	writer->at = VARDATA(writer->file);
	memset(writer->at, 0, PREFIX);
	for (int i = 0; i < PREFIX; i++)
		writer->at[i] = (char) ((uint64) TYPEALIGN64(8, length) >> (8 * i) & 0xff);
	memset(writer->at + PREFIX, ' ', TYPEALIGN64(8, length));
	memcpy(writer->at + PREFIX, text, length);
	writer->at += PREFIX + TYPEALIGN64(8, length);
}

void
EasqFileWriterData(EasqFileWriter *writer, const float *data, size_t count)
{
	memcpy(writer->at, data, sizeof(float) * count);
	writer->at += sizeof(float) * count;
}
