/*
 * What is remembered and what makes room for it.  Counts by value are kept in
 * model->adapter.counts, and made anew once the answers have turned over: rows of
 * easq.answer may be deleted by hand.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"

#include "store/answer.h"
#include "store/columns.h"
#include "store/row.h"

/* Room for at least one step's answers, so that they find each other. */
static int
room_of(const EasqModel *model)
{
	return Max(model->options.replay_answers, EASQ_ANSWERS_A_STEP);
}

static void
count_anew(EasqModel *model)
{
	ScanKeyData keys[EASQ_OWNER_KEYS];
	EasqScan	scan;
	HeapTuple	tuple;

	model->adapter.counts.count = 0;
	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqScanBegin(&scan, "answer", "answer_pkey", AccessShareLock, GetActiveSnapshot(), EASQ_OWNER_KEYS, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
		EasqAnswerCountsAdd(&model->adapter.counts, DatumGetFloat8(EasqColumn(&scan, tuple, ANSWER_ANSWER)),
					 DatumGetInt64(EasqColumn(&scan, tuple, ANSWER_ORDINAL)));
	EasqScanEnd(&scan);
}

static void
know_counts(EasqModel *model)
{
	if (model->adapter.counts.count < 0)
		count_anew(model);
}

/* What was written counts for what is looked up next. */
static void
see_changes(void)
{
	CommandCounterIncrement();
	UpdateActiveSnapshotCommandId();
}

/* Deletes the row that a scan is at. */
static void
forget_row(EasqWriter *writer, EasqModel *model, const EasqScan *scan, HeapTuple tuple)
{
	double		answer = DatumGetFloat8(EasqColumn(scan, tuple, ANSWER_ANSWER));

	EasqWriterDelete(writer, tuple);
	EasqAnswerCountsRemove(&model->adapter.counts, answer);
}

static void
scan_key(EasqScan *scan, const EasqModel *model, const uint8 *key)
{
	ScanKeyData keys[EASQ_OWNER_KEYS + 1];

	EasqKeyOwner(keys, model->name, model->adapter.name);
	ScanKeyInit(&keys[EASQ_OWNER_KEYS], ANSWER_KEY, BTEqualStrategyNumber, F_BYTEAEQ, EasqBytesDatum(key, EASQ_KEY_BYTES));
	EasqScanBegin(scan, "answer", "answer_key", RowExclusiveLock, GetActiveSnapshot(), EASQ_OWNER_KEYS + 1, keys);
}

static void
forget_key(EasqWriter *writer, EasqModel *model, const uint8 *key)
{
	EasqScan	scan;
	HeapTuple	tuple;

	scan_key(&scan, model, key);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
		forget_row(writer, model, &scan, tuple);
	EasqScanEnd(&scan);
	see_changes();
}

/* The oldest answer of a respondent who has so many. */
static void
forget_own(EasqWriter *writer, EasqModel *model, const char *respondent, int most)
{
	EasqScan	scan;
	HeapTuple	tuple;

	EasqScanOwn(&scan, RowExclusiveLock, model, respondent);
	do
		tuple = EasqScanNext(&scan, true);
	while (HeapTupleIsValid(tuple) && --most > 0);
	if (HeapTupleIsValid(tuple))
		forget_row(writer, model, &scan, tuple);
	EasqScanEnd(&scan);
	see_changes();
}

/* The oldest of the most common value.  Where it is not there, the counts were wrong. */
static void
forget_common(EasqWriter *writer, EasqModel *model)
{
	EasqAnswerKind *kind = EasqAnswerCountsMostCommon(&model->adapter.counts);
	EasqScan	scan;
	HeapTuple	tuple;

	EasqScanValue(&scan, RowExclusiveLock, model, kind, kind->oldest);
	tuple = EasqScanNext(&scan, false);
	if (HeapTupleIsValid(tuple))
	{
		kind->oldest = DatumGetInt64(EasqColumn(&scan, tuple, ANSWER_ORDINAL)) + 1;
		forget_row(writer, model, &scan, tuple);
	}
	else
		model->adapter.counts.count = -1;
	EasqScanEnd(&scan);
	see_changes();
	know_counts(model);
}

static void
shrink(EasqWriter *writer, EasqModel *model, int answers)
{
	while (EasqAnswerCountsTotal(&model->adapter.counts) > answers)
	{
		CHECK_FOR_INTERRUPTS();
		forget_common(writer, model);
	}
}

static void
write_answer(EasqWriter *writer, const EasqModel *model, const EasqAnswer *answer)
{
	EasqRow		row;

	EasqRowInit(&row);
	EasqRowSetText(&row, ANSWER_MODEL, model->name);
	EasqRowSetText(&row, ANSWER_ADAPTER, model->adapter.name);
	EasqRowSet(&row, ANSWER_ORDINAL, Int64GetDatum(answer->ordinal));
	EasqRowSetText(&row, ANSWER_RESPONDENT, answer->respondent);
	EasqRowSet(&row, ANSWER_KEY, EasqBytesDatum(answer->key, EASQ_KEY_BYTES));
	if (answer->has_name)
		EasqRowSet(&row, ANSWER_NAMED, EasqBytesDatum(answer->named, EASQ_KEY_BYTES));
	EasqRowSet(&row, ANSWER_ANSWER, Float8GetDatum(answer->answer));
	EasqRowSet(&row, ANSWER_WEIGHT, Float8GetDatum(answer->weight));
	EasqRowSetTime(&row, ANSWER_ASKED_AT, answer->asked_at);
	EasqRowSet(&row, ANSWER_EXAMPLE, EasqBytesDatum(answer->example, answer->length));
	EasqWriterInsert(writer, row.values, row.nulls);
}

static void
remember_one(EasqWriter *writer, EasqModel *model, EasqAnswer *answer)
{
	int			most = model->options.answers_per_respondent;

	if (answer->keyed)
		forget_key(writer, model, answer->key);
	if (answer->respondent && most > 0)
		forget_own(writer, model, answer->respondent, most);
	know_counts(model);
	shrink(writer, model, room_of(model) - 1);

	answer->ordinal = ++model->adapter.answers;
	write_answer(writer, model, answer);
	EasqAnswerCountsAdd(&model->adapter.counts, answer->answer, answer->ordinal);
	model->adapter.asked_at = Max(model->adapter.asked_at, answer->asked_at);
	see_changes();
	if (model->adapter.answers % room_of(model) == 0)
		count_anew(model);
}

void
EasqRemember(EasqModel *model, EasqAnswer *answers, int count)
{
	EasqWriter	writer;

	if (count == 0)
		return;
	model->memory = NULL;
	know_counts(model);
	EasqWriterBegin(&writer, "answer");
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (answers[i].ordinal == 0)
			remember_one(&writer, model, &answers[i]);
	}
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

bool
EasqForget(EasqModel *model, const uint8 *key, double answer)
{
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	bool		found = false;

	model->memory = NULL;
	EasqWriterBegin(&writer, "answer");
	scan_key(&scan, model, key);
	while (!found && HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		found = DatumGetFloat8(EasqColumn(&scan, tuple, ANSWER_ANSWER)) == answer;
		if (found)
			forget_row(&writer, model, &scan, tuple);
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
	return found;
}

void
EasqTrimAnswers(EasqModel *model)
{
	EasqWriter	writer;

	know_counts(model);
	if (EasqAnswerCountsTotal(&model->adapter.counts) <= model->options.replay_answers)
		return;
	model->memory = NULL;
	EasqWriterBegin(&writer, "answer");
	shrink(&writer, model, model->options.replay_answers);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}

void
EasqTrimRespondents(EasqModel *model)
{
	ScanKeyData keys[EASQ_OWNER_KEYS];
	EasqScan	scan;
	EasqWriter	writer;
	HeapTuple	tuple;
	char	   *respondent = NULL;
	int			count = 0;

	if (model->options.answers_per_respondent == 0)
		return;
	know_counts(model);
	model->memory = NULL;
	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqWriterBegin(&writer, "answer");
	EasqScanBegin(&scan, "answer", "answer_respondent", RowExclusiveLock, GetActiveSnapshot(), EASQ_OWNER_KEYS, keys);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, true)))
	{
		char	   *next = EasqColumnTextOrNull(&scan, tuple, ANSWER_RESPONDENT);

		CHECK_FOR_INTERRUPTS();
		count = next && respondent && strcmp(next, respondent) == 0 ? count + 1 : 1;
		respondent = next;
		if (next && count > model->options.answers_per_respondent)
			forget_row(&writer, model, &scan, tuple);
	}
	EasqScanEnd(&scan);
	EasqWriterEnd(&writer);
	UpdateActiveSnapshotCommandId();
}
