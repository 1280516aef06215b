/*
 * The mapping that all processes of a user share, so that what one learns of
 * a server, all know: opening it, finding records, listing them. What is done
 * with a record stands in health.h, counters.h and learned.h.
 *
 * The file is `state` in the folder of shared.h; where it cannot be had or is
 * not as it must be, memory that belongs to the process and what it forks
 * takes its place, and words say why.
 *
 * A file of an earlier boot, as /tmp may keep it, is used on: counters and
 * what was learned of servers (by the wall clock) stay, health is reset,
 * since its times are of another clock. A process that opens at the same
 * moment may lose a mark in this, no more.
 */
#ifndef SX_CORE_STATE_H
#define SX_CORE_STATE_H

#include "base/err.h"
#include "core/record.h"
#include "core/shared.h"

/* One for each process; its mapping is inherited over fork(). */
struct sx_state {
	struct sx_state_map *map; /* NULL: none, every record is NULL */
	int place;                /* index into places, -1: private memory */
};

enum sx_state_opened {
	SX_STATE_SHARED = 0,
	SX_STATE_PRIVATE = 1, /* err says why */
};

/*
 * Maps the state, making the file where there is none. -ENOMEM: there is not
 * even private memory; *st can be used all the same, and all its records are
 * NULL. *err may also be filled after SX_STATE_SHARED, then it says why an
 * earlier place was passed over; NULL is allowed. Keeps no descriptor,
 * allocates nothing and takes no lock; changes errno. Not for two threads
 * with the same *st. [signal-safe] [after fork]
 */
int sx_state_open(struct sx_state *st, const struct sx_state_path *path,
	struct sx_err *err);

/* Twice is harmless. Records are gone with it. */
void sx_state_close(struct sx_state *st);

/*
 * The record of a server or a pool, claimed if it has none yet. key: what
 * makes it the same one for all processes, in a text of the caller's form
 * (protocol, address, port, user); only its hash is kept. name: as
 * sx_record_find(). NULL: no more room, or no mapping; all functions on
 * records take NULL and then know nothing. [any thread] [signal-safe]
 * [after fork]
 */
struct sx_server_state *sx_state_server(
	struct sx_state *st, const char *key, const char *name);
struct sx_pool_state *sx_state_pool(
	struct sx_state *st, const char *key, const char *name);

/* The claimed record at place i < SX_STATE_SERVERS or SX_STATE_POOLS; NULL:
 * there is none. The same guarantees. */
struct sx_server_state *sx_state_server_at(struct sx_state *st, unsigned i);
struct sx_pool_state *sx_state_pool_at(struct sx_state *st, unsigned i);

#endif
