/*
 * Backbones that all backends of the server share: each in a dynamic shared
 * memory segment, found by database and random id.  There are some only where
 * easq is in shared_preload_libraries.
 */
#ifndef EASQ_SEGMENT_H
#define EASQ_SEGMENT_H

#include "store/model.h"

struct dsm_segment;

extern int	easq_shared_cache_size; /* setting, in kB */

/* From _PG_init. */
extern void EasqSegmentsInit(void);

/* Whether backbones may be shared at all. */
extern bool EasqSegmentsEnabled(void);

typedef void (*EasqSegmentFill) (const EasqModel *model, char *block);

/*
 * The segment that holds model's backbone, block_bytes long and mapped until
 * EasqSegmentRelease; where no backend has it yet, fill writes it, under the
 * active snapshot, while others who want it wait.  NULL: not shared, the
 * caller needs a copy of its own (a WARNING has said so where the user can
 * do something about it).
 */
extern struct dsm_segment *EasqSegmentAcquire(const EasqModel *model, Size bytes, EasqSegmentFill fill);
extern char *EasqSegmentBlock(struct dsm_segment *segment);
extern void EasqSegmentRelease(struct dsm_segment *segment);

typedef struct EasqSegmentState
{
	Oid			database;
	char		model[EASQ_MAX_NAME + 1];
	pg_uuid_t	backbone_id;
	Size		bytes;
	int			connections;	/* that have it mapped */
	const char *state;
} EasqSegmentState;

/* What there is now, palloc'd; returns how many. */
extern int	EasqSegmentStates(EasqSegmentState **states);

#endif
