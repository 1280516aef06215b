/*
 * One connection of an engine's (core/engine.c): a dial with the plan that
 * the configuration gives it.
 */
#ifndef SX_CORE_CONNECTING_H
#define SX_CORE_CONNECTING_H

#include "core/dial.h"
#include "core/engine.h"

/* A connection that is being made: plain memory of the caller's. The dial in
 * it is stepped or run by core/dial.h. */
struct sx_connecting {
	struct sx_engine *engine;
	unsigned pool;
	struct sx_dial_plan plan;
	struct sx_dial dial;
};

/*
 * Begins to make fd, an unconnected TCP socket of the family with these file
 * status flags, a tunnel to dest through a server of the verdict's pool. c is
 * filled and must stay where it is until the dial is over or moved; nothing
 * is sent yet. [any thread] [signal-safe] [after fork]
 */
void sx_engine_begin(struct sx_engine *e, struct sx_connecting *c, int fd,
	int family, int flags, const struct sx_verdict *verdict,
	const struct sx_dest *dest);

/* Goes on with it at another place, and with the socket under the number fd;
 * from is nothing any more. */
void sx_engine_move(
	struct sx_connecting *to, struct sx_connecting *from, int fd);

/* The dial is over: r is what its last step returned, 0 or a negative errno
 * value. Remembered and logged. The same guarantees. */
void sx_engine_end(struct sx_connecting *c, int r);

#endif
