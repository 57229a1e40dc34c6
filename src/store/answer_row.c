/*
 * Rows of easq.answer: what finds them and what they hold.
 */
#include "postgres.h"

#include <math.h>

#include "utils/snapmgr.h"

#include "store/answer.h"
#include "store/columns.h"
#include "store/row.h"

void
EasqReadAnswerRow(const EasqScan *scan, HeapTuple tuple, EasqAnswer *answer)
{
	int			length;
	char	   *key = EasqColumnBytes(scan, tuple, ANSWER_KEY, &length);

	memset(answer, 0, sizeof(*answer));
	memcpy(answer->key, key, Min(length, EASQ_KEY_BYTES));
	pfree(key);
	answer->respondent = EasqColumnTextOrNull(scan, tuple, ANSWER_RESPONDENT);
	answer->answer = DatumGetFloat8(EasqColumn(scan, tuple, ANSWER_ANSWER));
	answer->weight = DatumGetFloat8(EasqColumn(scan, tuple, ANSWER_WEIGHT));
	answer->asked_at = EasqColumnTime(scan, tuple, ANSWER_ASKED_AT);
	answer->example = EasqColumnBytes(scan, tuple, ANSWER_EXAMPLE, &answer->length);
	answer->ordinal = DatumGetInt64(EasqColumn(scan, tuple, ANSWER_ORDINAL));
}

void
EasqScanOwn(EasqScan *scan, LOCKMODE mode, const EasqModel *model, const char *respondent)
{
	ScanKeyData keys[EASQ_OWNER_KEYS + 1];

	EasqKeyOwner(keys, model->name, model->adapter.name);
	EasqKeyText(&keys[EASQ_OWNER_KEYS], ANSWER_RESPONDENT, respondent);
	EasqScanBegin(scan, "answer", "answer_respondent", mode, GetActiveSnapshot(), EASQ_OWNER_KEYS + 1, keys);
}

void
EasqScanValue(EasqScan *scan, LOCKMODE mode, const EasqModel *model, const EasqAnswerKind *kind, int64 from)
{
	bool		mixed = isnan(kind->value);
	ScanKeyData keys[EASQ_OWNER_KEYS + 2];
	int			nkeys = EASQ_OWNER_KEYS;

	EasqKeyOwner(keys, model->name, model->adapter.name);
	if (!mixed)
		EasqKeyFloat8(&keys[nkeys++], ANSWER_ANSWER, BTEqualStrategyNumber, kind->value);
	EasqKeyInt8(&keys[nkeys++], ANSWER_ORDINAL, BTGreaterEqualStrategyNumber, from);
	EasqScanBegin(scan, "answer", mixed ? "answer_pkey" : "answer_value", mode, GetActiveSnapshot(), nkeys, keys);
}
