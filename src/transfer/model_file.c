#include "postgres.h"

#include <float.h>
#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "compat.h"
#include "core/kernel.h"
#include "feature/floats.h"
#include "feature/json.h"
#include "transfer/belief_file.h"
#include "transfer/model_file.h"

#define VIEWS 5				/* how beliefs see the pathways, the knob, and the sharpness */
#define FILE_FORMAT 1		/* of the file, whatever that of the tables is */

static char *
doubles_text(const double *values, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoChar(&text, '[');
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, i > 0 ? ",%.17g" : "%.17g", values[i]);
	appendStringInfoChar(&text, ']');
	return text.data;
}

static char *
jsonb_text(Jsonb *jsonb)
{
	return JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
}

static void
write_metadata(EasqFileWriter *writer, const EasqModel *model)
{
	const EasqAlignmentState *state = &model->adapter.alignment;
	double		views[VIEWS] = {state->main_mean, state->main_deviation, state->pathway_scale, state->knob, state->surprise.sharpness};

	EasqFileWriterMetadata(writer, "format", psprintf("easq %d", FILE_FORMAT), true, false);
	EasqFileWriterMetadata(writer, "alpha", psprintf("%.17g", model->options.hyper.alpha), false, false);
	EasqFileWriterMetadata(writer, "features", jsonb_text(model->features), false, false);
	EasqFileWriterMetadata(writer, "options", jsonb_text(EasqOptionsToJsonb(&model->options)), false, false);
	EasqFileWriterMetadata(writer, "mean", doubles_text(model->backbone.mean, model->spec->numerics), false, false);
	EasqFileWriterMetadata(writer, "deviation", doubles_text(model->backbone.deviation, model->spec->numerics), false, false);
	if (EasqModelBelieves(model))
	{
		EasqFileWriterMetadata(writer, "prior", doubles_text(model->backbone.priors.variance, model->spec->count), false, false);
		EasqFileWriterMetadata(writer, "varies", doubles_text(model->backbone.priors.varies, model->spec->count), false, false);
		EasqFileWriterMetadata(writer, "beliefs", doubles_text(views, lengthof(views)), false, false);
	}
	EasqFileWriterMetadata(writer, "trained", model->backbone.trained ? "true" : "false", false, true);
}

/* Calls visit for every tensor of the model in the order of the file, and the first so many of its tables. */
typedef void (*VisitTensor) (const char *name, int ndim, const int64 *dim, float *data, void *arg);

static void
visit_tensors(const EasqModel *model, float *weights, float **table, int tables, VisitTensor visit, void *arg)
{
	int64		dim[3];

	for (int i = 0; i < EASQ_TENSORS; i++)
	{
		const EasqTensor *tensor = &model->layout.tensor[i];

		if (tensor->count == 0)
			continue;
		for (int j = 0; j < tensor->ndim; j++)
			dim[j] = tensor->dim[j];
		visit(tensor->name, tensor->ndim, dim, weights + tensor->offset, arg);
	}
	for (int t = 0; t < tables; t++)
	{
		dim[0] = model->spec->table[t].rows;
		dim[1] = model->spec->table[t].dim;
		visit(EasqTableName(&model->spec->table[t]), 2, dim, table[t], arg);
	}
}

/* Tables of a model that a file of it holds: without factors where they have nothing to say, which is then the reference's file. */
static int
spoken_tables(const EasqModel *model, float **table)
{
	const EasqSpec *spec = model->spec;

	for (int t = spec->tables - 1; t >= 0; t--)
		if (!spec->table[t].factors || EasqSquares((size_t) spec->table[t].rows * spec->table[t].dim, table[t]) > 0)
			return spec->table[t].factors ? spec->tables : t + 1;
	return 0;
}

static void
write_header(const char *name, int ndim, const int64 *dim, float *data pg_attribute_unused(), void *writer)
{
	EasqFileWriterTensor(writer, name, ndim, dim);
}

static int64
count_of(int ndim, const int64 *dim)
{
	int64		count = 1;

	for (int i = 0; i < ndim; i++)
		count *= dim[i];
	return count;
}

static void
write_data(const char *name pg_attribute_unused(), int ndim, const int64 *dim, float *data, void *writer)
{
	EasqFileWriterData(writer, data, count_of(ndim, dim));
}

bytea *
EasqModelToFile(const EasqVersion *version)
{
	const EasqModel *model = version->model;
	float	   *weights = (float *) version->weights;
	float	  **table = version->backbone->encoding.table;
	int			tables = spoken_tables(model, table);
	EasqFileWriter writer;

	EasqFileWriterInit(&writer);
	write_metadata(&writer, model);
	visit_tensors(model, weights, table, tables, write_header, &writer);
	EasqBeliefsFileHeader(&writer, version->beliefs);
	EasqFileWriterBeginData(&writer);
	visit_tensors(model, weights, table, tables, write_data, &writer);
	EasqBeliefsFileData(&writer, version->beliefs);
	return writer.file;
}

static char *
shape_text(int ndim, const int64 *dim)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < ndim; i++)
		appendStringInfo(&text, i > 0 ? " x %lld" : "%lld", (long long) dim[i]);
	return text.data;
}

static void
read_tensor(const char *name, int ndim, const int64 *dim, float *data, void *arg)
{
	EasqFile   *file = arg;
	EasqFileTensor *tensor = EasqFileFind(file, name);

	if (tensor == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the file has no tensor \"%s\"", name),
				 errhint("The file must come from a model of the same features, rank and experts.")));
	if (tensor->ndim != ndim || memcmp(tensor->dim, dim, sizeof(int64) * ndim) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("tensor \"%s\" is %s in the file and %s in the model", name,
						shape_text(tensor->ndim, tensor->dim), shape_text(ndim, dim)),
				 errhint("Create a model with the sizes of the file, or import under a new name if the file carries its features.")));
	memcpy(data, file->data + tensor->begin, sizeof(float) * tensor->count);
	if (!EasqAllFinite(tensor->count, data))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("tensor \"%s\" holds a number that is not finite", name),
				 errhint("The file is damaged, or its training diverged.")));
	tensor->used = true;
}

static void
refuse_extra(const EasqFile *file)
{
	for (int i = 0; i < file->count; i++)
		if (!file->tensor[i].used)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the file has a tensor \"%s\" that the model has not",
							EasqClipText(file->tensor[i].name, EASQ_TENSOR_QUOTED)),
					 errhint("The file must come from a model of the same features, rank and experts.")));
}

static void
bad_metadata(const char *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" in the file's __metadata__ is not what easq_export writes", key),
			 errhint("Leave it out of __metadata__, or write it as easq_export does.")));
}

/* Files of other programs name another format, or none. */
void
EasqModelFileCheck(const EasqFile *file)
{
	char	   *format = EasqFileMetadata(file, "format");

	if (format && strncmp(format, "easq ", 5) == 0 && strcmp(format, psprintf("easq %d", FILE_FORMAT)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the file has format \"%s\", and this library reads format \"easq %d\"",
						EasqClipText(format, EASQ_QUOTED), FILE_FORMAT),
				 errhint("Install the version of easq that wrote it.")));
}

static Jsonb *
metadata_json(const EasqFile *file, const char *key)
{
	char	   *text = EasqFileMetadata(file, key);
	const char *problem;
	Jsonb	   *json;

	if (text == NULL)
		return NULL;
	json = EasqFileJson(text, &problem);
	if (json == NULL)
		bad_metadata(key);
	return json;
}

Jsonb *
EasqModelFileFeatures(const EasqFile *file)
{
	return metadata_json(file, "features");
}

/* Means or deviations, where the file has them. */
static void
read_doubles(const EasqFile *file, const char *key, int count, double minimum, double *values)
{
	Jsonb	   *array = metadata_json(file, key);

	if (array == NULL)
		return;
	if (!JB_ROOT_IS_ARRAY(array) || JB_ROOT_IS_SCALAR(array) || (int) JB_ROOT_COUNT(array) != count)
		bad_metadata(key);
	for (int i = 0; i < count; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(&array->root, (uint32) i);

		if (!EasqJsonReal(value, &values[i]) || values[i] < minimum)
			bad_metadata(key);
	}
}

/* What belongs to the weights: alpha scales LoRA, means and deviations standardise what they multiply. */
void
EasqModelFileStatistics(const EasqFile *file, EasqModel *model)
{
	char	   *trained = EasqFileMetadata(file, "trained");
	Jsonb	   *alpha = metadata_json(file, "alpha");

	if (alpha)
	{
		EasqOptions checked = model->options;
		double		value;

		if (!JB_ROOT_IS_SCALAR(alpha) || !EasqJsonReal(getIthJsonbValueFromContainer(&alpha->root, 0), &value))
			bad_metadata("alpha");
		EasqOptionsApply(&checked, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(
							 psprintf("{\"alpha\": %s}", jsonb_text(alpha))))), false);
		model->options = checked;
	}
	read_doubles(file, "mean", model->spec->numerics, -DBL_MAX, model->backbone.mean);
	read_doubles(file, "deviation", model->spec->numerics, 0, model->backbone.deviation);
	read_doubles(file, "prior", model->spec->count, 0, model->backbone.priors.variance);
	read_doubles(file, "varies", model->spec->count, 0, model->backbone.priors.varies);
	if (trained && strcmp(trained, "true") != 0 && strcmp(trained, "false") != 0)
		bad_metadata("trained");
	if (trained)
		model->backbone.trained = strcmp(trained, "true") == 0;
}

void
EasqModelFileCheckFeatures(const EasqFile *file, const EasqModel *model)
{
	Jsonb	   *features = EasqModelFileFeatures(file);
	EasqSpec   *spec = features ? EasqSpecParse(features) : model->spec;

	for (int i = 0; i < model->spec->count; i++)
	{
		const EasqFeature *ours = &model->spec->feature[i];
		const EasqFeature *theirs = &spec->feature[i];

		if (spec->count != model->spec->count || strcmp(ours->name, theirs->name) != 0 || ours->kind != theirs->kind ||
			ours->hashed != theirs->hashed || ours->size != theirs->size || ours->dim != theirs->dim)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the file was made for other features than those of model \"%s\"", model->name),
					 errhint("Import it under a new name: the file carries its own features.")));
	}
}

static bool
has_factors(const EasqFile *file)
{
	for (int i = 0; i < file->count; i++)
		if (strncmp(file->tensor[i].name, "factor.", strlen("factor.")) == 0)
			return true;
	return false;
}

/*
 * A file that does not know factors (the reference writes none) leaves nothing for them to say: the model then scores
 * exactly as the file does.
 */
static void
fill_without_factors(const EasqModel *model, int known, float **table)
{
	if (known == model->spec->tables)
		return;
	for (int t = known; t < model->spec->tables; t++)
		table[t] = MemoryContextAllocExtended(CurrentMemoryContext,
											  sizeof(float) * (Size) model->spec->table[t].rows * model->spec->table[t].dim,
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (model->backbone.trained)
		ereport(NOTICE,
				(errmsg("the file has no factors: those of model \"%s\" are 0 until it is trained", model->name)));
}

/* NULL: the model has none.  A file without any leaves the model without an opinion. */
static EasqBeliefs *
read_beliefs(EasqFile *file, const EasqModel *model)
{
	EasqBeliefs *beliefs;

	if (!EasqModelBelieves(model))
		return NULL;
	beliefs = EasqBeliefsCreate(model->spec, &model->backbone.priors);
	if (EasqFileHasBeliefs(file))
		EasqBeliefsFromFile(beliefs, file);
	return beliefs;
}

/* How beliefs see the pathways, and the knob, where the file says so. */
void
EasqModelFileViews(const EasqFile *file, EasqAlignmentState *state)
{
	double		views[VIEWS] = {state->main_mean, state->main_deviation, state->pathway_scale, state->knob, state->surprise.sharpness};

	read_doubles(file, "beliefs", VIEWS, -DBL_MAX, views);
	if (!(views[1] > 0 && views[2] > 0 && views[3] >= 0 && views[4] > 0))
		bad_metadata("beliefs");
	state->main_mean = views[0];
	state->main_deviation = views[1];
	state->pathway_scale = views[2];
	state->knob = views[3];
	state->surprise.sharpness = views[4];
}

/* Copies the whole file into memory of the model's shape, checking everything. */
void
EasqModelFileWeights(EasqFile *file, EasqModel *model, float **weights, float ***table, EasqBeliefs **beliefs)
{
	const EasqSpec *spec = model->spec;
	bool		with_factors = has_factors(file);
	int			known = 0;

	*weights = EasqFloats(model->layout.total);
	*table = palloc0(sizeof(float *) * Max(spec->tables, 1));
	for (; known < spec->tables && (with_factors || !spec->table[known].factors); known++)
	{
		const EasqTable *wanted = &spec->table[known];
		EasqFileTensor *tensor = EasqFileFind(file, EasqTableName(wanted));

		/* A table as large as the file says it is, not as a wrong definition claims. */
		if (tensor && tensor->count == wanted->rows * wanted->dim)
			(*table)[known] = EasqFloats(tensor->count);
	}
	visit_tensors(model, *weights, *table, known, read_tensor, file);
	*beliefs = read_beliefs(file, model);
	refuse_extra(file);
	fill_without_factors(model, known, *table);
}

/* Options of a file, with this one off where they do not speak of it. */
static Jsonb *
without(Jsonb *options, const char *name, const char *off)
{
	JsonbValue	key = {.type = jbvString, .val.string = {.len = (int) strlen(name), .val = (char *) name}};
	Datum		added = DirectFunctionCall1(jsonb_in, CStringGetDatum(psprintf("{\"%s\": %s}", name, off)));

	if (options && (!JB_ROOT_IS_OBJECT(options) || findJsonbValueFromContainer(&options->root, JB_FOBJECT, &key)))
		return options;
	return DatumGetJsonbP(options ? DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(options), added) : added);
}

/*
 * Options of a model that a file makes: one that has no factors or beliefs and does not speak of them makes a model
 * without, which scores as the program that wrote it.
 */
Jsonb *
EasqModelFileOptions(const EasqFile *file)
{
	Jsonb	   *options = metadata_json(file, "options");

	if (!has_factors(file))
		options = without(options, "factors", "0");
	if (!EasqFileHasBeliefs(file))
		options = without(options, "beliefs", "false");
	return options;
}
