#include "core/direct.h"

#include "base/cache.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N_SETS 128U /* 1024 addresses */

struct table {
	struct sx_cache cache;
	struct sx_cache_set sets[N_SETS];
};

struct sx_direct {
	_Atomic(struct table *) table; /* made at the first learn() */
};

union record {
	struct {
		uint8_t ip[16];
		uint32_t family;
		uint32_t rank;
	};
	uint64_t words[SX_CACHE_WORDS];
};

int sx_direct_new(struct sx_direct **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void sx_direct_free(struct sx_direct *d)
{
	if (d)
		free(atomic_load(&d->table));
	free(d);
}

/* The key is a hash; the record has the address itself. */
static uint64_t key_of(const struct sx_ip *ip, union record *record)
{
	memset(record, 0, sizeof(*record));
	memcpy(record->ip, ip->bytes, sx_ip_len(ip));
	record->family = ip->family;
	return sx_hash(SX_HASH_START, ip->bytes, sx_ip_len(ip)) | 1;
}

/* NULL: no memory. Who loses a race uses the winner's. */
static struct table *get_table(struct sx_direct *d)
{
	struct table *t = atomic_load(&d->table), *fresh;

	if (t)
		return t;
	fresh = calloc(1, sizeof(*fresh));
	if (!fresh)
		return NULL;
	fresh->cache.sets = fresh->sets;
	fresh->cache.n_sets = N_SETS;
	if (atomic_compare_exchange_strong(&d->table, &t, fresh))
		return fresh;
	free(fresh);
	return t;
}

void sx_direct_learn(struct sx_direct *d, const struct sx_ip *ip, unsigned rank)
{
	struct table *t = get_table(d);
	union record record;
	uint64_t key = key_of(ip, &record);

	record.rank = rank;
	if (t)
		sx_cache_put(&t->cache, key, record.words);
}

bool sx_direct_knows(
	struct sx_direct *d, const struct sx_ip *ip, unsigned *rank)
{
	struct table *t = atomic_load(&d->table);
	union record want, got;

	if (!t)
		return false;
	uint64_t key = key_of(ip, &want);
	if (!sx_cache_get(&t->cache, key, got.words) ||
		memcmp(got.ip, want.ip, sizeof(got.ip)) != 0 ||
		got.family != want.family)
		return false;
	*rank = got.rank;
	return true;
}
