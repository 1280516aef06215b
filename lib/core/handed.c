#include "core/handed.h"

#include "base/hash.h"

#include <string.h>
#include <sys/mman.h>

#define N_SETS 32U

struct map {
	struct sx_shared_head head;
	struct sx_cache_set sets[N_SETS];
};

static const struct sx_shared_file handed_file = {
	.name = "handed",
	.magic = 0x736f636b73696879, /* "socksihy" */
	.version = 1,
	.size = sizeof(struct map),
	.solid = sizeof(struct map),
};

/* An address and port in the words of a cache. */
union end {
	struct {
		uint8_t bytes[16];
		uint16_t family, port;
		uint32_t scope;
	};
	uint64_t words[SX_CACHE_WORDS];
};

enum {
	RELAY,
	PEER
};

int sx_handed_open(struct sx_handed_table *t, const struct sx_state_path *path)
{
	int place = sx_shared_open(&handed_file, path, &t->map, NULL);

	if (place < 0)
		return place;
	t->cache.sets = ((struct map *)t->map)->sets;
	t->cache.n_sets = N_SETS;
	return 0;
}

void sx_handed_close(struct sx_handed_table *t)
{
	if (t->map)
		munmap(t->map, sizeof(struct map));
	memset(t, 0, sizeof(*t));
}

static uint64_t key_of(uint64_t net, uint64_t cookie, unsigned which)
{
	uint64_t h = sx_hash(SX_HASH_START, &net, sizeof(net));

	h = sx_hash(h, &cookie, sizeof(cookie));
	return (h | 2) - (h & 1) + which;
}

static void put(struct sx_handed_table *t, uint64_t key, const struct sx_ip *ip,
	uint16_t port)
{
	union end e = {.words = {0}};

	memcpy(e.bytes, ip->bytes, sizeof(e.bytes));
	e.family = ip->family;
	e.port = port;
	e.scope = ip->scope;
	sx_cache_put(&t->cache, key, e.words);
}

static bool get(struct sx_handed_table *t, uint64_t key, struct sx_ip *ip,
	uint16_t *port)
{
	union end e;

	if (!sx_cache_get(&t->cache, key, e.words))
		return false;
	memcpy(ip->bytes, e.bytes, sizeof(e.bytes));
	ip->family = e.family;
	ip->scope = e.scope;
	*port = e.port;
	return true;
}

void sx_handed_put(struct sx_handed_table *t, uint64_t net, uint64_t cookie,
	const struct sx_handed *h)
{
	if (!t->cache.sets)
		return;
	put(t, key_of(net, cookie, RELAY), &h->relay, h->relay_port);
	put(t, key_of(net, cookie, PEER), &h->peer, h->peer_port);
}

bool sx_handed_get(struct sx_handed_table *t, uint64_t net, uint64_t cookie,
	struct sx_handed *h)
{
	memset(h, 0, sizeof(*h));
	return t->cache.sets &&
	       get(t, key_of(net, cookie, RELAY), &h->relay, &h->relay_port) &&
	       get(t, key_of(net, cookie, PEER), &h->peer, &h->peer_port);
}
