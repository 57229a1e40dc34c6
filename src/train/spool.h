/*
 * The rows of a training, in a temporary file: groups in an order that depends
 * on the seed and the rows' content alone, cut into chunks of whole groups
 * that are as large as the shuffle buffer.
 *
 * The query is read once.  A sort (maintenance_work_mem, then temporary files)
 * brings the packed rows into order: by a hash of the group, then by a hash of
 * the content, so that a group too long for a chunk is cut at random.  Memory:
 * one chunk, the sort's maintenance_work_mem, the sampled answers, 40 bytes for each chunk and a bit for each row.
 */
#ifndef EASQ_SPOOL_H
#define EASQ_SPOOL_H

#include "postgres.h"

#include "feature/spec.h"
#include "train/facts.h"
#include "train/row.h"
#include "query/source.h"

#define EASQ_CHUNK_BYTES ((Size) 64 * 1024 * 1024)	/* a chunk of wide rows is closed here */

typedef struct EasqSpool EasqSpool;

/* Reads the source to its end. */
extern EasqSpool *EasqSpoolCreate(EasqSource *source, const EasqSpec *spec, uint64 seed,
								  int buffer_rows, int keep_answers);

extern const EasqFacts *EasqSpoolFacts(const EasqSpool *spool);

/* A sample of the answers (train/answer_sample.h), in the order of their numbers; the count is *sampled. */
extern const EasqTrainRow *EasqSpoolAnswers(const EasqSpool *spool, int *sampled);

extern int	EasqSpoolChunks(const EasqSpool *spool);

/*
 * Reads a chunk: its rows, groups contiguous, then all sampled answers.  Valid until the next
 * call.  *count is that of the chunk's own rows.
 */
extern const EasqTrainRow *EasqSpoolRead(EasqSpool *spool, int chunk, int *count);

/* A row becomes a held one, in the chunk read last too; or all cease to be. */
extern void EasqSpoolHold(EasqSpool *spool, int chunk, int row);
extern void EasqSpoolHoldNone(EasqSpool *spool);

extern void EasqSpoolFree(EasqSpool *spool);

#endif
