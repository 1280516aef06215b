/*
 * Whether a server is worth a connection, as all processes of the user have
 * found: marks, the window in which a server is left alone, and the one probe
 * that ends it.
 *
 * A server is down from `threshold` marks in a row until it works again. For
 * retry_after_ms from its latest mark everybody passes it by; then one
 * caller, and no other, may try it, which begins another window. A success
 * forgets all marks. This is what Apache Traffic Server does, but there the
 * window begins with the first mark of a row.
 *
 * Times are milliseconds of CLOCK_MONOTONIC, given by the caller. A mark that
 * lies further in the future than a window is of a clock that has nothing to
 * do with ours: its window counts as over.
 *
 * A server that is NULL was never marked. All functions: [any thread]
 * [signal-safe] [after fork].
 */
#ifndef SX_CORE_HEALTH_H
#define SX_CORE_HEALTH_H

#include "core/pool.h"
#include "core/record.h"

/*
 * The server's attempts are spent. A mark that comes when the window of the
 * last one is over is the first of a new row, unless it is the failure of a
 * probe. The number of marks in the row: it is down from threshold on.
 */
unsigned sx_server_mark_failed(struct sx_server_state *server, uint64_t now_ms,
	uint64_t retry_after_ms);

/* The server works. How many marks that forgets: 0 is nothing new. */
unsigned sx_server_mark_ok(struct sx_server_state *server);

/*
 * Whether to try the server now. SX_ADMIT_PROBE takes the slot: of all
 * processes only this caller gets it, once in a window, so ask only right
 * before the attempt, and mark what comes of it. A caller that does not (it
 * was killed) costs one window. threshold: 0 is taken for 1.
 */
enum sx_admission sx_server_admit(struct sx_server_state *server,
	uint64_t now_ms, unsigned threshold, uint64_t retry_after_ms);

/* When it was marked, or probed, last; 0: never since it worked. */
uint64_t sx_server_failed_at(const struct sx_server_state *server);

/* The marks in a row. */
unsigned sx_server_fails(const struct sx_server_state *server);

/* The end of its window; it may have passed, then the next connection is a
 * probe. 0: the server is up. Takes no slot. */
uint64_t sx_server_down_until(const struct sx_server_state *server,
	unsigned threshold, uint64_t retry_after_ms);

#endif
