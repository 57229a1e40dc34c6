/*
 * Loaded versions: weights ready for scoring, once for each content id, in
 * this backend, but for backbones that the server's backends share.  Bounded by
 * the setting easq.cache_size; least recently used go first.
 */
#ifndef EASQ_CACHE_VERSION_H
#define EASQ_CACHE_VERSION_H

#include "core/scorer.h"
#include "store/belief.h"
#include "store/cache_backbone.h"
#include "store/model.h"

typedef struct EasqVersion
{
	EasqModel  *model;
	const EasqBackbone *backbone;	/* outlives the adapter versions that stand on it */
	const float *weights;		/* the whole flat block */
	EasqScorer	scorer;
	const EasqBeliefs *beliefs;	/* NULL: the model has none */
} EasqVersion;

/*
 * The version of a model that the active snapshot shows, loaded if need be.
 * Checks role's right every time.  Pinned until an EasqPin that holds it is set anew.
 */
extern const EasqVersion *EasqVersionAcquire(const char *name, Oid role, EasqRight right);

/*
 * The adapter of model has just been written from weights (the whole block) and beliefs (NULL: none) and
 * the active snapshot shows it: what comes next need not read it back.  Should
 * the transaction roll back, nobody will ask for this id again.
 */
extern void EasqVersionWritten(const EasqModel *model, const float *weights, const EasqBeliefs *beliefs);

/* The gate sample of held pairs, read once a backbone; NULL where there is none. */
extern const EasqHeld *EasqVersionGate(const EasqVersion *version);

/* A pin that goes when its memory context is reset or deleted, on error too. */
typedef struct EasqPin
{
	const EasqVersion *version;
	MemoryContextCallback callback;
} EasqPin;

/* pin must be allocated in context (or live longer), never on the stack. */
extern void EasqPinInit(EasqPin *pin, MemoryContext context);
/* Takes over a version just acquired (or NULL) and releases the one held before. */
extern void EasqPinSet(EasqPin *pin, const EasqVersion *version);

extern int	easq_cache_size;	/* setting, in kB */

#endif
