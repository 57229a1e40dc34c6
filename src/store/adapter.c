#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "store/adapter.h"
#include "store/columns.h"
#include "store/row.h"

/* Where a column of easq.adapter stands in EasqAlignmentState. */
typedef struct Figure
{
	AttrNumber	column;
	size_t		offset;
} Figure;

#define FIGURE(column, member) {column, offsetof(EasqAlignmentState, member)}

static const Figure figures[] = {
	FIGURE(ADAPTER_CARRIED_COST, carried),
	FIGURE(ADAPTER_BEHAVIOUR_COST, cost),
	FIGURE(ADAPTER_DRIFT, drift),
	FIGURE(ADAPTER_DRIFT_SHARE, drift_share),
	FIGURE(ADAPTER_SPREAD_SHARE, spread),
	FIGURE(ADAPTER_PACE, pace),
	FIGURE(ADAPTER_MAIN_ACTIVITY, vital[EASQ_MAIN].activity),
	FIGURE(ADAPTER_MAIN_SPREAD, vital[EASQ_MAIN].spread),
	FIGURE(ADAPTER_SATISFACTION_ACTIVITY, vital[EASQ_SATISFACTION].activity),
	FIGURE(ADAPTER_SATISFACTION_SPREAD, vital[EASQ_SATISFACTION].spread),
	FIGURE(ADAPTER_CALIBRATION_SLOPE, calibration.slope),
	FIGURE(ADAPTER_CALIBRATION_OFFSET, calibration.offset),
	FIGURE(ADAPTER_CALIBRATION_SLOPE_SLOPE, calibration.curvature[0]),
	FIGURE(ADAPTER_CALIBRATION_SLOPE_OFFSET, calibration.curvature[1]),
	FIGURE(ADAPTER_CALIBRATION_OFFSET_OFFSET, calibration.curvature[2]),
	FIGURE(ADAPTER_MAIN_MEAN, main_mean),
	FIGURE(ADAPTER_MAIN_DEVIATION, main_deviation),
	FIGURE(ADAPTER_PATHWAY_SCALE, pathway_scale),
	FIGURE(ADAPTER_SURPRISE, surprise.now),
	FIGURE(ADAPTER_USUAL_SURPRISE, surprise.usual),
	FIGURE(ADAPTER_SHARPNESS, surprise.sharpness),
	FIGURE(ADAPTER_SHARPNESS_CURVATURE, surprise.curvature),
	FIGURE(ADAPTER_ANSWER_WEIGHT, answer_weight),
	FIGURE(ADAPTER_KNOB, knob),
	FIGURE(ADAPTER_KNOB_ANSWERS, knob_answers),
	FIGURE(ADAPTER_RANKING_COST, ranking_cost),
};

/* The other members are steps. */
StaticAssertDecl(lengthof(figures) * sizeof(double) + 2 * sizeof(int64) == sizeof(EasqAlignmentState),
				 "each member of EasqAlignmentState is a column of easq.adapter");

int
EasqPlaceKeys(ScanKey keys, const EasqPlace *place)
{
	EasqKeyText(&keys[0], ADAPTER_MODEL, place->model);
	EasqKeyInt4(&keys[1], ADAPTER_CHECKPOINT, BTEqualStrategyNumber, place->checkpoint);
	if (place->adapter == NULL)
		return 2;
	EasqKeyText(&keys[2], ADAPTER_ADAPTER, place->adapter);
	if (place->state == NULL)
		return 3;
	EasqKeyText(&keys[3], ADAPTER_STATE, place->state);
	return EASQ_PLACE_KEYS;
}

HeapTuple
EasqAdapterFind(EasqScan *scan, LOCKMODE mode, const EasqPlace *place)
{
	ScanKeyData keys[EASQ_PLACE_KEYS];

	EasqScanBegin(scan, "adapter", "adapter_pkey", mode, GetActiveSnapshot(), EasqPlaceKeys(keys, place), keys);
	return EasqScanNext(scan, true);
}

void
EasqAlignmentStateInit(EasqAlignmentState *state)
{
	memset(state, 0, sizeof(*state));
	EasqAlignmentStateStart(state, 0, 0);
	state->pace = 1;
	EasqCalibrationInit(&state->calibration);
	state->main_deviation = state->pathway_scale = 1;
	EasqSurpriseInit(&state->surprise);
}

void
EasqAlignmentStateStart(EasqAlignmentState *state, double carried, int64 step)
{
	state->carried = state->cost = state->ranking_cost = carried;
	state->knob = state->knob_answers = 0;
	state->drift = 0;
	state->drift_share = 1;
	state->spread = 1;
	state->judged_step = state->audited_step = step;
}

bool
EasqAlignmentStateIsFinite(const EasqAlignmentState *state)
{
	for (int i = 0; i < (int) lengthof(figures); i++)
		if (!isfinite(*(const double *) ((const char *) state + figures[i].offset)))
			return false;
	return true;
}

static void
read_alignment(const EasqScan *scan, HeapTuple tuple, const char *model, EasqAlignmentState *state)
{
	for (int i = 0; i < (int) lengthof(figures); i++)
	{
		double		value = DatumGetFloat8(EasqColumn(scan, tuple, figures[i].column));

		if (!isfinite(value))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("model \"%s\" has %g in column %s of easq.adapter", model, value,
							EasqColumnName("adapter", figures[i].column)),
					 errhint("The row was not written by easq; restore it from a backup.")));
		*(double *) ((char *) state + figures[i].offset) = value;
	}
	state->judged_step = DatumGetInt64(EasqColumn(scan, tuple, ADAPTER_JUDGED_STEP));
	state->audited_step = DatumGetInt64(EasqColumn(scan, tuple, ADAPTER_AUDITED_STEP));
}

static void
set_alignment(EasqRow *row, const EasqAlignmentState *state)
{
	for (int i = 0; i < (int) lengthof(figures); i++)
	{
		double		value = *(const double *) ((const char *) state + figures[i].offset);

		if (!isfinite(value))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("column %s of easq.adapter would be %g", EasqColumnName("adapter", figures[i].column), value),
					 errhint("Nothing was stored. Look for rows with very large features.")));
		EasqRowSet(row, figures[i].column, Float8GetDatum(value));
	}
	EasqRowSet(row, ADAPTER_JUDGED_STEP, Int64GetDatum(state->judged_step));
	EasqRowSet(row, ADAPTER_AUDITED_STEP, Int64GetDatum(state->audited_step));
}

void
EasqAdapterReadRow(const EasqScan *scan, HeapTuple tuple, const char *model, EasqAdapterState *state)
{
	state->id = EasqColumnId(scan, tuple, ADAPTER_ID);
	state->version = DatumGetInt64(EasqColumn(scan, tuple, ADAPTER_VERSION));
	state->step = DatumGetInt64(EasqColumn(scan, tuple, ADAPTER_STEP));
	state->answers = DatumGetInt64(EasqColumn(scan, tuple, ADAPTER_ANSWERS));
	state->uncertain = DatumGetInt64(EasqColumn(scan, tuple, ADAPTER_UNCERTAIN));
	state->beliefs = EasqColumnId(scan, tuple, ADAPTER_BELIEFS);
	state->asked_at = EasqColumnTime(scan, tuple, ADAPTER_ASKED_AT);
	read_alignment(scan, tuple, model, &state->alignment);
}

void
EasqAdapterWrite(const EasqPlace *place, const EasqAdapterState *state, const pg_uuid_t *backbone_id)
{
	EasqRow		row;
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	old;

	EasqRowInit(&row);
	EasqRowSetText(&row, ADAPTER_MODEL, place->model);
	EasqRowSet(&row, ADAPTER_CHECKPOINT, Int32GetDatum(place->checkpoint));
	EasqRowSetText(&row, ADAPTER_ADAPTER, place->adapter);
	EasqRowSetText(&row, ADAPTER_STATE, place->state);
	EasqRowSet(&row, ADAPTER_VERSION, Int64GetDatum(state->version));
	EasqRowSetId(&row, ADAPTER_ID, &state->id);
	EasqRowSetId(&row, ADAPTER_BACKBONE_ID, backbone_id);
	EasqRowSet(&row, ADAPTER_STEP, Int64GetDatum(state->step));
	EasqRowSet(&row, ADAPTER_ANSWERS, Int64GetDatum(state->answers));
	EasqRowSet(&row, ADAPTER_UNCERTAIN, Int64GetDatum(state->uncertain));
	EasqRowSetId(&row, ADAPTER_BELIEFS, &state->beliefs);
	EasqRowSetTime(&row, ADAPTER_ASKED_AT, state->asked_at);
	EasqRowSet(&row, ADAPTER_UPDATED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	set_alignment(&row, &state->alignment);

	EasqWriterBegin(&writer, "adapter");
	old = EasqAdapterFind(&scan, RowExclusiveLock, place);
	if (HeapTupleIsValid(old))
		EasqWriterUpdate(&writer, old, row.values, row.nulls, row.replaces);
	else
		EasqWriterInsert(&writer, row.values, row.nulls);
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}
