/*
 * A model locked for learning, in memory: weights, optimiser, encodings.
 * Open, step as often as wanted, save once.  Every step of an adapter goes
 * through here: the trigger, easq_align, the end of easq_train.
 */
#ifndef EASQ_LEARNER_H
#define EASQ_LEARNER_H

#include "learn/guard.h"
#include "learn/judge.h"
#include "store/cache_version.h"
#include "store/model.h"

typedef struct EasqLearner
{
	EasqModel  *model;			/* its own copy; counters move as it learns */
	const EasqEncoding *encoding;
	EasqHyper	hyper;			/* of the steps: the model's, unless the caller changes them */
	float	   *weights;		/* own copy of the whole block */
	EasqAdam	adam;			/* of the adapter; step is model->adapter.step */
	bool		changed;		/* weights differ from what is stored */
	bool		ranking_changed;	/* and those of LoRA and main, or their moments, among them */
	int64		stored_answers; /* model->adapter.answers as it is stored */
	EasqBeliefs *beliefs;		/* own copy; NULL: the model has none */
	bool		believed;		/* they know the answers that it learns already */
	bool		counted;		/* counters moved without a step: so must the adapter row, or REPEATABLE READ would not notice */
	Oid			author;			/* of the questionnaire that it learns from now; EASQ_NOBODY: several, or none */
	EasqPin		pin;			/* the version it started from; empty on training's weights */
	MemoryContext context;		/* of all that it allocates */
	float	   *trial;			/* weights, m, v of a step that is not accepted yet */
	float	   *gradient;		/* [layout.total] */
	float	   *work;
	size_t		work_floats;
	EasqJudge  *judge;			/* what EasqLearnerJudge returns */
	const EasqHeld *gate;		/* what EasqLearnerGate returns */
	bool		gate_read;
	EasqGuard  *guard;			/* NULL: no budget */
	bool		guard_made;
} EasqLearner;

/*
 * Locks the model (see EasqModelLock; role must have the right to teach) and
 * reads it into the current context.  NULL where EASQ_NO_WAIT found it locked.
 * Leaves a snapshot current that EasqLearnerSave pops.
 */
extern EasqLearner *EasqLearnerOpen(const char *name, Oid role, EasqLockWait wait);

/* The same without the lock, which the caller holds, and its snapshot is current.  Only reads. */
extern EasqLearner *EasqLearnerRead(const char *name, Oid role);

/* May one of so many steps make an audit, which reads more than was read so far? */
extern bool EasqLearnerAuditNear(EasqLearner *learner, int64 steps);

/* A learner on weights that training holds and has not stored yet (it owns lock, snapshot and writing). */
extern EasqLearner *EasqLearnerOn(EasqModel *model, const EasqEncoding *encoding, float *weights, EasqAdam adam);

/* Writes adapter and counters once, under one new id, where anything changed. */
extern void EasqLearnerSave(EasqLearner *learner);

/*
 * Where a learner stands, and back to there after an error: a rollback undoes what is in
 * tables, not what it holds.
 */
typedef struct EasqLearnerMark EasqLearnerMark;
extern EasqLearnerMark *EasqLearnerMarkHere(const EasqLearner *learner);
extern void EasqLearnerGoBack(EasqLearner *learner, const EasqLearnerMark *mark);
extern void EasqLearnerMarkFree(EasqLearnerMark *mark);

/* Judges held pairs and scores examples; the weights are the learner's as they are now. */
extern EasqJudge *EasqLearnerJudge(EasqLearner *learner);

/* The gate's sample of held pairs; NULL: there is none. */
extern const EasqHeld *EasqLearnerGate(EasqLearner *learner);

/* What a step did, beside its metrics. */
typedef struct EasqStepOutcome
{
	EasqMetrics metrics;
	double		rise;			/* of the mean satisfaction logit of the rows it scores, which losses of pairs leave free */
	bool		guarded;		/* there is a behaviour budget: what follows means something */
	bool		cut;			/* main and LoRA went a part of their way, or none */
	double		strength;		/* of alignment, 1: as configured */
	bool		judged;			/* the gate sample was judged as a whole, and the audit's too */
	bool		audited;
} EasqStepOutcome;

/* One step, whatever it costs.  Returns NULL, or why it was not taken (the learner is then as it was). */
extern const char *EasqLearnerStep(EasqLearner *learner, const EasqBatch *batch, EasqStepOutcome *outcome);

/*
 * One step within the behaviour budget, refused too where no row of the batch would open a gate of a
 * pathway, or where one would be dying.
 */
extern const char *EasqLearnerGuardedStep(EasqLearner *learner, const EasqBatch *batch, EasqStepOutcome *outcome);

/* The version that the next audit may go back to is the one of now: an explicit step is no matter of the budget. */
extern void EasqLearnerExempt(EasqLearner *learner);

/* Back to the adapter as training left it, nothing spent.  False where the model was never trained. */
extern bool EasqLearnerReset(EasqLearner *learner);

#endif
