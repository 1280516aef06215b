/*
 * How an attempt, and a dial, comes to nothing: what is counted, who is
 * marked, what the application is told. Part of the dial.
 */
#ifndef SX_CORE_GIVEUP_H
#define SX_CORE_GIVEUP_H

#include "core/dial.h"

/* How telling a failure is: the further an attempt came, the more its
 * failure says. */
enum sx_rank {
	SX_RANK_NONE,
	SX_RANK_UNFIT,       /* the protocol cannot carry the destination */
	SX_RANK_TIMEOUT,     /* not reached in time */
	SX_RANK_UNREACHABLE, /* not reached */
	SX_RANK_HANDSHAKE,
	SX_RANK_REFUSAL, /* the destination's, but another may reach it */
};

/* Remembers this as the cause, if none was more telling. */
void sx_note_cause(struct sx_dial *d, enum sx_rank rank,
	const struct sx_server *server, int err, const char *text);

/* The server does not work, at this address: on to the next address or
 * server. */
void sx_give_up(
	struct sx_dial *d, enum sx_rank rank, int err, const char *text);

/* The attempt with this server is over: on to the next one. */
void sx_leave_server(struct sx_dial *d, enum sx_failure failure);

/* The ends of a dial; each returns -err. */

/* The socket cannot be used so: it stays as the application has it. */
int sx_fail_own(struct sx_dial *d, int err);

/* The failure is the application's: no other server would help. It is counted
 * against the server, if one is being tried, but does not mark it. */
int sx_fail_finally(
	struct sx_dial *d, enum sx_failure failure, int err, const char *text);

/* No server is left. */
int sx_fail_all(struct sx_dial *d);

/* The deadline has passed. */
int sx_fail_expired(struct sx_dial *d);

#endif
