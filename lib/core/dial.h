/*
 * From an unconnected socket to a tunnel: reach a server, shake hands, and
 * if that server does not work, dissolve the attempt and take the next one
 * on the same socket. The one place where proto meets io.
 *
 * A dial is a machine in steps that never block (but for the lookup of a
 * server's host name, see core/server.h): each does what can be done now and
 * says what it waits for. sx_dial_run() is the synchronous loop around them;
 * the same steps serve many pending dials in one thread.
 *
 * What is retried with the next server: whatever fails before the request is
 * out. After that the answer is the destination's, and final. No byte past
 * the handshake is read: where it ends by what it says, it is peeked at.
 *
 * TCP_NODELAY is left as the application has it: each message goes out only
 * after the one before was answered, so nothing unacknowledged is in flight
 * that Nagle's algorithm could wait for.
 */
#ifndef SX_CORE_DIAL_H
#define SX_CORE_DIAL_H

#include "base/clock.h"
#include "base/err.h"
#include "core/outcome.h"
#include "core/pool.h"
#include "core/reach.h"
#include "core/server.h"
#include "core/user.h"
#include "proto/handshake.h"

/* What to do; borrowed by the dial for its life. */
struct sx_dial_plan {
	const struct sx_sys *sys;
	struct sx_server *servers;
	const unsigned *order; /* indices into servers, in order of attempt */
	unsigned n_order;
	unsigned start;               /* place in order to begin with */
	struct sx_pool_limits limits; /* attempts 0: one for each server */
	struct sx_outcome_limits marks;
	unsigned backoff_ms; /* before another round, times its number */
	bool retry_on_refusal;
	unsigned connect_timeout_ms, handshake_timeout_ms, reply_timeout_ms;
	struct sx_dest dest;
	struct sx_deadline deadline; /* for the whole */
	/* 0: CONNECT, a tunnel to dest. UDP_ASSOCIATE: core/udp.h */
	enum sx_command command;
	bool udp_only_if_said; /* no server but with udp = associate */
	/* in which the application's socket can send datagrams: AF_INET,
	 * AF_INET6, or AF_UNSPEC for both */
	sa_family_t udp_family;
};

enum sx_dial_state {
	SX_DIAL_NEXT_SERVER,
	SX_DIAL_PAUSING,
	SX_DIAL_NEXT_ADDR,
	SX_DIAL_CONNECTING,
	SX_DIAL_SENDING,
	SX_DIAL_RECEIVING,
	SX_DIAL_DONE,
	SX_DIAL_FAILED,
};

struct sx_dial {
	/* what the step waits for, after SX_DIAL_WAIT; no events: only for
	 * the time, whatever the socket says */
	short events;
	struct sx_deadline until;

	/* private */
	const struct sx_dial_plan *plan;
	struct sx_reach reach;
	enum sx_dial_state state;
	struct sx_pool_cursor cursor;
	unsigned place;          /* of the server in plan->order */
	enum sx_failure failure; /* of the latest try */
	bool skip_rest;          /* trying it again would not help */
	uint64_t connected_ns, phase_from_ns;
	struct sx_server *server;
	struct sx_ip ips[SX_SERVER_MAX_IPS];
	unsigned n_ips, next_ip;
	struct sx_deadline phase_until;
	bool awaits_reply;    /* that is what phase_until is for */
	unsigned hop, n_hops; /* of the chain to the server */
	struct sx_dest hop_dest;
	struct sx_user user;
	struct sx_handshake handshake;
	struct sx_err cause; /* the most telling failure so far */
	int cause_rank;
	struct sx_dest relay; /* of the association that stands */
};

enum sx_dial_result {
	SX_DIAL_OK = 0,
	SX_DIAL_WAIT = 1,        /* not over: step again */
	SX_DIAL_LATE = 2,        /* the caller's own limit has passed */
	SX_DIAL_INTERRUPTED = 3, /* by a signal that the caller is to see */
};

/*
 * fd: a TCP socket that is not connected; borrowed. family: its AF_INET or
 * AF_INET6. flags: its file status flags, as F_GETFL says; a blocking one is
 * made non-blocking for the moment of each connect() alone, so that a signal
 * handler that never returns (siglongjmp) finds the flag as it was.
 */
void sx_dial_init(struct sx_dial *d, const struct sx_dial_plan *plan, int fd,
	int family, int flags);

/* For the parts of the dial alone. */
void sx_dial_set_state(struct sx_dial *d, enum sx_dial_state state);

/*
 * Does what can be done now. revents: what poll() said, 0 at the first call
 * and when d->until has passed. SX_DIAL_OK: the socket is the tunnel.
 * SX_DIAL_WAIT: call again when d->events or d->until come. Otherwise -errno
 * for the application, with d->cause filled; the socket is unconnected and
 * can be used again (unless the error is the socket's own, such as EISCONN:
 * then it is untouched). [any thread] [signal-safe] [after fork]
 */
int sx_dial_step(struct sx_dial *d, short revents);

/*
 * Steps and poll() until the dial is done or has failed, as sx_dial_step()
 * says; or until limit, a point in time of the caller's: SX_DIAL_LATE.
 * interrupted() is asked after each signal handler that ran: if it says so,
 * SX_DIAL_INTERRUPTED. NULL: signals are no reason to stop. In both cases the
 * dial is under way and can be stepped on, moved or given up.
 */
int sx_dial_run(
	struct sx_dial *d, struct sx_deadline limit, bool (*interrupted)(void));

/* Goes on with a dial that is under way at another place in memory, and with
 * the socket under the number fd. plan: a copy of the one that from has. from
 * is not a dial any more. */
void sx_dial_move(struct sx_dial *to, struct sx_dial *from,
	const struct sx_dial_plan *plan, int fd);

/*
 * Gives up a dial that is under way, because the application does. The socket
 * is unconnected, with ECONNRESET as its error, for a program that waits for
 * the connection all the same. A server that had been silent for long is
 * blamed.
 */
void sx_dial_abandon(struct sx_dial *d);

#endif
