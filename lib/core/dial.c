#include "core/dial.h"

#include "base/io.h"
#include "base/log.h"
#include "core/swap.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

/* How telling a failure is: the further an attempt came, the more its
 * failure says. */
enum rank {
	RANK_NONE,
	RANK_UNFIT,       /* the protocol cannot express the destination */
	RANK_TIMEOUT,     /* not reached in time */
	RANK_UNREACHABLE, /* not reached */
	RANK_HANDSHAKE,
};

static const char *const state_names[] = {
	[SX_DIAL_NEXT_SERVER] = "next server",
	[SX_DIAL_NEXT_ADDR] = "next address",
	[SX_DIAL_CONNECTING] = "connecting",
	[SX_DIAL_SENDING] = "sending",
	[SX_DIAL_RECEIVING] = "receiving",
	[SX_DIAL_DONE] = "done",
	[SX_DIAL_FAILED] = "failed",
};
static_assert(sizeof(state_names) / sizeof(*state_names) == SX_DIAL_FAILED + 1,
	"a name for each state");

static const char *dest_text(const struct sx_dial *d, char *buf, size_t n)
{
	return sx_dest_format(&d->plan->dest, buf, n);
}

static void set_state(struct sx_dial *d, enum sx_dial_state state)
{
	sx_log(SX_LOG_DEBUG, "fd %d: %s -> %s", d->fd, state_names[d->state],
		state_names[state]);
	d->state = state;
}

static uint64_t now(const struct sx_dial *d)
{
	return sx_clock_ns(d->plan->sys);
}

static void arm(struct sx_dial *d, unsigned ms)
{
	d->phase_until =
		sx_deadline_min(sx_deadline_in(now(d), ms), d->plan->deadline);
}

static void disconnect(struct sx_dial *d)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	if (d->attempted)
		d->plan->sys->connect(d->fd, &none, sizeof(none));
}

static void clear_error(struct sx_dial *d)
{
	int err;
	socklen_t len = sizeof(err);

	if (d->attempted)
		d->plan->sys->getsockopt(
			d->fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

/* Back to an unconnected socket, if it was us who connected it: after a
 * connect() that failed in non-blocking mode Linux answers the next one with
 * ECONNABORTED otherwise. The reset that this sends is left as the socket's
 * error, which is not the application's to find. */
static void dissolve(struct sx_dial *d)
{
	disconnect(d);
	clear_error(d);
	d->attempted = false;
}

static int fail(struct sx_dial *d, int err)
{
	set_state(d, SX_DIAL_FAILED);
	return -err;
}

/* The socket itself cannot be used so: it stays as the application has it. */
static int fail_own(struct sx_dial *d, int err)
{
	sx_err_set(&d->cause, err, "%s", strerrordesc_np(err));
	return fail(d, err);
}

/* The failure is the application's: no other server would help. */
static int fail_finally(struct sx_dial *d, int err, const char *text)
{
	char dest[SX_DEST_STRLEN];

	sx_err_set(&d->cause, err, "%s: %s (by server %s)",
		dest_text(d, dest, sizeof(dest)), text, d->server->conf->name);
	dissolve(d);
	return fail(d, err);
}

/* This server does not work, at this address: on to the next. */
static void give_up(
	struct sx_dial *d, enum rank rank, int err, const char *text)
{
	/* an address of several may well be one that nobody listens at */
	bool is_last = rank >= RANK_HANDSHAKE || d->next_ip >= d->n_ips;

	sx_log(is_last ? SX_LOG_WARN : SX_LOG_INFO, "server %s: %s",
		d->server->conf->name, text);
	if ((int)rank >= d->cause_rank) {
		d->cause_rank = (int)rank;
		sx_err_set(&d->cause, err, "server %s: %s",
			d->server->conf->name, text);
	}
	dissolve(d);
	set_state(d, rank >= RANK_HANDSHAKE || rank == RANK_UNFIT
			     ? SX_DIAL_NEXT_SERVER
			     : SX_DIAL_NEXT_ADDR);
}

static int wait_for(struct sx_dial *d, short events)
{
	d->events = events;
	d->until = d->phase_until;
	return SX_DIAL_WAIT;
}

static int fail_all(struct sx_dial *d)
{
	if (d->cause_rank == RANK_NONE)
		sx_err_set(&d->cause, ENETUNREACH, "no server");
	return fail(d, d->cause.sys);
}

static int expire(struct sx_dial *d)
{
	return fail_finally(d, ETIMEDOUT, "the deadline for connecting passed");
}

/* The states, each entered by next_state() until one has to wait. */
enum {
	AGAIN = 2
};

static int next_server(struct sx_dial *d)
{
	const struct sx_dial_plan *p = d->plan;

	if (d->next_server == p->n_order)
		return fail_all(d);
	d->server = &p->servers[p->order[d->next_server++]];
	d->next_ip = d->n_ips = 0;
	const struct sx_server_conf *conf = d->server->conf;
	struct sx_credentials credentials = {conf->user, conf->password};
	if (sx_handshake_init(
		    &d->handshake, conf->proto, &credentials, &p->dest)) {
		const struct sx_refusal *r = &d->handshake.refusal;
		give_up(d, RANK_UNFIT, r->error, r->text);
		return AGAIN;
	}
	if (sx_server_addrs(d->server, p->sys, d->ips, &d->n_ips))
		give_up(d, RANK_UNREACHABLE, ENETUNREACH,
			"its host name has no address");
	set_state(d, SX_DIAL_NEXT_ADDR);
	return AGAIN;
}

/* Errors of connect() that are the socket's own, or the application's way of
 * using it; the server is not to blame. */
static bool is_own_error(int err)
{
	static const int own[] = {EBADF, ENOTSOCK, EISCONN, EALREADY, EINVAL,
		EFAULT, EAFNOSUPPORT, EPROTOTYPE, EOPNOTSUPP, ENOBUFS, ENOMEM};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (err == own[i])
			return true;
	return false;
}

static void not_reached(struct sx_dial *d, int err)
{
	char text[80], ip[INET6_ADDRSTRLEN];
	bool late = err == ETIMEDOUT;

	if (err == ECONNRESET) { /* it was reached, and hung up */
		give_up(d, RANK_HANDSHAKE, err, strerrordesc_np(err));
		return;
	}

	sx_ip_format(&d->ips[d->next_ip - 1], ip, sizeof(ip));
	snprintf(text, sizeof(text), "%s: %s", ip,
		late ? "not reached in time" : strerrordesc_np(err));
	give_up(d, late ? RANK_TIMEOUT : RANK_UNREACHABLE,
		late ? ETIMEDOUT : ENETUNREACH, text);
}

/* The handshake's messages may go: the socket is connected to the server. */
static int connected(struct sx_dial *d)
{
	d->phase = SX_PHASE_GREETING;
	arm(d, d->plan->handshake_timeout_ms);
	set_state(d, SX_DIAL_SENDING);
	return AGAIN;
}

static bool is_unconnected(const struct sx_dial *d)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return d->plan->sys->getsockopt(
		       d->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_CLOSE;
}

/* Lets the socket reach a server of that family; 0 or -errno. */
static int fit_family(struct sx_dial *d, sa_family_t server_family)
{
	const struct sx_sys *sys = d->plan->sys;
	int v6only = 0, off = 0;
	socklen_t len = sizeof(v6only);

	if (d->family == server_family)
		return 0;
	if (d->family == AF_INET) {
		if (!is_unconnected(d))
			return -EISCONN;
		sx_log(SX_LOG_DEBUG,
			"fd %d: replaced by an IPv6 socket, the "
			"server has no IPv4 address",
			d->fd);
		int err = sx_swap_family(sys, d->fd, AF_INET6);
		if (!err)
			d->family = AF_INET6;
		return err;
	}
	if (sys->getsockopt(d->fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &len) ==
			0 &&
		v6only)
		sys->setsockopt(
			d->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return 0;
}

static void set_flags(struct sx_dial *d, int flags)
{
	if (!(d->flags & O_NONBLOCK))
		d->plan->sys->fcntl(d->fd, F_SETFL, flags);
}

/* connect() to the address in turn; 0 or a positive errno value. */
static int call_connect(struct sx_dial *d)
{
	struct sockaddr_storage sa;
	socklen_t len = sx_ip_to_sockaddr(&d->ips[d->next_ip - 1],
		d->server->conf->port, (sa_family_t)d->family, &sa);

	set_flags(d, d->flags | O_NONBLOCK);
	int r = d->plan->sys->connect(d->fd, (struct sockaddr *)&sa, len);
	int err = r ? errno : 0;
	set_flags(d, d->flags);
	return err;
}

static int next_addr(struct sx_dial *d)
{
	if (d->next_ip == d->n_ips) {
		sx_server_forget_addrs(d->server);
		set_state(d, SX_DIAL_NEXT_SERVER);
		return AGAIN;
	}
	int err = -fit_family(d, d->ips[d->next_ip++].family);
	if (err == EISCONN)
		return fail_own(d, err);
	if (err) {
		not_reached(d, err);
		return AGAIN;
	}
	arm(d, d->plan->connect_timeout_ms);
	err = call_connect(d);
	if (is_own_error(err))
		return fail_own(d, err);
	d->attempted = true;
	if (err == EINPROGRESS || err == EINTR) {
		set_state(d, SX_DIAL_CONNECTING);
		return wait_for(d, POLLOUT);
	}
	if (!err)
		return connected(d);
	not_reached(d, err);
	return AGAIN;
}

/*
 * The second connect() tells how the first one ended, and it ends it: without
 * it Linux would let the application's next connect() succeed once, on a
 * socket that is connected.
 */
static int connecting(struct sx_dial *d, short revents)
{
	int err = ETIMEDOUT;

	if (!revents && !sx_deadline_passed(d->phase_until, now(d)))
		return wait_for(d, POLLOUT);
	if (revents)
		err = call_connect(d);
	if (err == EALREADY) {
		clear_error(d); /* an old one, that woke us */
		return wait_for(d, POLLOUT);
	}
	if (!err || err == EISCONN)
		return connected(d);
	not_reached(d, err);
	return AGAIN;
}

static int handshake_failed(struct sx_dial *d)
{
	const struct sx_refusal *r = &d->handshake.refusal;

	if (sx_handshake_phase(&d->handshake) < SX_PHASE_REQUEST) {
		give_up(d, RANK_HANDSHAKE, r->error, r->text);
		return AGAIN;
	}
	if (!r->by_destination)
		sx_log(SX_LOG_WARN, "server %s: %s", d->server->conf->name,
			r->text);
	return fail_finally(d, r->error, r->text);
}

static int handshake_late(struct sx_dial *d)
{
	if (sx_handshake_phase(&d->handshake) >= SX_PHASE_REQUEST)
		return fail_finally(
			d, ETIMEDOUT, "no answer to the request in time");
	give_up(d, RANK_HANDSHAKE, ETIMEDOUT,
		"no answer to the handshake in time");
	return AGAIN;
}

static bool handshake_is_late(struct sx_dial *d, short revents)
{
	return !revents && sx_deadline_passed(d->phase_until, now(d));
}

/* Greeting and credentials share one deadline; the answer to the request has
 * its own, since the server may need long to reach the destination. */
static void rearm_for_reply(struct sx_dial *d)
{
	enum sx_phase phase = sx_handshake_phase(&d->handshake);

	if (phase == SX_PHASE_REQUEST && d->phase != phase)
		arm(d, d->plan->reply_timeout_ms);
	d->phase = phase;
}

static int sending(struct sx_dial *d, short revents)
{
	const uint8_t *bytes;
	size_t n;

	if (handshake_is_late(d, revents))
		return handshake_late(d);
	while ((n = sx_handshake_out(&d->handshake, &bytes))) {
		ssize_t sent = sx_io_send(d->plan->sys, d->fd, bytes, n);
		if (sent == -EAGAIN)
			return wait_for(d, POLLOUT);
		if (sent < 0) {
			sx_handshake_eof(&d->handshake);
			return handshake_failed(d);
		}
		sx_handshake_sent(&d->handshake, (size_t)sent);
	}
	rearm_for_reply(d);
	set_state(d, SX_DIAL_RECEIVING);
	return wait_for(d, POLLIN);
}

static int receiving(struct sx_dial *d, short revents)
{
	uint8_t buf[SX_HANDSHAKE_IN_MAX];
	size_t used;

	if (handshake_is_late(d, revents))
		return handshake_late(d);
	ssize_t n = sx_io_recv(
		d->plan->sys, d->fd, buf, sx_handshake_need(&d->handshake));
	if (n == -EAGAIN)
		return wait_for(d, POLLIN);
	int r = n <= 0 ? sx_handshake_eof(&d->handshake)
		       : sx_handshake_feed(
				 &d->handshake, buf, (size_t)n, &used);
	if (r < 0)
		return handshake_failed(d);
	if (r == SX_HANDSHAKE_DONE) {
		set_state(d, SX_DIAL_DONE);
		return SX_DIAL_OK;
	}
	const uint8_t *out;
	if (sx_handshake_out(&d->handshake, &out))
		set_state(d, SX_DIAL_SENDING);
	return AGAIN;
}

static int next_state(struct sx_dial *d, short revents)
{
	switch (d->state) {
	case SX_DIAL_NEXT_SERVER:
		return next_server(d);
	case SX_DIAL_NEXT_ADDR:
		return next_addr(d);
	case SX_DIAL_CONNECTING:
		return connecting(d, revents);
	case SX_DIAL_SENDING:
		return sending(d, revents);
	case SX_DIAL_RECEIVING:
		return receiving(d, revents);
	case SX_DIAL_DONE:
		return SX_DIAL_OK;
	case SX_DIAL_FAILED:
		return -d->cause.sys;
	}
	return -EINVAL;
}

void sx_dial_init(struct sx_dial *d, const struct sx_dial_plan *plan, int fd,
	int family, int flags)
{
	memset(d, 0, sizeof(*d));
	d->plan = plan;
	d->fd = fd;
	d->family = family;
	d->flags = flags;
	d->state = SX_DIAL_NEXT_SERVER;
}

int sx_dial_step(struct sx_dial *d, short revents)
{
	int r;

	do {
		bool active = d->state < SX_DIAL_DONE;
		if (active && d->server &&
			sx_deadline_passed(d->plan->deadline, now(d)))
			return expire(d);
		r = next_state(d, revents);
		revents = 0;
	} while (r == AGAIN);
	return r;
}

int sx_dial_run(struct sx_dial *d, bool (*interrupted)(void))
{
	short revents = 0;

	for (;;) {
		int r = sx_dial_step(d, revents);
		if (r != SX_DIAL_WAIT)
			return r;
		r = sx_io_wait(d->plan->sys, d->fd, d->events, d->until);
		if (r == -EINTR && interrupted && interrupted()) {
			disconnect(d);
			return fail_own(d, EINTR);
		}
		if (r < 0 && r != -EINTR)
			return fail_finally(d, -r, strerrordesc_np(-r));
		revents = r > 0 ? (short)r : 0;
	}
}
