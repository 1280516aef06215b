#include "core/giveup.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

/* A server that has not even got so far in this time is at fault, though the
 * application would have had it faster: the first retransmission of TCP,
 * after a second, was not answered either. */
#define LONG_ENOUGH_MS 2000

static uint64_t now_ms(const struct sx_dial *d)
{
	return sx_clock_ns(d->plan->sys) / SX_NS_PER_MS;
}

static int fail(struct sx_dial *d, int err)
{
	sx_dial_set_state(d, SX_DIAL_FAILED);
	return -err;
}

static bool is_trying(const struct sx_dial *d)
{
	return d->state == SX_DIAL_NEXT_ADDR ||
	       d->state == SX_DIAL_CONNECTING || d->state == SX_DIAL_SENDING ||
	       d->state == SX_DIAL_RECEIVING;
}

/* The attempt under way, if there is one, is cut short. */
static void count_cut(struct sx_dial *d, enum sx_failure failure, bool blame)
{
	if (is_trying(d))
		sx_outcome_failed(
			d->server, &d->plan->marks, failure, blame, now_ms(d));
}

int sx_fail_own(struct sx_dial *d, int err)
{
	count_cut(d, SX_FAILURE_OTHER, false);
	sx_err_set(&d->cause, err, "%s", strerrordesc_np(err));
	return fail(d, err);
}

static int end(struct sx_dial *d, int err, const char *text)
{
	char dest[SX_DEST_STRLEN];

	sx_err_set(&d->cause, err, "%s: %s (by server %s)",
		sx_dest_format(&d->plan->dest, dest, sizeof(dest)), text,
		d->server->conf->name);
	sx_reach_dissolve(&d->reach);
	return fail(d, err);
}

int sx_fail_finally(
	struct sx_dial *d, enum sx_failure failure, int err, const char *text)
{
	count_cut(d, failure, false);
	return end(d, err, text);
}

int sx_fail_all(struct sx_dial *d)
{
	if (d->cause_rank == SX_RANK_NONE)
		sx_err_set(&d->cause, ENETUNREACH, "no server is up");
	return fail(d, d->cause.sys);
}

/* It is the server that has let the time pass, and not the destination. */
static bool is_servers_silence(const struct sx_dial *d)
{
	bool requested = d->state >= SX_DIAL_SENDING &&
			 d->hop + 1 == d->n_hops &&
			 sx_handshake_phase(&d->handshake) >= SX_PHASE_REQUEST;

	return !requested &&
	       now_ms(d) >= d->phase_from_ns / SX_NS_PER_MS + LONG_ENOUGH_MS;
}

int sx_fail_expired(struct sx_dial *d)
{
	count_cut(d, SX_FAILURE_TIMEOUT, is_servers_silence(d));
	return end(d, ETIMEDOUT, "the deadline for connecting passed");
}

void sx_dial_abandon(struct sx_dial *d)
{
	bool blame = is_servers_silence(d);

	count_cut(d, blame ? SX_FAILURE_TIMEOUT : SX_FAILURE_OTHER, blame);
	sx_reach_disconnect(&d->reach);
	sx_dial_set_state(d, SX_DIAL_FAILED);
}

static enum sx_failure failure_of(enum sx_rank rank, int err)
{
	switch (rank) {
	case SX_RANK_TIMEOUT:
		return SX_FAILURE_TIMEOUT;
	case SX_RANK_UNREACHABLE:
		return SX_FAILURE_UNREACHABLE;
	case SX_RANK_REFUSAL:
		return SX_FAILURE_DESTINATION;
	case SX_RANK_HANDSHAKE:
		if (err == ETIMEDOUT)
			return SX_FAILURE_TIMEOUT;
		return err == EACCES ? SX_FAILURE_CREDENTIALS
				     : SX_FAILURE_HANDSHAKE;
	case SX_RANK_NONE:
	case SX_RANK_UNFIT:
		break;
	}
	return SX_FAILURE_OTHER;
}

/* What a moment may mend; the rest is tried once in a dial: it would only
 * cost another time-out, or be answered the same. */
static bool may_pass(enum sx_failure failure)
{
	return failure == SX_FAILURE_UNREACHABLE ||
	       failure == SX_FAILURE_HANDSHAKE;
}

void sx_leave_server(struct sx_dial *d, enum sx_failure failure)
{
	bool at_fault = may_pass(failure) || failure == SX_FAILURE_TIMEOUT;
	bool is_spent = d->skip_rest || sx_pool_is_spent(&d->cursor);

	if (failure == SX_FAILURE_DESTINATION)
		sx_outcome_works(d->server);
	if (!may_pass(failure))
		sx_pool_drop(&d->cursor, d->place);
	sx_outcome_failed(d->server, &d->plan->marks, failure,
		at_fault && is_spent, now_ms(d));
	sx_dial_set_state(d, SX_DIAL_NEXT_SERVER);
}

void sx_note_cause(struct sx_dial *d, enum sx_rank rank,
	const struct sx_server *server, int err, const char *text)
{
	if ((int)rank < d->cause_rank)
		return;
	d->cause_rank = (int)rank;
	sx_err_set(&d->cause, err, "server %s: %s", server->conf->name, text);
}

void sx_give_up(struct sx_dial *d, enum sx_rank rank, int err, const char *text)
{
	/* an address of several may well be one that nobody listens at */
	bool is_last = rank >= SX_RANK_HANDSHAKE || d->next_ip >= d->n_ips;

	sx_log(is_last ? SX_LOG_WARN : SX_LOG_INFO, "server %s: %s",
		d->server->conf->name, text);
	sx_note_cause(d, rank, d->server, err, text);
	sx_reach_dissolve(&d->reach);
	d->skip_rest = rank >= SX_RANK_HANDSHAKE || rank == SX_RANK_UNFIT;
	d->failure = failure_of(rank, err);
	if (d->skip_rest)
		sx_leave_server(d, d->failure);
	else
		sx_dial_set_state(d, SX_DIAL_NEXT_ADDR);
}
