/*
 * Models: the definition (easq.model) and the state of its two tiers.
 */
#ifndef EASQ_MODEL_H
#define EASQ_MODEL_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/lockdefs.h"
#include "utils/uuid.h"

#include "core/belief.h"
#include "core/budget.h"
#include "core/calibration.h"
#include "core/shape.h"
#include "core/step.h"
#include "feature/example.h"
#include "feature/options.h"
#include "feature/spec.h"
#include "store/answer_count.h"
#include "store/model_right.h"
#include "store/row.h"

#define EASQ_FORMAT 2			/* of what the tables hold */
#define EASQ_MAX_EMBEDDING 2147483648.0 /* numbers in all tables of a model: 8 GiB */
#define EASQ_MAX_NAME 63		/* bytes of a model's name */

/* What alignment has done since the backbone was trained: columns of easq.adapter, see adapter.c. */
typedef struct EasqAlignmentState
{
	double		carried;		/* G when the backbone was last trained */
	double		cost;			/* G, when the gate sample was last judged as a whole */
	double		drift;			/* G that the steps since then seem to have added */
	double		drift_share;	/* what of such drift has come true so far, 0 to 1 */
	double		spread;			/* of main's logits then, as a share of that after training */
	int64		judged_step;	/* adapter_step at the last judgement of the gate sample, and at the last audit */
	int64		audited_step;
	double		pace;			/* share of alignment's strength that audits leave */
	EasqVital	vital[EASQ_PATHWAYS];	/* after training; zeros: never taken */
	EasqCalibration calibration;

	/* how beliefs see the pathways, and what the ranking takes of them: main's logit + knob z */
	double		main_mean;		/* of main's logits after training */
	double		main_deviation;
	double		pathway_scale;	/* what the satisfaction pathway's logit usually is */
	double		knob;
	EasqSurprise surprise;		/* how much answers surprise */
	double		answer_weight;	/* running mean of answers' weights, which are relative; 0: none yet */
	double		knob_answers;	/* adapter.answers when it was last turned */
	double		ranking_cost;	/* G of the ranking with the knob, when it was last judged; the cost above is without */
} EasqAlignmentState;

/* What changes only by training: the row of easq.model beside the definition. */
typedef struct EasqBackboneState
{
	pg_uuid_t	id;				/* random, new with every write of the tier */
	int64		version;		/* for people */
	int64		step;			/* Adam steps */
	double	   *mean;			/* [spec->numerics] */
	double	   *deviation;
	EasqPriors	priors;			/* [spec->count] */
	bool		trained;
	bool		uncommitted;	/* its row was written by the current transaction */
} EasqBackboneState;

#define EASQ_OWN_ADAPTER ""		/* name of the model's own adapter */

/* What changes with each learning step: a row of easq.adapter. */
typedef struct EasqAdapterState
{
	const char *name;
	pg_uuid_t	id;
	int64		version;
	int64		step;
	int64		answers;		/* answers remembered so far, those forgotten since included */
	int64		uncertain;		/* answers so far that were 'uncertain' */
	EasqAnswerCounts counts;	/* answers that are remembered now, by value */
	EasqAnswerCounts stored_counts; /* as easq.answer_count has them */
	pg_uuid_t	beliefs;		/* XOR of the ids of what is believed of values, see store/belief.h; zeros: nothing */
	TimestampTz asked_at;		/* the latest of an answer so far; DT_NOBEGIN: none said when */
	EasqAlignmentState alignment;
} EasqAdapterState;

typedef struct EasqModel
{
	/* the definition */
	char	   *name;
	Oid			owner;
	Jsonb	   *features;		/* as EasqSpecToJsonb writes it */
	EasqSpec   *spec;
	EasqOptions options;
	EasqLayout	layout;

	EasqBackboneState backbone;
	EasqAdapterState adapter;
	struct EasqAnswerMemory *memory;	/* remembered answers themselves, NULL: look them up; see answer_memory.h */
} EasqModel;

/* What scoring needs once a statement, without parsing anything. */
typedef struct EasqIdentity
{
	EasqRights	rights;
	pg_uuid_t	backbone_id;
	pg_uuid_t	adapter_id;
	pg_uuid_t	beliefs;
} EasqIdentity;

/* All under the active snapshot; ERROR 42704 where the model is not there (false if missing_ok). */
extern bool EasqModelIdentity(const char *name, EasqIdentity *identity, bool missing_ok);
/* Which version of its definition this is; false: there is no such model. */
extern bool EasqModelStamp(const char *name, EasqStamp *stamp);
/* ERROR 42501 where role has not the right. */
extern void EasqModelCheck(const char *name, Oid role, EasqRight right);
extern EasqModel *EasqModelRead(const char *name, bool missing_ok);
/* The same for who only scores: without the counts of answers by value. */
extern EasqModel *EasqModelReadToScore(const char *name);

/* A float8[] column of a model: so many numbers, finite; palloc'd.  ERROR XX001. */
extern double *EasqReadDoubles(Datum array, int expected, const char *name);

/* Nothing spent, nothing audited, nothing calibrated: the state of new weights. */
extern void EasqAlignmentStateInit(EasqAlignmentState *state);
/* The same at a step of a model that has signs of life and calibration: so much of behaviour is spent already. */
extern void EasqAlignmentStateStart(EasqAlignmentState *state, double carried, int64 step);
/* Could it be stored? */
extern bool EasqAlignmentStateIsFinite(const EasqAlignmentState *state);

/* Reads the adapter row's counters again: remembering moves them without a new id. */
extern void EasqModelReadCounters(EasqModel *model);

/* Fills model->layout from spec and options.  ERROR 54000 where that is too large. */
extern void EasqModelSetShape(EasqModel *model);

/* Is the name one a model can have?  ERROR 42602. */
extern void EasqModelCheckName(const char *name);

/* Writes a new model with its weights (the whole block), tables [spec->tables] and fresh optimiser.  ERROR 42710. */
extern void EasqModelInsert(EasqModel *model, const float *weights, float **table);

/* Deletes the model with all rows of all tables that are its own.  The caller holds its lock. */
extern void EasqModelDelete(const char *name);

typedef enum EasqLockWait
{
	EASQ_WAIT,
	EASQ_NO_WAIT				/* skip where another holds it */
} EasqLockWait;

typedef enum EasqLocked
{
	EASQ_LOCKED,
	EASQ_BUSY,					/* EASQ_NO_WAIT: another transaction holds it, or has changed it since our snapshot */
	EASQ_GONE					/* there is no such model */
} EasqLocked;

/*
 * Locks the adapter row of a model to the end of the transaction, then makes a
 * snapshot current that sees what the lock protects: the caller pops it
 * (PopActiveSnapshot).  40001 under REPEATABLE READ where the row has changed
 * since.  Returns false, without a snapshot, only where wait is EASQ_NO_WAIT
 * and another transaction holds the row, or has changed it since our snapshot.
 */
extern bool EasqModelLock(const char *name, EasqLockWait wait);
/* The same, but ERROR only as a row lock gives it; a snapshot is made current where it says EASQ_LOCKED. */
extern EasqLocked EasqModelTryLock(const char *name, EasqLockWait wait);

/*
 * A lock on the model's name to the end of the transaction, which writes nothing: AccessShareLock of whoever leaves
 * rows for the model without locking its adapter, AccessExclusiveLock of whoever drops it, before any other lock on it.
 * It says nothing about whether there is such a model.
 */
extern void EasqModelLockName(const char *name, LOCKMODE mode);

/*
 * Locks the definition against other trainings, configuration and alignment, not against learning or scoring;
 * before EasqModelLock.  ERROR 55P03 where this transaction has locked the model and another its definition.
 */
extern void EasqModelLockDefinition(const char *name);

/*
 * Takes a model to change all of it: both locks, definition first, and role's right, which is looked at before and,
 * as the model may change hands while one waits, afterwards.  The model as the locks protect it; leaves a snapshot
 * current that the caller pops.
 */
extern EasqModel *EasqModelTake(const char *name, Oid role, EasqRight right);

/* A fresh random id.  ERROR where the system has no strong randomness. */
extern pg_uuid_t EasqNewId(void);

#endif
