/*
 * A bounded table from 64-bit keys to 32 bytes, lock-free: it can be used by
 * any number of threads and in a signal handler that interrupts it. Keys that
 * fall into the same set share its places; the oldest goes.
 */
#ifndef SX_BASE_CACHE_H
#define SX_BASE_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SX_CACHE_WAYS  8U
#define SX_CACHE_WORDS 4U

/* A seqlock: seq is odd while one writer is in. All fields are atomic, so a
 * torn read is seen and thrown away, never undefined. */
struct sx_cache_entry {
	_Atomic uint32_t seq;
	_Atomic uint32_t stamp; /* when it was put */
	_Atomic uint64_t key;   /* 0: empty */
	_Atomic uint64_t words[SX_CACHE_WORDS];
};

struct sx_cache_set {
	struct sx_cache_entry ways[SX_CACHE_WAYS];
};

/* Zeroed sets are an empty cache. */
struct sx_cache {
	struct sx_cache_set *sets; /* borrowed */
	uint32_t n_sets;
	_Atomic uint32_t clock;
};

/* key is not 0. An older value of the same key is replaced. True if another
 * key went for it. [any thread] [signal-safe] [after fork] */
bool sx_cache_put(
	struct sx_cache *c, uint64_t key, const uint64_t words[SX_CACHE_WORDS]);

/* False, and words undefined, if there is no such key. The same guarantees. */
bool sx_cache_get(
	struct sx_cache *c, uint64_t key, uint64_t words[SX_CACHE_WORDS]);

void sx_cache_del(struct sx_cache *c, uint64_t key);

#endif
