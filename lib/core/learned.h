/*
 * What connections and the command have learned, for the next ones: what a
 * server can and cannot do, which server of a pool worked last, and whose turn
 * it is.
 *
 * Capabilities are believed for a week, by seconds of the wall clock that
 * the caller gives; a clock that was set back within a week does no harm. A
 * record that is NULL learns nothing. All functions: [any thread]
 * [signal-safe] [after fork].
 */
#ifndef SX_CORE_LEARNED_H
#define SX_CORE_LEARNED_H

#include "core/record.h"

#define SX_LEARNED_S (7 * 24 * 60 * 60U) /* how long it is believed */
#define SX_PROBED_S  60U                 /* between two probes in vain */
#define SX_DOUBTED_S (10 * 60U)          /* how long a doubt is */

/* Whether the server takes greeting and request in one segment. */
enum sx_pipelining {
	SX_PIPELINING_UNKNOWN,
	SX_PIPELINING_SAFE,
	SX_PIPELINING_UNSAFE, /* it hangs */
};

/* SX_PIPELINING_UNKNOWN clears the verdict. */
void sx_server_set_pipeline(struct sx_server_state *server,
	enum sx_pipelining verdict, uint64_t now_s);
enum sx_pipelining sx_server_pipeline(
	const struct sx_server_state *server, uint64_t now_s);

/*
 * True: nothing is known, and the caller is to find out; nobody else is told
 * so for the next minute, whatever comes of it. now_s as above.
 */
bool sx_server_claim_probe(struct sx_server_state *server, uint64_t now_s);

/* What a server has said that it cannot do. */
enum sx_lack {
	SX_LACK_UDP, /* UDP ASSOCIATE */
};

/* lacks false: it can, as far as we know. */
void sx_server_set_lack(struct sx_server_state *server, enum sx_lack lack,
	bool lacks, uint64_t now_s);
bool sx_server_lacks(const struct sx_server_state *server, enum sx_lack lack,
	uint64_t now_s);

/* It has failed to, in a way that may as well have been a moment's trouble:
 * it lacks it for SX_DOUBTED_S, unless that is known for longer. */
void sx_server_doubt(
	struct sx_server_state *server, enum sx_lack lack, uint64_t now_s);

/* Round robin: 0, 1, .. n - 1, 0 .. over all processes. 0 if pool is NULL. */
unsigned sx_pool_turn(struct sx_pool_state *pool, unsigned n);

/* The place of the server that worked last, < n; 0: none did. */
void sx_pool_latch(struct sx_pool_state *pool, unsigned place);
unsigned sx_pool_latched(const struct sx_pool_state *pool, unsigned n);

#endif
