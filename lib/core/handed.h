/*
 * What a process has to know of a UDP socket that another one of the user's
 * hands to it (SCM_RIGHTS): kept in a file that all share, by the socket's
 * cookie. A bounded table, of which the oldest goes.
 */
#ifndef SX_CORE_HANDED_H
#define SX_CORE_HANDED_H

#include "base/addr.h"
#include "base/cache.h"
#include "core/shared.h"

struct sx_handed {
	struct sx_ip relay, peer; /* family 0: none */
	uint16_t relay_port, peer_port;
};

struct sx_handed_table {
	struct sx_cache cache; /* no sets: not open */
	void *map;
};

/* Opens the file. 0 or -errno; then nothing is kept or found. */
int sx_handed_open(struct sx_handed_table *t, const struct sx_state_path *path);
void sx_handed_close(struct sx_handed_table *t);

/* cookie: of the socket; net: of its network namespace, where cookies are
 * counted. Lock-free, as base/cache.h. */
void sx_handed_put(struct sx_handed_table *t, uint64_t net, uint64_t cookie,
	const struct sx_handed *h);
bool sx_handed_get(struct sx_handed_table *t, uint64_t net, uint64_t cookie,
	struct sx_handed *h);

#endif
