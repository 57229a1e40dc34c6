#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "core/kernel.h"
#include "compat.h"
#include "sql/ranking.h"
#include "sql/scoring.h"
#include "sql/scratch.h"

EasqScoring *
EasqScoringCreate(MemoryContext context, EasqAsked asked, EasqForm form, int block)
{
	EasqScoring *scoring = MemoryContextAllocZero(context, sizeof(EasqScoring));

	scoring->context = context;
	scoring->asked = asked;
	scoring->form = form;
	scoring->block = block;
	scoring->version_context = AllocSetContextCreate(context, "easq version in use", ALLOCSET_SMALL_SIZES);
	scoring->reader_context = AllocSetContextCreate(context, "easq row type", ALLOCSET_SMALL_SIZES);
	scoring->row_context = AllocSetContextCreate(context, "easq row", ALLOCSET_SMALL_SIZES);
	EasqPinInit(&scoring->pin, context);
	return scoring;
}

static EasqPathway
pathway_of(const EasqScoring *scoring)
{
	return scoring->asked == EASQ_ASKED_RANKING ? EASQ_MAIN : EASQ_SATISFACTION;
}

static void
use_version(EasqScoring *scoring, const EasqVersion *version)
{
	bool		another = scoring->pin.version != version;
	Size		work;
	MemoryContext old;

	EasqPinSet(&scoring->pin, version);
	if (!another && scoring->x != NULL)
		return;
	/* Without x until all is there: an error on the way must not leave what was reset.  The reader belongs to the version's features; x and work to its shape. */
	MemoryContextReset(scoring->reader_context);
	scoring->reader = NULL;
	scoring->row_type = InvalidOid;
	scoring->x = NULL;
	MemoryContextReset(scoring->version_context);
	old = MemoryContextSwitchTo(scoring->version_context);
	work = EasqScoreWork(&version->model->layout.shape, scoring->block);
	scoring->work = EasqScratch(scoring->version_context, work + (Size) scoring->block * version->model->spec->inputs);
	EasqSharedInit(&scoring->shared, &version->model->layout.shape,
				   palloc(sizeof(float) * EasqSharedFloats(&version->model->layout.shape)));
	initStringInfo(&scoring->example);
	scoring->u = palloc0(sizeof(float) * scoring->block);
	scoring->opinion = palloc0(sizeof(EasqOpinion) * scoring->block);
	for (int p = 0; p < EASQ_PATHWAYS; p++)
		scoring->logit[p] = palloc0(sizeof(float) * scoring->block);
	scoring->factors = EasqFactorsCreate(version->model->spec);
	scoring->beliefs = EasqRanksByBeliefs(version, pathway_of(scoring)) ? version->beliefs : NULL;
	scoring->x = scoring->work + work;
	MemoryContextSwitchTo(old);
}

static void
look_up(EasqScoring *scoring, const char *name, int length, bool push_snapshot)
{
	/* Until the new version is there nothing is remembered: an error must not leave half a state. */
	scoring->statement.epoch = 0;
	if (scoring->model == NULL || scoring->model_length != length || memcmp(scoring->model, name, length) != 0)
	{
		if (scoring->model)
			pfree(scoring->model);
		scoring->model = NULL;
		scoring->model = MemoryContextAlloc(scoring->context, length + 1);
		memcpy(scoring->model, name, length);
		scoring->model[length] = '\0';
		scoring->model_length = length;
	}
	if (push_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	use_version(scoring, EasqVersionAcquire(scoring->model, GetUserId(), EASQ_TO_SCORE));
	scoring->role = GetUserId();
	if (push_snapshot)
		PopActiveSnapshot();
	else
		(void) EasqStatementChanged(&scoring->statement);
}

bool
EasqScoringUse(EasqScoring *scoring, text *model)
{
	const char *name = VARDATA_ANY(model);
	int			length = (int) VARSIZE_ANY_EXHDR(model);
	const EasqVersion *before = scoring->pin.version;
	MemoryContext old;

	if (before != NULL && scoring->model != NULL && scoring->role == GetUserId() &&
		scoring->model_length == length && memcmp(scoring->model, name, length) == 0 &&
		ActiveSnapshotSet() && !EasqStatementChanged(&scoring->statement))
		return false;
	/* What loading leaves behind in the caller's context would add up over statements of a loop. */
	old = MemoryContextSwitchTo(scoring->row_context);
	look_up(scoring, name, length, !ActiveSnapshotSet());
	MemoryContextSwitchTo(old);
	MemoryContextReset(scoring->row_context);
	return before != scoring->pin.version;
}

static void
use_row_type(EasqScoring *scoring, Oid type, int32 typmod)
{
	const EasqSpec *spec = scoring->pin.version->model->spec;
	TupleDesc	desc = lookup_rowtype_tupdesc_domain(type, typmod, false);
	MemoryContext old;

	MemoryContextReset(scoring->reader_context);
	old = MemoryContextSwitchTo(scoring->reader_context);
	scoring->row_type = InvalidOid;
	/* With the defaults of columns that are younger than their rows. */
	scoring->desc = CreateTupleDescCopyConstr(desc);
	ReleaseTupleDesc(desc);
	scoring->reader = EasqReaderCreate(spec, scoring->desc, scoring->reader_context);
	scoring->values = palloc(sizeof(Datum) * scoring->desc->natts);
	scoring->nulls = palloc(sizeof(bool) * scoring->desc->natts);
	MemoryContextSwitchTo(old);
	scoring->row_type = type;
	scoring->row_typmod = typmod;
	scoring->row_shape = assign_record_type_identifier(type, typmod);
}

/* A loop may go on after an ALTER TABLE of the rows' type. */
static bool
knows_row_type(const EasqScoring *scoring, Oid type, int32 typmod)
{
	return type == scoring->row_type && typmod == scoring->row_typmod &&
		assign_record_type_identifier(type, typmod) == scoring->row_shape;
}

static void
read_record(EasqScoring *scoring, Datum record, StringInfo example)
{
	HeapTupleHeader header = DatumGetHeapTupleHeader(record);
	Oid			type = HeapTupleHeaderGetTypeId(header);
	int32		typmod = HeapTupleHeaderGetTypMod(header);
	HeapTupleData tuple;

	if (!knows_row_type(scoring, type, typmod))
		use_row_type(scoring, type, typmod);
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	heap_deform_tuple(&tuple, scoring->desc, scoring->values, scoring->nulls);
	EasqReadExample(scoring->reader, scoring->values, scoring->nulls, example, NULL);
}

void
EasqScoringPack(EasqScoring *scoring, Datum row, StringInfo example)
{
	const EasqModel *model = scoring->pin.version->model;
	MemoryContext old = MemoryContextSwitchTo(scoring->row_context);

	if (scoring->form == EASQ_FORM_JSONB)
		EasqReadObject(model->spec, DatumGetJsonbP(row), model->options.missing == EASQ_MISSING_NULL, example);
	else
		read_record(scoring, row, example);
	MemoryContextSwitchTo(old);
	MemoryContextReset(scoring->row_context);
}

/* What an error left behind goes too. */
void
EasqScoringBegin(EasqScoring *scoring)
{
	scoring->pending = 0;
	resetStringInfo(&scoring->example);
}

static void
encode_pending(EasqScoring *scoring, int row, int place)
{
	const EasqVersion *version = scoring->pin.version;
	const EasqEncoding *encoding = &version->backbone->encoding;
	const char *example = scoring->example.data + scoring->offset[row];
	float	   *x = scoring->x + (Size) place * version->model->spec->inputs;

	(void) EasqEncode(version->model->spec, encoding, example,
					  scoring->offset[row + 1] - scoring->offset[row], x, NULL);
	scoring->u[place] = EasqFactorOffset(scoring->factors, encoding, example, x);
	if (scoring->beliefs)
		scoring->opinion[place] = EasqBeliefsOpinion(scoring->beliefs, encoding, example);
}

static void
take_input(EasqScoring *scoring, Datum input)
{
	ArrayType  *array = DatumGetArrayTypeP(input);

	EasqReadArray(PointerGetDatum(array), get_array_type(ARR_ELEMTYPE(array)),
				  scoring->pin.version->model->spec->inputs, scoring->x);
	scoring->u[0] = 0;
	if (scoring->beliefs)
		scoring->opinion[0] = EasqBeliefsBias(scoring->beliefs);
	if ((Pointer) array != DatumGetPointer(input))
		pfree(array);
}

void
EasqScoringEncode(EasqScoring *scoring, Datum row)
{
	if (scoring->form == EASQ_FORM_INPUT)
	{
		take_input(scoring, row);
		return;
	}
	EasqScoringBegin(scoring);
	EasqScoringPack(scoring, row, &scoring->example);
	scoring->offset[1] = scoring->example.len;
	encode_pending(scoring, 0, 0);
}

/* The last example of the buffer is complete: it is encoded a few rows later. */
static void
add_pending(EasqScoring *scoring, int *filled)
{
	scoring->offset[++scoring->pending] = scoring->example.len;
	if (scoring->pending == EASQ_READ_AHEAD)
		EasqScoringFlush(scoring, filled);
}

void
EasqScoringRead(EasqScoring *scoring, Datum row, int *filled)
{
	const EasqVersion *version = scoring->pin.version;

	EasqScoringPack(scoring, row, &scoring->example);
	EasqPrefetch(version->model->spec, &version->backbone->encoding,
				 scoring->example.data + scoring->offset[scoring->pending]);
	add_pending(scoring, filled);
}

void
EasqScoringAdd(EasqScoring *scoring, const char *example, int length, int *filled)
{
	appendBinaryStringInfo(&scoring->example, example, length);
	add_pending(scoring, filled);
}

void
EasqScoringFlush(EasqScoring *scoring, int *filled)
{
	for (int row = 0; row < scoring->pending; row++)
		encode_pending(scoring, row, (*filled)++);
	EasqScoringBegin(scoring);
}

void
EasqScoringLogits(EasqScoring *scoring, int rows)
{
	const EasqScorer *scorer = &scoring->pin.version->scorer;
	float	   *main = scoring->logit[EASQ_MAIN];
	float	   *satisfaction = scoring->logit[EASQ_SATISFACTION];

	if (scoring->block == 1)
		EasqLogitNextBoth(scorer, &scoring->shared, scoring->x, scoring->u[0], main, satisfaction, scoring->work);
	else
		EasqLogitRowsBoth(scorer, rows, scoring->x, scoring->u, main, satisfaction, scoring->work);
}

const EasqOpinion *
EasqScoringOpinions(EasqScoring *scoring, int rows)
{
	EasqScoringLogits(scoring, rows);
	EasqCompleteOpinions(scoring->pin.version, rows, scoring->logit[EASQ_MAIN], scoring->logit[EASQ_SATISFACTION],
						 scoring->opinion);
	return scoring->opinion;
}

void
EasqRefuseScore(const EasqScoring *scoring)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("model \"%s\" gives a row a score that is not finite", scoring->pin.version->model->name),
			 errhint("A feature of the row is too large; leave such rows out, or give the feature a smaller unit.")));
}

void
EasqRefuseWithoutBeliefs(const EasqScoring *scoring, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("model \"%s\" has no beliefs: nothing says %s", scoring->pin.version->model->name, what),
			 errhint("A model has them where a feature is categorical or numeric and its option beliefs is not false.")));
}

void
EasqScoringRun(EasqScoring *scoring, int rows, float *score)
{
	const EasqVersion *version = scoring->pin.version;
	EasqPathway pathway = pathway_of(scoring);

	if (scoring->form != EASQ_FORM_INPUT && scoring->beliefs)
		EasqScoresByBeliefs(version, pathway, rows, scoring->logit[EASQ_MAIN], EasqScoringOpinions(scoring, rows), score);
	else if (scoring->block == 1)
		score[0] = EasqScoreNext(&version->scorer, pathway, &scoring->shared, scoring->x,
								 pathway == EASQ_MAIN ? scoring->u[0] : 0, scoring->work);
	else
		EasqScoreRows(&version->scorer, pathway, rows, scoring->x,
					  pathway == EASQ_MAIN ? scoring->u : NULL, score, scoring->work);
	if (!EasqAllFinite(rows, score))
		EasqRefuseScore(scoring);
}

void
EasqRefuseSelectors(FunctionCallInfo fcinfo)
{
	if (!PG_ARGISNULL(2) || !PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("argument %s is not supported yet", PG_ARGISNULL(2) ? "version" : "adapter"),
				 errhint("Leave it out: the model is scored as it is now.")));
}
