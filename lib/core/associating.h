/*
 * One association of an engine's (core/engine.c): a dial with the plan that
 * the configuration gives it.
 */
#ifndef SX_CORE_ASSOCIATING_H
#define SX_CORE_ASSOCIATING_H

#include "core/engine.h"
#include "core/udp.h"

/* An association that is being made: plain memory of the caller's, which
 * stays where it is. The dial in it is stepped or run by core/dial.h. */
struct sx_associating {
	struct sx_dial_plan plan;
	struct sx_dial dial;
};

/*
 * Begins an association for a socket's datagrams, with a server of the
 * verdict's pool. dest: where the first of them goes. family: in which the
 * socket can send, AF_INET or AF_INET6, or AF_UNSPEC for both. Nothing is sent
 * yet. 0, and the end must follow; or -errno of socket(), and it must not.
 * [any thread] [signal-safe] [after fork]
 */
int sx_engine_associate_begin(struct sx_engine *e, struct sx_associating *a,
	const struct sx_verdict *verdict, const struct sx_dest *dest,
	sa_family_t family);

/* The dial is over or given up: r, *out and what is returned are those of
 * sx_udp_end(). Logged. The same guarantees. */
int sx_engine_associate_end(
	struct sx_associating *a, int r, struct sx_udp_assoc *out);

#endif
