#include "core/dial.h"

#include "base/io.h"
#include "base/log.h"
#include "core/associate.h"
#include "core/giveup.h"
#include "core/health.h"
#include "core/hops.h"
#include "core/user.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {
	[SX_DIAL_NEXT_SERVER] = "next server",
	[SX_DIAL_PAUSING] = "pausing",
	[SX_DIAL_NEXT_ADDR] = "next address",
	[SX_DIAL_CONNECTING] = "connecting",
	[SX_DIAL_SENDING] = "sending",
	[SX_DIAL_RECEIVING] = "receiving",
	[SX_DIAL_DONE] = "done",
	[SX_DIAL_FAILED] = "failed",
};
static_assert(sizeof(state_names) / sizeof(*state_names) == SX_DIAL_FAILED + 1,
	"a name for each state");

void sx_dial_set_state(struct sx_dial *d, enum sx_dial_state state)
{
	sx_log(SX_LOG_DEBUG, "fd %d: %s -> %s", d->reach.fd,
		state_names[d->state], state_names[state]);
	d->state = state;
}

static uint64_t now(const struct sx_dial *d)
{
	return sx_clock_ns(d->plan->sys);
}

static void arm(struct sx_dial *d, unsigned ms)
{
	d->phase_from_ns = now(d);
	d->phase_until = sx_deadline_min(
		sx_deadline_in(d->phase_from_ns, ms), d->plan->deadline);
}

static int wait_for(struct sx_dial *d, short events)
{
	d->events = events;
	d->until = d->phase_until;
	return SX_DIAL_WAIT;
}

/* The states, each entered by next_state() until one has to wait. */
enum {
	AGAIN = 2
};

static struct sx_server *server_at(struct sx_dial *d, unsigned place)
{
	return &d->plan->servers[d->plan->order[place]];
}

static enum sx_admission admit(void *arg, unsigned place)
{
	struct sx_dial *d = arg;

	return sx_server_admit(server_at(d, place)->state,
		now(d) / SX_NS_PER_MS, d->plan->marks.fail_threshold,
		d->plan->marks.retry_after_ms);
}

static uint64_t failed_at(void *arg, unsigned place)
{
	return sx_server_failed_at(server_at(arg, place)->state);
}

static bool is_last_hop(const struct sx_dial *d)
{
	return d->hop + 1 == d->n_hops;
}

static bool begin_handshake(struct sx_dial *d)
{
	const struct sx_server *server = sx_hops_server(d, d->hop);

	sx_user_choose(server->conf, &d->plan->dest, &d->user);
	const struct sx_handshake_options options = {
		.proto = server->conf->proto,
		.command = is_last_hop(d) ? d->plan->command : 0,
		.credentials = d->user.credentials,
		.dest = sx_hops_dest(d),
		.pipeline = sx_outcome_may_pipeline(server),
		.auth_required = server->conf->auth == SX_AUTH_REQUIRED,
	};
	if (sx_handshake_init(&d->handshake, &options) == 0)
		return true;
	sx_give_up(d, SX_RANK_UNFIT, d->handshake.refusal.error,
		d->handshake.refusal.text);
	return false;
}

/* The addresses of the first hop. */
static void find_addrs(struct sx_dial *d)
{
	struct sx_server *first = sx_hops_server(d, 0);

	if (first->conf->unix_path)
		d->n_ips = 1;
	else if (sx_server_addrs(first, d->plan->sys, d->ips, &d->n_ips))
		sx_give_up(d, SX_RANK_UNREACHABLE, ENETUNREACH,
			"its host name has no address");
}

static int begin_attempt(struct sx_dial *d)
{
	d->server = server_at(d, d->place);
	d->skip_rest = false;
	d->failure = SX_FAILURE_UNREACHABLE;
	d->next_ip = d->n_ips = 0;
	sx_server_count_attempt(d->server->state);
	sx_hops_begin(d);
	if (!begin_handshake(d))
		return AGAIN;
	find_addrs(d);
	sx_dial_set_state(d, SX_DIAL_NEXT_ADDR);
	return AGAIN;
}

/* Before another round; up to half as long again, so that many that failed
 * together do not come back together. */
static int pause_for_round(struct sx_dial *d)
{
	unsigned ms = d->plan->backoff_ms * d->cursor.round;

	if (ms == 0)
		return begin_attempt(d);
	arm(d, ms + sx_random_below(ms / 2 + 1));
	sx_dial_set_state(d, SX_DIAL_PAUSING);
	return wait_for(d, 0);
}

static int pausing(struct sx_dial *d)
{
	if (!sx_deadline_passed(d->phase_until, now(d)))
		return wait_for(d, 0);
	return begin_attempt(d);
}

static int next_server(struct sx_dial *d)
{
	const struct sx_pool_health health = {admit, failed_at, d};

	if (d->plan->n_order == 0)
		return sx_fail_all(d);
	switch (sx_pool_next(&d->cursor, &health, d->skip_rest, &d->place)) {
	case SX_POOL_TRY:
		return begin_attempt(d);
	case SX_POOL_ROUND:
		return pause_for_round(d);
	case SX_POOL_END:
		break;
	}
	return sx_fail_all(d);
}

static void not_reached(struct sx_dial *d, int err)
{
	char text[80], ip[INET6_ADDRSTRLEN];
	bool late = err == ETIMEDOUT;

	if (err == ECONNRESET) { /* it was reached, and hung up */
		sx_give_up(d, SX_RANK_HANDSHAKE, err, strerrordesc_np(err));
		return;
	}

	if (sx_hops_server(d, 0)->conf->unix_path)
		snprintf(ip, sizeof(ip), "its socket");
	else
		sx_ip_format(&d->ips[d->next_ip - 1], ip, sizeof(ip));
	snprintf(text, sizeof(text), "%s: %s", ip,
		late ? "not reached in time" : strerrordesc_np(err));
	sx_give_up(d, late ? SX_RANK_TIMEOUT : SX_RANK_UNREACHABLE,
		late ? ETIMEDOUT : ENETUNREACH, text);
}

/* The handshake's messages may go: the socket is connected to the server. */
static void shake_hands(struct sx_dial *d)
{
	d->awaits_reply = false;
	arm(d, d->plan->handshake_timeout_ms);
	sx_dial_set_state(d, SX_DIAL_SENDING);
}

static int connected(struct sx_dial *d)
{
	d->connected_ns = now(d);
	/* an association's depends on the family that it was reached by */
	if (sx_is_association(d->plan) && !begin_handshake(d))
		return AGAIN;
	shake_hands(d);
	return AGAIN;
}

static int connect_to(struct sx_dial *d, unsigned i)
{
	const struct sx_server_conf *first = sx_hops_server(d, 0)->conf;

	if (first->unix_path)
		return sx_reach_connect_unix(&d->reach, first->unix_path);
	return sx_reach_connect(&d->reach, &d->ips[i], first->port);
}

static int next_addr(struct sx_dial *d)
{
	if (d->next_ip == d->n_ips) {
		sx_server_forget_addrs(sx_hops_server(d, 0));
		sx_leave_server(d, d->failure);
		return AGAIN;
	}
	arm(d, d->plan->connect_timeout_ms);
	int err = connect_to(d, d->next_ip++);
	if (sx_reach_is_own_error(err))
		return sx_fail_own(d, err);
	if (err == EINPROGRESS) {
		sx_dial_set_state(d, SX_DIAL_CONNECTING);
		return wait_for(d, POLLOUT);
	}
	if (!err)
		return connected(d);
	not_reached(d, err);
	return AGAIN;
}

static int connecting(struct sx_dial *d, short revents)
{
	int err = ETIMEDOUT;

	if (!revents && !sx_deadline_passed(d->phase_until, now(d)))
		return wait_for(d, POLLOUT);
	if (revents)
		err = sx_reach_outcome(&d->reach, &d->ips[d->next_ip - 1],
			sx_hops_server(d, 0)->conf->port);
	if (err == EALREADY)
		return wait_for(d, POLLOUT);
	if (!err)
		return connected(d);
	not_reached(d, err);
	return AGAIN;
}

static void note_doubt(struct sx_dial *d)
{
	if (sx_handshake_pipeline_suspect(&d->handshake))
		sx_outcome_pipeline_doubtful(sx_hops_server(d, d->hop));
}

static int handshake_failed(struct sx_dial *d)
{
	const struct sx_refusal *r = &d->handshake.refusal;

	note_doubt(d);
	if (d->hop + 1 < d->n_hops) {
		sx_give_up(d, SX_RANK_HANDSHAKE,
			r->by_destination ? ENETUNREACH : r->error, r->text);
		return AGAIN;
	}
	if (sx_handshake_phase(&d->handshake) < SX_PHASE_REQUEST) {
		sx_give_up(d, SX_RANK_HANDSHAKE, r->error, r->text);
		return AGAIN;
	}
	if (sx_is_association(d->plan)) {
		sx_associate_refused(d);
		return AGAIN;
	}
	if (r->by_destination && d->plan->retry_on_refusal) {
		sx_give_up(d, SX_RANK_REFUSAL, r->error, r->text);
		return AGAIN;
	}
	if (r->by_destination) {
		sx_outcome_works(d->server);
		return sx_fail_finally(
			d, SX_FAILURE_DESTINATION, r->error, r->text);
	}
	sx_log(SX_LOG_WARN, "server %s: %s", d->server->conf->name, r->text);
	return sx_fail_finally(d, SX_FAILURE_HANDSHAKE, r->error, r->text);
}

static int handshake_late(struct sx_dial *d)
{
	note_doubt(d);
	if (d->hop + 1 < d->n_hops ||
		sx_handshake_phase(&d->handshake) < SX_PHASE_REQUEST) {
		sx_give_up(d, SX_RANK_HANDSHAKE, ETIMEDOUT,
			"no answer to the handshake in time");
		return AGAIN;
	}
	if (sx_is_association(d->plan)) {
		sx_associate_late(d);
		return AGAIN;
	}
	return sx_fail_finally(d, SX_FAILURE_TIMEOUT, ETIMEDOUT,
		"no answer to the request in time");
}

static bool handshake_is_late(struct sx_dial *d, short revents)
{
	return !revents && sx_deadline_passed(d->phase_until, now(d));
}

/* Greeting and credentials share one deadline; the answer to the request has
 * its own, since the server may need long to reach the destination. For an
 * association it reaches none. */
static void rearm_for_reply(struct sx_dial *d)
{
	if (d->awaits_reply || sx_is_association(d->plan) ||
		!sx_handshake_awaits_reply(&d->handshake))
		return;
	d->awaits_reply = true;
	arm(d, d->plan->reply_timeout_ms);
}

static int sending(struct sx_dial *d, short revents)
{
	const uint8_t *bytes;
	size_t n;

	if (handshake_is_late(d, revents))
		return handshake_late(d);
	while ((n = sx_handshake_out(&d->handshake, &bytes))) {
		ssize_t sent = sx_io_send(d->plan->sys, d->reach.fd, bytes, n);
		if (sent == -EAGAIN)
			return wait_for(d, POLLOUT);
		if (sent < 0) {
			sx_handshake_eof(&d->handshake);
			return handshake_failed(d);
		}
		sx_handshake_sent(&d->handshake, (size_t)sent);
	}
	rearm_for_reply(d);
	sx_dial_set_state(d, SX_DIAL_RECEIVING);
	return wait_for(d, POLLIN);
}

static ssize_t read_answer(struct sx_dial *d, uint8_t *buf)
{
	const struct sx_sys *sys = d->plan->sys;
	size_t need = sx_handshake_need(&d->handshake);

	return sx_handshake_peek(&d->handshake)
		       ? sx_io_peek(sys, d->reach.fd, buf, need)
		       : sx_io_recv(sys, d->reach.fd, buf, need);
}

/* The used bytes of what was only peeked at leave the socket now: they are
 * there, nobody else reads it. */
static bool consume(struct sx_dial *d, uint8_t *buf, size_t used)
{
	return !sx_handshake_peek(&d->handshake) ||
	       sx_io_recv(d->plan->sys, d->reach.fd, buf, used) ==
		       (ssize_t)used;
}

static int succeed(struct sx_dial *d)
{
	if (!is_last_hop(d)) { /* through it, to the next one */
		d->hop++;
		if (begin_handshake(d))
			shake_hands(d);
		return AGAIN;
	}
	if (sx_is_association(d->plan) && !sx_associate_relay(d))
		return AGAIN;
	sx_outcome_works(d->server);
	sx_server_count_success(
		d->server->state, (now(d) - d->connected_ns) / 1000);
	sx_dial_set_state(d, SX_DIAL_DONE);
	return SX_DIAL_OK;
}

static int receiving(struct sx_dial *d, short revents)
{
	uint8_t buf[SX_HANDSHAKE_NEED_MAX];
	size_t used;

	if (handshake_is_late(d, revents))
		return handshake_late(d);
	ssize_t n = read_answer(d, buf);
	if (n == -EAGAIN)
		return wait_for(d, POLLIN);
	int r = n <= 0 ? sx_handshake_eof(&d->handshake)
		       : sx_handshake_feed(
				 &d->handshake, buf, (size_t)n, &used);
	if (r < 0)
		return handshake_failed(d);
	if (!consume(d, buf, used))
		return sx_fail_finally(
			d, SX_FAILURE_OTHER, EIO, "the answer is gone");
	rearm_for_reply(d);
	if (r == SX_HANDSHAKE_DONE)
		return succeed(d);
	const uint8_t *out;
	if (sx_handshake_out(&d->handshake, &out))
		sx_dial_set_state(d, SX_DIAL_SENDING);
	return AGAIN;
}

static int next_state(struct sx_dial *d, short revents)
{
	switch (d->state) {
	case SX_DIAL_NEXT_SERVER:
		return next_server(d);
	case SX_DIAL_PAUSING:
		return pausing(d);
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

static bool is_fit(const struct sx_dial_plan *plan,
	const struct sx_server *server, struct sx_refusal *why)
{
	if (!sx_is_association(plan))
		return sx_handshake_carries(
			server->conf->proto, &plan->dest, why);
	why->error = ENETUNREACH;
	why->text = sx_associate_unfit(plan, server);
	return !why->text;
}

/* Whose protocol cannot carry the destination is not in the pool for this
 * dial, nor who cannot or is not to carry datagrams. */
static void drop_unfit(struct sx_dial *d)
{
	struct sx_refusal why;

	for (unsigned i = 0; i < d->plan->n_order; i++) {
		const struct sx_server *server = server_at(d, i);
		if (is_fit(d->plan, server, &why))
			continue;
		sx_pool_drop(&d->cursor, i);
		sx_note_cause(d, SX_RANK_UNFIT, server, why.error, why.text);
	}
}

void sx_dial_init(struct sx_dial *d, const struct sx_dial_plan *plan, int fd,
	int family, int flags)
{
	memset(d, 0, sizeof(*d));
	d->plan = plan;
	d->reach = (struct sx_reach){.sys = plan->sys,
		.fd = fd,
		.family = family,
		.own_family = family,
		.flags = flags};
	d->state = SX_DIAL_NEXT_SERVER;
	struct sx_pool_limits limits = plan->limits;
	if (limits.attempts == 0)
		limits.attempts = plan->n_order;
	if (limits.attempts_per_server == 0)
		limits.attempts_per_server = 1;
	sx_pool_begin(&d->cursor, plan->n_order, plan->start, &limits);
	drop_unfit(d);
}

int sx_dial_step(struct sx_dial *d, short revents)
{
	int r;

	do {
		bool active = d->state < SX_DIAL_DONE;
		if (active && d->server &&
			sx_deadline_passed(d->plan->deadline, now(d)))
			return sx_fail_expired(d);
		r = next_state(d, revents);
		revents = 0;
	} while (r == AGAIN);
	return r;
}

/* One wait; an unconnected socket would say POLLHUP at once. */
static int wait_once(struct sx_dial *d, struct sx_deadline limit)
{
	int fd = d->events ? d->reach.fd : -1;

	return sx_io_wait(
		d->plan->sys, fd, d->events, sx_deadline_min(d->until, limit));
}

int sx_dial_run(
	struct sx_dial *d, struct sx_deadline limit, bool (*interrupted)(void))
{
	short revents = 0;

	for (;;) {
		int r = sx_dial_step(d, revents);
		if (r != SX_DIAL_WAIT)
			return r;
		r = wait_once(d, limit);
		if (r == -EINTR && interrupted && interrupted())
			return SX_DIAL_INTERRUPTED;
		if (r < 0 && r != -EINTR)
			return sx_fail_finally(
				d, SX_FAILURE_OTHER, -r, strerrordesc_np(-r));
		if (r <= 0 && sx_deadline_passed(limit, now(d)))
			return SX_DIAL_LATE;
		revents = r > 0 ? (short)r : 0;
	}
}

void sx_dial_move(struct sx_dial *to, struct sx_dial *from,
	const struct sx_dial_plan *plan, int fd)
{
	*to = *from;
	to->plan = plan;
	to->reach.fd = fd;
	if (!to->server)
		return;
	sx_user_moved(&to->user, &from->user);
	sx_handshake_moved(&to->handshake, to->user.credentials,
		from->handshake.dest == &from->hop_dest ? &to->hop_dest
							: &plan->dest);
	explicit_bzero(from, sizeof(*from));
}
