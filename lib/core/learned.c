#include "core/learned.h"

/* One word: the second in 56 bits, what was learned in 8. */
#define VALUE_BITS 8

static uint64_t packed(unsigned value, uint64_t now_s)
{
	return value ? now_s << VALUE_BITS | value : 0;
}

/* Also of a clock that was set back. */
static uint64_t age_of(uint64_t at, uint64_t now_s)
{
	return now_s > at ? now_s - at : at - now_s;
}

/* 0 if it is too old. */
static unsigned value_of(uint64_t word, uint64_t now_s)
{
	uint64_t age = age_of(word >> VALUE_BITS, now_s);

	return age < SX_LEARNED_S ? word & ((1U << VALUE_BITS) - 1) : 0;
}

void sx_server_set_pipeline(struct sx_server_state *server,
	enum sx_pipelining verdict, uint64_t now_s)
{
	if (server)
		atomic_store(&server->pipeline, packed(verdict, now_s));
}

enum sx_pipelining sx_server_pipeline(
	const struct sx_server_state *server, uint64_t now_s)
{
	unsigned value = 0;

	if (server)
		value = value_of(atomic_load(&server->pipeline), now_s);
	return value == SX_PIPELINING_SAFE || value == SX_PIPELINING_UNSAFE
		       ? (enum sx_pipelining)value
		       : SX_PIPELINING_UNKNOWN;
}

bool sx_server_claim_probe(struct sx_server_state *server, uint64_t now_s)
{
	uint64_t was;

	if (!server ||
		sx_server_pipeline(server, now_s) != SX_PIPELINING_UNKNOWN)
		return false;
	was = atomic_load(&server->probed);
	return age_of(was, now_s) >= SX_PROBED_S &&
	       atomic_compare_exchange_strong(&server->probed, &was, now_s);
}

enum lack {
	LACK_SURE = 1,
	LACK_DOUBTFUL = 2,
};

void sx_server_set_lack(struct sx_server_state *server, enum sx_lack lack,
	bool lacks, uint64_t now_s)
{
	if (server)
		atomic_store(&server->lacks[lack],
			packed(lacks ? LACK_SURE : 0, now_s));
}

void sx_server_doubt(
	struct sx_server_state *server, enum sx_lack lack, uint64_t now_s)
{
	if (server && !sx_server_lacks(server, lack, now_s))
		atomic_store(
			&server->lacks[lack], packed(LACK_DOUBTFUL, now_s));
}

bool sx_server_lacks(
	const struct sx_server_state *server, enum sx_lack lack, uint64_t now_s)
{
	uint64_t word = server ? atomic_load(&server->lacks[lack]) : 0;
	unsigned value = value_of(word, now_s);

	if (value == LACK_DOUBTFUL)
		return age_of(word >> VALUE_BITS, now_s) < SX_DOUBTED_S;
	return value != 0;
}

/* 64 bits do not come round, so no turn is ever left out. */
unsigned sx_pool_turn(struct sx_pool_state *pool, unsigned n)
{
	return pool ? (unsigned)(atomic_fetch_add(&pool->cursor, 1) % n) : 0;
}

void sx_pool_latch(struct sx_pool_state *pool, unsigned place)
{
	if (pool && atomic_load(&pool->latched) != place)
		atomic_store(&pool->latched, place);
}

unsigned sx_pool_latched(const struct sx_pool_state *pool, unsigned n)
{
	uint64_t place = pool ? atomic_load(&pool->latched) : 0;

	return place < n ? (unsigned)place : 0;
}
