#include "postgres.h"

#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"

#include "store/columns.h"
#include "store/model.h"
#include "store/questionnaire.h"
#include "store/row.h"

static void
read_row(const EasqScan *scan, HeapTuple tuple, EasqQuestionnaire *to)
{
	to->model = EasqColumnText(scan, tuple, QUESTIONNAIRE_MODEL);
	to->adapter = EasqColumnText(scan, tuple, QUESTIONNAIRE_ADAPTER);
	to->relation = DatumGetObjectId(EasqColumn(scan, tuple, QUESTIONNAIRE_QUESTIONNAIRE));
	to->author = DatumGetObjectId(EasqColumn(scan, tuple, QUESTIONNAIRE_AUTHOR));
	to->answer = EasqColumnText(scan, tuple, QUESTIONNAIRE_ANSWER);
	to->respondent = EasqColumnText(scan, tuple, QUESTIONNAIRE_RESPONDENT);
	to->features = EasqColumnTextOrNull(scan, tuple, QUESTIONNAIRE_FEATURES);
	to->settings = DatumGetJsonbPCopy(EasqColumn(scan, tuple, QUESTIONNAIRE_SETTINGS));
	to->options = DatumGetJsonbPCopy(EasqColumn(scan, tuple, QUESTIONNAIRE_OPTIONS));
}

/* relation or model may be left out (InvalidOid, NULL). */
static int
find_rows(Oid relation, const char *model, EasqQuestionnaire **found)
{
	ScanKeyData key;
	EasqScan	scan;
	HeapTuple	tuple;
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	int			count = 0;
	int			room = 4;

	*found = palloc(sizeof(EasqQuestionnaire) * room);
	EasqKeyOid(&key, QUESTIONNAIRE_QUESTIONNAIRE, relation);
	EasqScanBegin(&scan, "questionnaire", "questionnaire_pkey", AccessShareLock, snapshot,
				  OidIsValid(relation) ? 1 : 0, &key);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		if (count == room)
			*found = repalloc(*found, sizeof(EasqQuestionnaire) * (room *= 2));
		read_row(&scan, tuple, &(*found)[count]);
		if (model == NULL || strcmp(model, (*found)[count].model) == 0)
			count++;
	}
	EasqScanEnd(&scan);
	UnregisterSnapshot(snapshot);
	return count;
}

int
EasqQuestionnairesOf(Oid relation, EasqQuestionnaire **found)
{
	return find_rows(relation, NULL, found);
}

int
EasqQuestionnairesOfModel(const char *model, EasqQuestionnaire **found)
{
	return find_rows(InvalidOid, model, found);
}

bool
EasqQuestionnaireStamp(Oid relation, EasqStamp *stamp)
{
	ScanKeyData key;
	EasqScan	scan;
	HeapTuple	tuple;
	int			count = 0;

	EasqKeyOid(&key, QUESTIONNAIRE_QUESTIONNAIRE, relation);
	EasqScanBegin(&scan, "questionnaire", "questionnaire_pkey", AccessShareLock, GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = EasqScanNext(&scan, false)))
	{
		*stamp = EasqRowStamp(&scan, tuple);
		count++;
	}
	EasqScanEnd(&scan);
	return count == 1;
}

bool
EasqQuestionnaireDelete(const char *model, Oid relation)
{
	ScanKeyData keys[2];

	EasqKeyOid(&keys[0], QUESTIONNAIRE_QUESTIONNAIRE, relation);
	EasqKeyText(&keys[1], QUESTIONNAIRE_MODEL, model);
	return EasqDeleteRows("questionnaire", "questionnaire_pkey", 2, keys) > 0;
}

void
EasqQuestionnaireWrite(const EasqQuestionnaire *from)
{
	EasqWriter	writer;
	EasqRow		row;

	(void) EasqQuestionnaireDelete(from->model, from->relation);
	EasqRowInit(&row);
	EasqRowSetText(&row, QUESTIONNAIRE_MODEL, from->model);
	EasqRowSetText(&row, QUESTIONNAIRE_ADAPTER, from->adapter ? from->adapter : EASQ_OWN_ADAPTER);
	EasqRowSet(&row, QUESTIONNAIRE_QUESTIONNAIRE, ObjectIdGetDatum(from->relation));
	EasqRowSet(&row, QUESTIONNAIRE_AUTHOR, ObjectIdGetDatum(from->author));
	EasqRowSetText(&row, QUESTIONNAIRE_ANSWER, from->answer);
	EasqRowSetText(&row, QUESTIONNAIRE_RESPONDENT, from->respondent);
	EasqRowSetText(&row, QUESTIONNAIRE_FEATURES, from->features);
	EasqRowSet(&row, QUESTIONNAIRE_SETTINGS, JsonbPGetDatum(from->settings));
	EasqRowSet(&row, QUESTIONNAIRE_OPTIONS, JsonbPGetDatum(from->options));
	EasqWriterBegin(&writer, "questionnaire");
	EasqWriterInsert(&writer, row.values, row.nulls);
	EasqWriterEnd(&writer);
	/* Sessions keep what they have found out about the table. */
	CacheInvalidateRelcacheByRelid(from->relation);
}
