#include "proto/handshake.h"

#include "proto/http.h"
#include "proto/machine.h"
#include "proto/socks4.h"
#include "proto/socks5.h"

#include <assert.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct sx_handshake_ops *const protocols[] = {
	[SX_PROTO_SOCKS5] = &sx_socks5_ops,
	[SX_PROTO_SOCKS4] = &sx_socks4_ops,
	[SX_PROTO_SOCKS4A] = &sx_socks4a_ops,
	[SX_PROTO_HTTP] = &sx_http_ops,
};
static_assert(COUNT(protocols) == SX_N_PROTOS, "a row each");

static const char *const state_names[] = {
	[SX_STATE_GREETING] = "greeting",
	[SX_STATE_CREDENTIALS] = "credentials",
	[SX_STATE_REQUEST] = "request",
	[SX_STATE_DONE] = "done",
	[SX_STATE_FAILED] = "failed",
};
static_assert(COUNT(state_names) == SX_N_STATES, "a name each");

const char *sx_proto_name(enum sx_proto proto)
{
	return protocols[proto]->name;
}

/* Every change of state. The new one awaits need bytes. */
static void set_state(
	struct sx_handshake *h, enum sx_state state, size_t have, size_t need)
{
	h->state = state;
	h->in_len = have;
	h->in_need = need;
}

/* A sent message may hold a password: it does not stay in memory. */
static void wipe_out(struct sx_handshake *h)
{
	explicit_bzero(h->out, h->out_len);
	h->out_len = 0;
	h->out_sent = 0;
}

struct sx_writer sx_machine_writer(struct sx_handshake *h)
{
	return (struct sx_writer){.buf = h->out, .cap = sizeof(h->out)};
}

int sx_machine_say(struct sx_handshake *h, const struct sx_writer *w,
	enum sx_state state, size_t need)
{
	h->out_len = w->len;
	return sx_machine_await(h, state, need);
}

int sx_machine_await(struct sx_handshake *h, enum sx_state state, size_t need)
{
	set_state(h, state, 0, need);
	return SX_HANDSHAKE_MORE;
}

int sx_machine_await_rest(
	struct sx_handshake *h, enum sx_state state, size_t need)
{
	set_state(h, state, h->in_len, need);
	return SX_HANDSHAKE_MORE;
}

int sx_machine_done(struct sx_handshake *h)
{
	h->phase = SX_PHASE_DONE;
	h->in_doubt = false;
	set_state(h, SX_STATE_DONE, 0, 0);
	return SX_HANDSHAKE_DONE;
}

int sx_machine_fail(struct sx_handshake *h, enum sx_cause cause, uint16_t code)
{
	h->refusal = sx_refusal_of(cause, code, h->dest);
	wipe_out(h);
	set_state(h, SX_STATE_FAILED, 0, 0);
	return -h->refusal.error;
}

int sx_machine_turn_away(
	struct sx_handshake *h, enum sx_cause cause, uint16_t code)
{
	if (h->phase == SX_PHASE_REQUEST)
		h->phase = h->credentials.user ? SX_PHASE_CREDENTIALS
					       : SX_PHASE_GREETING;
	return sx_machine_fail(h, cause, code);
}

/* A password alone is refused: it would have to go with an empty user. */
static bool credentials_fit(const struct sx_credentials *c)
{
	size_t max = SX_CREDENTIAL_MAX;

	if (!c->user)
		return !c->password;
	if (!*c->user || strnlen(c->user, max + 1) > max)
		return false;
	return !c->password || strnlen(c->password, max + 1) <= max;
}

/* Some servers take an empty name for themselves: it is never sent. */
static bool destination_fits(const struct sx_dest *dest)
{
	if (dest->kind == SX_DEST_NAME) {
		size_t n = strnlen(dest->name, sizeof(dest->name));
		return n > 0 && n <= SX_NAME_MAX;
	}
	return dest->ip.family == AF_INET || dest->ip.family == AF_INET6;
}

int sx_machine_init(struct sx_handshake *h,
	const struct sx_handshake_options *options, uint8_t command)
{
	memset(h, 0, sizeof(*h));
	h->ops = protocols[options->proto];
	h->credentials = options->credentials;
	h->dest = options->dest;
	h->pipeline = options->pipeline && options->proto == SX_PROTO_SOCKS5;
	h->auth_required = options->auth_required;
	h->command = command;
	h->told = (struct sx_told){-1, -1, -1};
	if (!credentials_fit(&h->credentials))
		return sx_machine_fail(h, SX_CAUSE_BAD_CREDENTIALS, 0);
	if (!destination_fits(h->dest))
		return sx_machine_fail(h, SX_CAUSE_BAD_DESTINATION, 0);
	int r = h->ops->start(h);
	return r < 0 ? r : 0;
}

int sx_handshake_init(
	struct sx_handshake *h, const struct sx_handshake_options *options)
{
	return sx_machine_init(h, options,
		options->command ? options->command : SX_COMMAND_CONNECT);
}

void sx_handshake_moved(struct sx_handshake *h,
	struct sx_credentials credentials, const struct sx_dest *dest)
{
	h->credentials = credentials;
	h->dest = dest;
}

bool sx_handshake_carries(
	enum sx_proto proto, const struct sx_dest *dest, struct sx_refusal *why)
{
	const struct sx_handshake_options options = {
		.proto = proto, .dest = dest};
	struct sx_handshake h;
	bool carries = sx_handshake_init(&h, &options) == 0;

	*why = h.refusal;
	return carries;
}

size_t sx_handshake_out(const struct sx_handshake *h, const uint8_t **bytes)
{
	*bytes = h->out + h->out_sent;
	return h->out_len - h->out_sent;
}

/* How far the sent part of the one message brings a pipelined handshake. */
static enum sx_phase pipelined_phase(const struct sx_handshake *h)
{
	if (h->out_sent > h->request_at)
		return SX_PHASE_REQUEST;
	if (h->out_sent > h->credentials_at)
		return SX_PHASE_CREDENTIALS;
	return SX_PHASE_GREETING;
}

/* How far what was sent of a message brings a handshake. */
static enum sx_phase phase_now(const struct sx_handshake *h)
{
	if (h->pipeline)
		return pipelined_phase(h);
	switch ((enum sx_state)h->state) {
	case SX_STATE_GREETING:
		return SX_PHASE_GREETING;
	case SX_STATE_CREDENTIALS:
		return SX_PHASE_CREDENTIALS;
	case SX_STATE_REQUEST:
		return SX_PHASE_REQUEST;
	case SX_STATE_DONE:
	case SX_STATE_FAILED:
	case SX_N_STATES:
		break;
	}
	return h->phase;
}

void sx_handshake_sent(struct sx_handshake *h, size_t n)
{
	size_t left = h->out_len - h->out_sent;

	if (n == 0 || left == 0)
		return;
	h->out_sent += n < left ? n : left;
	h->phase = phase_now(h);
	h->in_doubt = h->pipeline;
	if (h->out_sent == h->out_len)
		wipe_out(h);
}

size_t sx_handshake_need(const struct sx_handshake *h)
{
	size_t need = h->out_len ? 0 : h->in_need - h->in_len;

	return need < SX_HANDSHAKE_NEED_MAX ? need : SX_HANDSHAKE_NEED_MAX;
}

bool sx_handshake_peek(const struct sx_handshake *h)
{
	return h->ops->scan != NULL;
}

static int result(const struct sx_handshake *h)
{
	if (h->state == SX_STATE_FAILED)
		return -h->refusal.error;
	if (h->state == SX_STATE_DONE)
		return SX_HANDSHAKE_DONE;
	return SX_HANDSHAKE_MORE;
}

/* At most n bytes, and no more than need() says; how many were taken. */
static size_t take(struct sx_handshake *h, const uint8_t *bytes, size_t n)
{
	size_t need = sx_handshake_need(h);

	if (n > need)
		n = need;
	if (h->ops->scan)
		return h->ops->scan(h, bytes, n);
	memcpy(h->in + h->in_len, bytes, n);
	h->in_len += n;
	h->ops->answer(h);
	return n;
}

int sx_handshake_feed(
	struct sx_handshake *h, const uint8_t *bytes, size_t n, size_t *used)
{
	*used = 0;
	while (*used < n && sx_handshake_need(h))
		*used += take(h, bytes + *used, n - *used);
	return result(h);
}

static enum sx_cause eof_cause(const struct sx_handshake *h)
{
	bool requested = h->phase == SX_PHASE_REQUEST;

	if (requested && h->state == SX_STATE_REQUEST)
		return h->in_len ? SX_CAUSE_EOF_REPLY : SX_CAUSE_EOF_REQUEST;
	if (h->phase >= SX_PHASE_CREDENTIALS &&
		h->state == SX_STATE_CREDENTIALS)
		return SX_CAUSE_EOF_CREDENTIALS;
	return requested ? SX_CAUSE_EOF_PIPELINED : SX_CAUSE_EOF_BEFORE_REQUEST;
}

int sx_handshake_eof(struct sx_handshake *h)
{
	if (h->state == SX_STATE_DONE || h->state == SX_STATE_FAILED)
		return result(h);
	if (h->state == SX_STATE_REQUEST && h->told.method >= 0)
		h->in_doubt = false;
	return sx_machine_fail(h, eof_cause(h), 0);
}

enum sx_phase sx_handshake_phase(const struct sx_handshake *h)
{
	return h->phase;
}

bool sx_handshake_awaits_reply(const struct sx_handshake *h)
{
	return h->state == SX_STATE_REQUEST && !h->out_len;
}

bool sx_handshake_pipeline_suspect(const struct sx_handshake *h)
{
	return h->in_doubt;
}

bool sx_handshake_bound(
	const struct sx_handshake *h, struct sx_ip *ip, uint16_t *port)
{
	return sx_socks5_bound(h, ip, port);
}

const char *sx_handshake_step(const struct sx_handshake *h)
{
	return state_names[h->state];
}
