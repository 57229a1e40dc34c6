/*
 * Backbones that all backends of the server share: each in a dynamic shared
 * memory segment, found by database and random id.  There are some only where
 * easq is in shared_preload_libraries.
 */
#ifndef EASQ_CACHE_SHARED_H
#define EASQ_CACHE_SHARED_H

#include "store/model.h"

struct dsm_segment;

extern int	easq_shared_cache_size; /* setting, in kB */

/* From _PG_init. */
extern void EasqSharedCacheInit(void);

/* Whether backbones may be shared at all. */
extern bool EasqSharedCacheEnabled(void);

typedef void (*EasqSharedCacheFill) (const EasqModel *model, char *block);

/*
 * The segment that holds model's backbone, block_bytes long and mapped until
 * EasqSharedCacheRelease; where no backend has it yet, fill writes it, under the
 * active snapshot, while others who want it wait.  NULL: not shared, the
 * caller needs a copy of its own (a WARNING has said so where the user can
 * do something about it).
 */
extern struct dsm_segment *EasqSharedCacheAcquire(const EasqModel *model, Size bytes, EasqSharedCacheFill fill);
extern char *EasqSharedCacheBlock(struct dsm_segment *segment);
extern void EasqSharedCacheRelease(struct dsm_segment *segment);

typedef struct EasqSharedCacheState
{
	Oid			database;
	char		model[EASQ_MAX_NAME + 1];
	pg_uuid_t	backbone_id;
	Size		bytes;
	int			connections;	/* that have it mapped */
	const char *state;
} EasqSharedCacheState;

/* What there is now, palloc'd; returns how many. */
extern int	EasqSharedCacheStates(EasqSharedCacheState **states);

#endif
