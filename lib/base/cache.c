#include "base/cache.h"

#include <stddef.h>

static struct sx_cache_entry *set_of(struct sx_cache *c, uint64_t key)
{
	/* consecutive keys fill a set before they touch the next page */
	return c->sets[key / SX_CACHE_WAYS % c->n_sets].ways;
}

static struct sx_cache_entry *find(struct sx_cache *c, uint64_t key)
{
	struct sx_cache_entry *set = set_of(c, key);

	for (unsigned i = 0; i < SX_CACHE_WAYS; i++)
		if (atomic_load(&set[i].key) == key)
			return &set[i];
	return NULL;
}

static struct sx_cache_entry *oldest(struct sx_cache *c, uint64_t key)
{
	struct sx_cache_entry *set = set_of(c, key), *best = &set[0];
	uint32_t now = atomic_load(&c->clock);

	for (unsigned i = 1; i < SX_CACHE_WAYS; i++)
		if (now - atomic_load(&set[i].stamp) >
			now - atomic_load(&best->stamp))
			best = &set[i];
	return best;
}

/* False: another writer is in this entry, perhaps the one we interrupted. */
static bool write_entry(struct sx_cache *c, struct sx_cache_entry *e,
	uint64_t key, const uint64_t words[SX_CACHE_WORDS])
{
	uint32_t seq = atomic_load(&e->seq);

	if (seq & 1 || !atomic_compare_exchange_strong(&e->seq, &seq, seq + 1))
		return false;
	atomic_store(&e->key, key);
	atomic_store(&e->stamp, atomic_fetch_add(&c->clock, 1) + 1);
	for (unsigned i = 0; i < SX_CACHE_WORDS; i++)
		atomic_store(&e->words[i], words[i]);
	atomic_store(&e->seq, seq + 2);
	return true;
}

bool sx_cache_put(
	struct sx_cache *c, uint64_t key, const uint64_t words[SX_CACHE_WORDS])
{
	struct sx_cache_entry *e = find(c, key);

	if (!e)
		e = oldest(c, key);
	for (unsigned i = 0; i < SX_CACHE_WAYS; i++) {
		uint64_t old = atomic_load(&e->key);
		if (write_entry(c, e, key, words))
			return old != 0 && old != key;
		e = set_of(c, key) + i;
	}
	return true;
}

bool sx_cache_get(
	struct sx_cache *c, uint64_t key, uint64_t words[SX_CACHE_WORDS])
{
	struct sx_cache_entry *e = find(c, key);

	if (!e)
		return false;
	uint32_t seq = atomic_load(&e->seq);
	if (seq & 1)
		return false;
	for (unsigned i = 0; i < SX_CACHE_WORDS; i++)
		words[i] = atomic_load(&e->words[i]);
	return atomic_load(&e->key) == key && atomic_load(&e->seq) == seq;
}

void sx_cache_del(struct sx_cache *c, uint64_t key)
{
	static const uint64_t none[SX_CACHE_WORDS];
	struct sx_cache_entry *e = find(c, key);

	if (e)
		write_entry(c, e, 0, none);
}
