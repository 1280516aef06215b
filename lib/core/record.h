/*
 * The records of the state: their layout in the mapping that all processes
 * of a user share, and how one is found or claimed.
 *
 * Everything is a 64-bit word that only whole, lock-free atomic operations
 * change, and no change takes two of them: a process may be killed between
 * any two instructions, and what it leaves is a state like any other. A
 * record once claimed stays where it is, so a pointer to one is good for as
 * long as the mapping. Nothing here believes what it reads: words that make
 * no sense have no effect but wrong numbers.
 *
 * This is the format of a file: a change of it needs another
 * SX_STATE_VERSION. Words are in the machine's byte order, which the magic
 * number shows.
 *
 * All functions: [any thread] [signal-safe] [after fork].
 */
#ifndef SX_CORE_RECORD_H
#define SX_CORE_RECORD_H

#include "core/shared.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SX_STATE_MAGIC   0x65746174735f7873ULL /* "sx_state" */
#define SX_STATE_VERSION 1U
#define SX_STATE_SERVERS 256U
#define SX_STATE_POOLS   64U

#define SX_RECORD_NAME_SIZE 64U /* with its NUL */
#define SX_FAILURE_SLOTS    8U
#define SX_HISTOGRAM_SIZE   32U

/* Whose record it is. */
struct sx_record {
	_Atomic uint64_t key[2];  /* hash of the key; both 0: free */
	_Atomic uint64_t name[8]; /* text for people, NUL behind it */
};

struct sx_server_state {
	struct sx_record record;
	_Atomic uint64_t health;   /* health.c */
	_Atomic uint64_t pipeline; /* learned.c */
	_Atomic uint64_t lacks[2]; /* learned.c; by enum sx_lack */
	_Atomic uint64_t attempts, successes;
	_Atomic uint64_t failures[SX_FAILURE_SLOTS]; /* by enum sx_failure */
	_Atomic uint64_t handshakes[SX_HISTOGRAM_SIZE];
	_Atomic uint64_t probed;   /* learned.c */
	_Atomic uint64_t spare[7]; /* 0 */
};

struct sx_pool_state {
	struct sx_record record;
	_Atomic uint64_t cursor;   /* turns taken so far */
	_Atomic uint64_t latched;  /* place of the server that worked last */
	_Atomic uint64_t spare[4]; /* 0 */
};

struct sx_state_map {
	struct sx_shared_head head;
	uint64_t spare[508]; /* 0 */
	struct sx_server_state servers[SX_STATE_SERVERS];
	struct sx_pool_state pools[SX_STATE_POOLS];
};

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics take no lock");
static_assert(sizeof(_Atomic uint64_t) == 8, "an atomic word is a word");
static_assert(offsetof(struct sx_record, name) == 16, "layout");
static_assert(sizeof(struct sx_record) == 80, "layout");
static_assert(offsetof(struct sx_server_state, health) == 80, "layout");
static_assert(offsetof(struct sx_server_state, pipeline) == 88, "layout");
static_assert(offsetof(struct sx_server_state, lacks) == 96, "layout");
static_assert(offsetof(struct sx_server_state, attempts) == 112, "layout");
static_assert(offsetof(struct sx_server_state, successes) == 120, "layout");
static_assert(offsetof(struct sx_server_state, failures) == 128, "layout");
static_assert(offsetof(struct sx_server_state, handshakes) == 192, "layout");
static_assert(offsetof(struct sx_server_state, probed) == 448, "layout");
static_assert(offsetof(struct sx_server_state, spare) == 456, "layout");
static_assert(sizeof(struct sx_server_state) == 512, "layout");
static_assert(offsetof(struct sx_pool_state, cursor) == 80, "layout");
static_assert(offsetof(struct sx_pool_state, latched) == 88, "layout");
static_assert(sizeof(struct sx_pool_state) == 128, "layout");
static_assert(offsetof(struct sx_shared_head, version) == 8, "layout");
static_assert(offsetof(struct sx_shared_head, size) == 12, "layout");
static_assert(offsetof(struct sx_shared_head, boot) == 16, "layout");
static_assert(sizeof(struct sx_shared_head) == 32, "layout");
static_assert(offsetof(struct sx_state_map, servers) == 4096, "layout");
static_assert(offsetof(struct sx_state_map, pools) == 135168, "layout");
static_assert(sizeof(struct sx_state_map) == 143360, "layout: 35 pages");

/* Mixes the bits of a word: every one depends on every other. */
uint64_t sx_record_mix(uint64_t word);

/* The 128-bit hash of a key; neither word is 0. */
void sx_record_hash(const char *key, uint64_t out[2]);

/*
 * The record of the key in a table of n records, each at the start of size
 * bytes; claimed, if the key has none yet. NULL when it has none and all are
 * taken. name: for people, never a credential; cut at 63 bytes. The first
 * name that a record gets stays; that of a claimer who was killed half-way
 * is made whole by the next one with the same name.
 */
struct sx_record *sx_record_find(
	void *table, size_t n, size_t size, const char *key, const char *name);

/* Whether somebody has claimed it. */
bool sx_record_is_claimed(const struct sx_record *record);

/* Copies the name, a "?" for each control byte; returns buf. */
const char *sx_record_name(
	const struct sx_record *record, char buf[SX_RECORD_NAME_SIZE]);

#endif
