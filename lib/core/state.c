#include "core/state.h"

#include "core/shared.h"

#include <errno.h>
#include <sys/mman.h>

static const struct sx_shared_file state_file = {
	.name = "state",
	.magic = SX_STATE_MAGIC,
	.version = SX_STATE_VERSION,
	.size = sizeof(struct sx_state_map),
	.solid = sizeof(struct sx_state_map),
};

/* Times of another boot are of another clock. The boot is stored last: when
 * we are killed before, the next one begins anew. */
static void adopt(struct sx_state_map *map)
{
	uint64_t boot = sx_shared_boot();

	if (!boot || atomic_load(&map->head.boot) == boot)
		return;
	for (unsigned i = 0; i < SX_STATE_SERVERS; i++)
		atomic_store(&map->servers[i].health, 0);
	atomic_store(&map->head.boot, boot);
}

int sx_state_open(struct sx_state *st, const struct sx_state_path *path,
	struct sx_err *err)
{
	void *map = NULL;
	int place = sx_shared_open(&state_file, path, &map, err);

	*st = (struct sx_state){.map = map, .place = place < 0 ? -1 : place};
	if (map) {
		adopt(st->map);
		return SX_STATE_SHARED;
	}
	st->map = sx_shared_private(&state_file);
	return st->map ? SX_STATE_PRIVATE : -ENOMEM;
}

void sx_state_close(struct sx_state *st)
{
	if (st->map)
		munmap(st->map, sizeof(*st->map));
	*st = (struct sx_state){.place = -1};
}

struct sx_server_state *sx_state_server(
	struct sx_state *st, const char *key, const char *name)
{
	if (!st->map)
		return NULL;
	return (void *)sx_record_find(st->map->servers, SX_STATE_SERVERS,
		sizeof(st->map->servers[0]), key, name);
}

struct sx_pool_state *sx_state_pool(
	struct sx_state *st, const char *key, const char *name)
{
	if (!st->map)
		return NULL;
	return (void *)sx_record_find(st->map->pools, SX_STATE_POOLS,
		sizeof(st->map->pools[0]), key, name);
}

struct sx_server_state *sx_state_server_at(struct sx_state *st, unsigned i)
{
	if (!st->map || !sx_record_is_claimed(&st->map->servers[i].record))
		return NULL;
	return &st->map->servers[i];
}

struct sx_pool_state *sx_state_pool_at(struct sx_state *st, unsigned i)
{
	if (!st->map || !sx_record_is_claimed(&st->map->pools[i].record))
		return NULL;
	return &st->map->pools[i];
}
