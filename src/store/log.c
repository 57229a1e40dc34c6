#include "postgres.h"

#include <math.h>

#include "commands/sequence.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "store/columns.h"
#include "store/log.h"
#include "store/row.h"

static void
insert_numbered(const char *table, const char *sequence, EasqRow *row)
{
	EasqWriter	writer;

	/* The id only orders rows for people; nothing is drawn or chosen by it. */
	EasqRowSet(row, 1, Int64GetDatum(nextval_internal(EasqTableIndex(sequence), false)));
	EasqWriterBegin(&writer, table);
	EasqWriterInsert(&writer, row->values, row->nulls);
	EasqWriterEnd(&writer);
}

/* What is not a number is no figure: NULL. */
static void
set_figure(EasqRow *row, AttrNumber column, double value)
{
	if (isfinite(value))
		EasqRowSet(row, column, Float8GetDatum(value));
}

static void
set_metrics(EasqRow *row, const EasqMetrics *metrics, bool pairs, bool behaviour)
{
	set_figure(row, STEP_LOSS, metrics->loss);
	if (behaviour)
		set_figure(row, STEP_LOSS_MAIN, metrics->loss_main);
	set_figure(row, STEP_LOSS_ALIGNMENT, metrics->loss_alignment);
	set_figure(row, STEP_GRAD_NORM, metrics->grad_norm);
	set_figure(row, STEP_GRAD_NORM_MAIN, metrics->grad_norm_main);
	set_figure(row, STEP_GRAD_NORM_SATISFACTION, metrics->grad_norm_satisfaction);
	if (!pairs)
		return;
	set_figure(row, STEP_LOSS_SATISFACTION, metrics->loss_satisfaction);
	set_figure(row, STEP_REWARD_CHOSEN, metrics->reward_chosen);
	set_figure(row, STEP_REWARD_REJECTED, metrics->reward_rejected);
	set_figure(row, STEP_REWARD_MARGIN, metrics->reward_margin);
	set_figure(row, STEP_REWARD_ACCURACY, metrics->reward_accuracy);
	set_figure(row, STEP_ACCURACY_MAIN, metrics->accuracy[EASQ_MAIN]);
	set_figure(row, STEP_ACCURACY_SATISFACTION, metrics->accuracy[EASQ_SATISFACTION]);
}

char *
EasqClipDetail(const char *text)
{
	int			length = (int) strnlen(text, 2 * EASQ_MAX_DETAIL);

	return pnstrdup(text, pg_mbcliplen(text, length, EASQ_MAX_DETAIL));
}

void
EasqLogStep(const EasqStepRow *step)
{
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSet(&row, STEP_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	EasqRowSetText(&row, STEP_MODEL, step->model);
	EasqRowSetText(&row, STEP_ADAPTER, step->adapter ? step->adapter : EASQ_OWN_ADAPTER);
	EasqRowSetText(&row, STEP_SOURCE, step->source);
	EasqRowSetText(&row, STEP_STATUS, step->status);
	EasqRowSetText(&row, STEP_REASON, step->reason);
	EasqRowSetText(&row, STEP_DETAIL, step->detail ? EasqClipDetail(step->detail) : NULL);
	EasqRowSet(&row, STEP_AUTHOR, ObjectIdGetDatum(step->author));
	if (step->adapter_version > 0)
		EasqRowSet(&row, STEP_ADAPTER_VERSION, Int64GetDatum(step->adapter_version));
	EasqRowSet(&row, STEP_ANSWERS, Int32GetDatum(step->answers));
	EasqRowSet(&row, STEP_UNCERTAIN, Int32GetDatum(step->uncertain));
	EasqRowSet(&row, STEP_PAIRS, Int32GetDatum(step->pairs));
	EasqRowSet(&row, STEP_BEHAVIOUR_PAIRS, Int32GetDatum(step->behaviour_pairs));
	if (step->metrics)
		set_metrics(&row, step->metrics, step->pairs > 0, step->behaviour_pairs > 0);
	if (step->guarded || step->knob > 0)
		set_figure(&row, STEP_KNOB, step->knob);
	if (step->guarded)
	{
		set_figure(&row, STEP_ALIGNMENT_STRENGTH, step->strength);
		set_figure(&row, STEP_BEHAVIOUR_COST, step->cost);
	}
	insert_numbered("step", "step_id_seq", &row);
}

/* Of all steps that there are, as with what is queued: answers that were refused are logged without a lock. */
void
EasqLogForgetQuotes(const char *model)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData key;
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	EasqRow		row;

	EasqKeyText(&key, STEP_MODEL, model);
	EasqRowInit(&row);
	EasqRowSetNull(&row, STEP_DETAIL);
	EasqWriterBegin(&writer, "step");
	EasqScanBegin(&scan, "step", "step_model", RowExclusiveLock, snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		bool		none;

		CHECK_FOR_INTERRUPTS();
		(void) EasqColumnOrNull(&scan, tuple, STEP_DETAIL, &none);
		if (!none)
			EasqWriterUpdate(&writer, tuple, row.values, row.nulls, row.replaces);
	}
	EasqScanEnd(&scan);
	UnregisterSnapshot(snapshot);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

void
EasqLogTraining(const EasqTrainingRow *training)
{
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSetText(&row, TRAINING_MODEL, training->model);
	EasqRowSet(&row, TRAINING_STARTED_AT, TimestampTzGetDatum(training->started_at));
	EasqRowSet(&row, TRAINING_FINISHED_AT, TimestampTzGetDatum(GetCurrentTimestamp()));
	EasqRowSet(&row, TRAINING_BACKBONE_VERSION, Int64GetDatum(training->backbone_version));
	EasqRowSet(&row, TRAINING_EPOCHS, Int32GetDatum(training->epochs));
	EasqRowSet(&row, TRAINING_ROWS, Int64GetDatum(training->rows));
	EasqRowSet(&row, TRAINING_GROUPS, Int64GetDatum(training->groups));
	EasqRowSet(&row, TRAINING_PAIRS, Int64GetDatum(training->pairs));
	EasqRowSet(&row, TRAINING_ANSWERS, Int64GetDatum(training->answers));
	set_figure(&row, TRAINING_LOSS, training->loss);
	set_figure(&row, TRAINING_LOSS_MAIN, training->loss_main);
	set_figure(&row, TRAINING_LOSS_SATISFACTION, training->loss_satisfaction);
	set_figure(&row, TRAINING_LOSS_ALIGNMENT, training->loss_alignment);
	EasqRowSet(&row, TRAINING_EPOCHS_RUN, Int32GetDatum(training->epochs_run));
	set_figure(&row, TRAINING_ACCURACY, training->accuracy);
	EasqRowSetText(&row, TRAINING_POPULARITY_FEATURE, training->popularity_feature);
	EasqRowSetText(&row, TRAINING_SINGLE_FEATURE, training->single_feature);
	if (training->popularity_feature)
		set_figure(&row, TRAINING_POPULARITY_ACCURACY, training->popularity_accuracy);
	if (training->single_feature)
		set_figure(&row, TRAINING_SINGLE_FEATURE_ACCURACY, training->single_feature_accuracy);
	insert_numbered("training", "training_id_seq", &row);
}
