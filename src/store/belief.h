/*
 * Beliefs as rows of easq.tensor: part "belief", name belief.<feature> (belief. alone: what all rows share), a row a
 * chunk of 128 (mean, variance) in float32, and only where an answer has touched one.
 *
 * A row's id is random and of its content: it stays when the row is copied to a checkpoint or another state.  The
 * adapter's row has the XOR of those of its current rows, so that an answer writes a few rows and a mixture is seen.
 */
#ifndef EASQ_STORE_BELIEF_H
#define EASQ_STORE_BELIEF_H

#include "feature/belief.h"
#include "store/model.h"

#define EASQ_BELIEF_PART "belief"

/* Does the model count values? */
extern bool EasqModelBelieves(const EasqModel *model);

/* Adds what the pathways' logits say, as the model's beliefs see them, to an opinion of values and bias. */
extern void EasqOpinionComplete(const EasqModel *model, const EasqBeliefs *beliefs, double main, double satisfaction,
								EasqOpinion *opinion);

/*
 * The beliefs of model->adapter, in the current context, under the active snapshot; NULL where the model has none.
 * like: NULL, or those of another version, whose chunks are shared where they are the same.
 */
extern EasqBeliefs *EasqBeliefsRead(const EasqModel *model, const EasqBeliefs *like);
/* Those of a state that was kept, whose row has this id for its beliefs. */
extern EasqBeliefs *EasqBeliefsReadState(const EasqModel *model, const char *state, const pg_uuid_t *id);

/*
 * Under the model's lock; the caller writes the adapter's row after it.  The first stores what has changed, the second
 * everything in place of what is stored.  Both set model->adapter.beliefs.
 */
extern void EasqBeliefsWrite(EasqModel *model, EasqBeliefs *beliefs, int64 version);
extern void EasqBeliefsReplace(EasqModel *model, EasqBeliefs *beliefs);
/* Beliefs that are stored as another state of the adapter too, in place of what that state had. */
extern void EasqBeliefsKeep(const EasqModel *model, const char *state, const EasqBeliefs *beliefs);

/* Is a row of easq.tensor with this part one of beliefs?  Adds its id to a sum. */
extern bool EasqBeliefRow(const char *part, const pg_uuid_t *id, pg_uuid_t *sum);

#endif
