/*
 * One association of an engine's (core/engine.c): a dial with the plan that
 * the configuration gives it, and for each server before the one that agreed
 * another, back to the first.
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
	unsigned server; /* the last of the chain */
	unsigned hop;    /* the one that the dial is for, but the last */
	unsigned n_made; /* with the servers behind that */
	struct sx_udp_hop made[SX_UDP_SERVERS - 1]; /* the last one first */
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

/*
 * The dial has ended well: goes on with the server before. 1: the dial is
 * another one, with another descriptor, to be stepped or run as the first. 0:
 * there is none. -errno: of socket(). In all cases the end must follow, after
 * that dial. [any thread] [signal-safe] [after fork]
 */
int sx_associating_next(struct sx_associating *a);

/* Goes on at another place in memory. fd: see sx_dial_move(). */
void sx_associating_move(
	struct sx_associating *to, struct sx_associating *from, int fd);

/* Without a word in the log; for sx_engine_associate_end(). */
int sx_associating_end(
	struct sx_associating *a, int r, struct sx_udp_assoc *out);

/* The last dial is over or given up: r, *out and what is returned are those of
 * sx_udp_end(), for all servers. Logged. The same guarantees. */
int sx_engine_associate_end(
	struct sx_associating *a, int r, struct sx_udp_assoc *out);

#endif
