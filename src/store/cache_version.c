#include "postgres.h"

#include "lib/ilist.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "store/cache_version.h"
#include "store/weight.h"

/*
 * Versions are found by their random ids, which the statement's snapshot gives:
 * nothing has to be invalidated, and an old snapshot finds or loads its own.
 */
typedef struct BackboneEntry
{
	EasqBackbone backbone;		/* first: a pointer to it is a pointer to the entry */
	pg_uuid_t	id;
	MemoryContext context;
	int			users;			/* versions that stand on it */
	dlist_node	node;
} BackboneEntry;

typedef struct VersionEntry
{
	EasqVersion version;		/* first, as above */
	pg_uuid_t	id;
	pg_uuid_t	beliefs;
	MemoryContext context;
	BackboneEntry *base;
	int			pins;
	bool		superseded;		/* goes with its last pin */
	dlist_node	node;			/* most recently used first */
} VersionEntry;

/* Of one model, besides the newest: what a transaction with an older snapshot may be using. */
#define SPARE_VERSIONS 1

int			easq_cache_size;

static dlist_head versions = DLIST_STATIC_INIT(versions);
static dlist_head backbones = DLIST_STATIC_INIT(backbones);

static BackboneEntry *
load_backbone(const EasqModel *model)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq backbone", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BackboneEntry *entry = palloc0(sizeof(BackboneEntry));

	EasqBackboneLoad(&entry->backbone, model);
	entry->id = model->backbone.id;
	entry->context = context;
	MemoryContextSwitchTo(old);
	/* Complete: from here on it outlives errors. */
	MemoryContextSetParent(context, TopMemoryContext);
	dlist_push_head(&backbones, &entry->node);
	return entry;
}

static BackboneEntry *
find_backbone(const EasqModel *model)
{
	dlist_iter	iter;

	dlist_foreach(iter, &backbones)
	{
		BackboneEntry *entry = dlist_container(BackboneEntry, node, iter.cur);

		if (memcmp(&entry->id, &model->backbone.id, sizeof(pg_uuid_t)) == 0 && !EasqBackboneOutdated(&entry->backbone))
			return entry;
	}
	return load_backbone(model);
}

static void
drop_backbone_if_unused(BackboneEntry *entry)
{
	if (entry->users > 0)
		return;
	dlist_delete(&entry->node);
	EasqBackboneRelease(&entry->backbone);
	MemoryContextDelete(entry->context);
}

static void
drop_version(VersionEntry *entry)
{
	BackboneEntry *base = entry->base;

	dlist_delete(&entry->node);
	MemoryContextDelete(entry->context);
	base->users--;
	drop_backbone_if_unused(base);
}

/* Whether a shared backbone has the model's adapter beside it. */
static bool
has_adapter(const EasqBackbone *backbone, const EasqModel *model)
{
	return backbone->adapter && memcmp(&backbone->adapter->id, &model->adapter.id, sizeof(pg_uuid_t)) == 0 &&
		backbone->adapter->alpha == (float) model->options.hyper.alpha;
}

/* adapter: the whole block, whose adapter part is as the tables hold it; NULL: read it. */
static void
fill_version(VersionEntry *entry, MemoryContext context, const float *adapter)
{
	const EasqLayout *layout = &entry->version.model->layout;
	const EasqBackbone *backbone = &entry->base->backbone;
	float	   *weights;
	float	   *packed;

	if (has_adapter(backbone, entry->version.model))
	{
		entry->version.weights = backbone->weights;
		EasqScorerOpen(&entry->version.scorer, layout, backbone->weights, backbone->packed);
		return;
	}
	weights = MemoryContextAllocHuge(context, sizeof(float) * layout->total);
	packed = MemoryContextAllocHuge(context, sizeof(float) * EasqScorerFloats(layout));
	memcpy(weights, backbone->weights, sizeof(float) * layout->backbone);
	if (adapter)
		memcpy(weights + layout->backbone, adapter + layout->backbone, sizeof(float) * (layout->adapter));
	else
		EasqReadWeights(entry->version.model, EASQ_ADAPTER, weights);
	entry->version.weights = weights;
	EasqScorerPack(&entry->version.scorer, layout, weights,
				   (float) entry->version.model->options.hyper.alpha, packed);
}

/* Beliefs of another version of the model, most of whose chunks will be the same. */
static const EasqBeliefs *
similar_beliefs(const EasqModel *model)
{
	dlist_iter	iter;

	dlist_foreach(iter, &versions)
	{
		const VersionEntry *entry = dlist_container(VersionEntry, node, iter.cur);

		if (entry->version.beliefs && strcmp(entry->version.model->name, model->name) == 0 &&
			EasqBeliefsFit(entry->version.beliefs, model->spec))
			return entry->version.beliefs;
	}
	return NULL;
}

/* beliefs: as the tables hold them; NULL: read them. */
static void
fill_beliefs(VersionEntry *entry, const EasqBeliefs *beliefs)
{
	const EasqModel *model = entry->version.model;

	entry->beliefs = model->adapter.beliefs;
	entry->version.beliefs = beliefs ? EasqBeliefsCopy(beliefs, model->spec) : EasqBeliefsRead(model, similar_beliefs(model));
}

static VersionEntry *
load_version(const char *name, const float *adapter, const EasqBeliefs *beliefs)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq version", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	VersionEntry *entry = palloc0(sizeof(VersionEntry));

	entry->version.model = EasqModelReadToScore(name);
	entry->base = find_backbone(entry->version.model);
	entry->version.backbone = &entry->base->backbone;
	entry->id = entry->version.model->adapter.id;
	entry->context = context;
	entry->base->users++;
	PG_TRY();
	{
		fill_version(entry, context, adapter);
		fill_beliefs(entry, beliefs);
	}
	PG_CATCH();
	{
		entry->base->users--;
		drop_backbone_if_unused(entry->base);
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, TopMemoryContext);
	dlist_push_head(&versions, &entry->node);
	return entry;
}

/*
 * A version of the same model that is not worth a place beside the newest.  On
 * another backbone, where backbones are shared: to keep it would keep its
 * segment for the whole server, and to come back to it costs little.
 */
static bool
is_superseded(const VersionEntry *entry, const VersionEntry *newest, int spare)
{
	return spare > SPARE_VERSIONS || (entry->base != newest->base && newest->base->backbone.segment);
}

/* Drops superseded versions of the model, then the least recently used of all while memory is over the setting. */
static void
make_room(const VersionEntry *newest)
{
	dlist_mutable_iter miter;
	dlist_iter	iter;
	Size		used = 0;
	int			spare = 0;

	dlist_foreach_modify(miter, &versions)
	{
		VersionEntry *entry = dlist_container(VersionEntry, node, miter.cur);

		if (entry == newest || strcmp(entry->version.model->name, newest->version.model->name) != 0)
			continue;
		entry->superseded = is_superseded(entry, newest, ++spare);
		if (entry->superseded && entry->pins == 0)
			drop_version(entry);
	}
	dlist_foreach(iter, &versions)
		used += MemoryContextMemAllocated(dlist_container(VersionEntry, node, iter.cur)->context, true);
	dlist_foreach(iter, &backbones)
		used += MemoryContextMemAllocated(dlist_container(BackboneEntry, node, iter.cur)->context, true);
	used += EasqBeliefsMemory();
	while (used > (Size) easq_cache_size * 1024)
	{
		VersionEntry *oldest = NULL;
		Size		freed;

		dlist_foreach(iter, &versions)
		{
			VersionEntry *entry = dlist_container(VersionEntry, node, iter.cur);

			if (entry != newest && entry->pins == 0)
				oldest = entry;
		}
		if (oldest == NULL)
			return;
		freed = MemoryContextMemAllocated(oldest->context, true);
		if (oldest->base->users == 1)
			freed += MemoryContextMemAllocated(oldest->base->context, true);
		drop_version(oldest);
		used -= freed;
	}
}

static VersionEntry *
find_version(const pg_uuid_t *id, const pg_uuid_t *beliefs)
{
	dlist_iter	iter;

	dlist_foreach(iter, &versions)
	{
		VersionEntry *entry = dlist_container(VersionEntry, node, iter.cur);

		if (memcmp(&entry->id, id, sizeof(pg_uuid_t)) == 0 && memcmp(&entry->beliefs, beliefs, sizeof(pg_uuid_t)) == 0 &&
			!EasqBackboneOutdated(&entry->base->backbone))
		{
			dlist_move_head(&versions, &entry->node);
			entry->superseded = false;
			return entry;
		}
	}
	return NULL;
}

const EasqVersion *
EasqVersionAcquire(const char *name, Oid role, EasqRight right)
{
	EasqIdentity identity;
	VersionEntry *entry;

	EasqModelIdentity(name, &identity, false);
	EasqModelCheckRight(name, &identity.rights, role, right);
	entry = find_version(&identity.adapter_id, &identity.beliefs);
	if (entry == NULL)
	{
		entry = load_version(name, NULL, NULL);
		make_room(entry);
	}
	entry->pins++;
	return &entry->version;
}

void
EasqVersionWritten(const EasqModel *model, const float *weights, const EasqBeliefs *beliefs)
{
	if (find_version(&model->adapter.id, &model->adapter.beliefs) == NULL)
		make_room(load_version(model->name, weights, beliefs));
}

const EasqHeld *
EasqVersionGate(const EasqVersion *version)
{
	BackboneEntry *base = ((const VersionEntry *) version)->base;

	if (!base->backbone.gate_read)
	{
		/* Read aside: an error half-way must leave nothing behind in what outlives it. */
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "easq gate", ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);

		base->backbone.gate = EasqReadHeld(version->model, EASQ_GATE);
		MemoryContextSwitchTo(old);
		MemoryContextSetParent(context, base->context);
		base->backbone.gate_read = true;
	}
	return base->backbone.gate;
}

static void
release(const EasqVersion *version)
{
	VersionEntry *entry = (VersionEntry *) version;

	Assert(entry->pins > 0);
	entry->pins--;
	if (entry->superseded && entry->pins == 0)
		drop_version(entry);
}

static void
unpin(void *arg)
{
	EasqPinSet(arg, NULL);
}

void
EasqPinInit(EasqPin *pin, MemoryContext context)
{
	pin->version = NULL;
	pin->callback.func = unpin;
	pin->callback.arg = pin;
	MemoryContextRegisterResetCallback(context, &pin->callback);
}

void
EasqPinSet(EasqPin *pin, const EasqVersion *version)
{
	if (pin->version)
		release(pin->version);
	pin->version = version;
}
