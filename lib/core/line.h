/*
 * A connection of our own to a server, for questions to it: not an
 * application's socket, so it need not be kept as it was. Opened, spoken
 * over, closed; used by the command.
 *
 * Nothing here counts or marks: what is asked about a server is not what a
 * program has met with.
 */
#ifndef SX_CORE_LINE_H
#define SX_CORE_LINE_H

#include "base/clock.h"
#include "base/err.h"
#include "core/roster.h"
#include "proto/handshake.h"
#include "proto/probe.h"

struct sx_line {
	const struct sx_sys *sys;
	int fd;              /* -1: none */
	uint64_t connect_us; /* how long it took to get there */
	/* by an address of this family; 0: by others, or a unix socket */
	sa_family_t family;
};

enum sx_line_where {
	SX_LINE_OPEN = 0,
	SX_LINE_UNRESOLVED, /* the server's host name has no address */
	SX_LINE_UNREACHED,
};

/*
 * Connects to the roster's server i, at the first of its addresses that takes
 * it, through the servers that it is reached through. *err is filled when it
 * does not. Blocks until the deadline at most, longer only to look up a
 * host name. The roster must not be attached. [any thread]
 */
enum sx_line_where sx_line_open(struct sx_line *line, const struct sx_sys *sys,
	const struct sx_roster *roster, unsigned i, struct sx_deadline until,
	struct sx_err *err);

/* Twice is harmless. */
void sx_line_close(struct sx_line *line);

enum sx_line_end {
	SX_LINE_ANSWERED, /* the handshake is done or has failed, or told() */
	SX_LINE_CLOSED,   /* the server closed; the machine was told */
	SX_LINE_SILENT,   /* the deadline passed; a probe was told */
};

/*
 * Sends and reads until the machine is over. told: ends the talk as soon as
 * it is true, may be NULL. May read beyond the answer. Blocks.
 */
enum sx_line_end sx_line_talk(struct sx_line *line, struct sx_handshake *h,
	bool (*told)(const struct sx_handshake *h), struct sx_deadline until);

/*
 * The same for a probe. patience_ms: how long the silence after the first
 * answer may be; five round trips if that is longer.
 */
enum sx_line_end sx_line_probe(struct sx_line *line, struct sx_probe *p,
	unsigned patience_ms, struct sx_deadline until);

#endif
