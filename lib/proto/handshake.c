#include "proto/handshake.h"

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
};
static_assert(COUNT(protocols) == SX_PROTO_SOCKS4A + 1, "a row each");

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
static void set_state(struct sx_handshake *h, enum sx_state state, size_t need)
{
	h->state = state;
	h->in_len = 0;
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
	set_state(h, state, need);
	return SX_HANDSHAKE_MORE;
}

int sx_machine_done(struct sx_handshake *h)
{
	h->phase = SX_PHASE_DONE;
	set_state(h, SX_STATE_DONE, 0);
	return SX_HANDSHAKE_DONE;
}

int sx_machine_fail(struct sx_handshake *h, enum sx_cause cause, uint8_t code)
{
	h->refusal = sx_refusal_of(cause, code, h->dest);
	wipe_out(h);
	set_state(h, SX_STATE_FAILED, 0);
	return -h->refusal.error;
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

int sx_handshake_init(struct sx_handshake *h, enum sx_proto proto,
	const struct sx_credentials *credentials, const struct sx_dest *dest)
{
	memset(h, 0, sizeof(*h));
	h->ops = protocols[proto];
	h->dest = dest;
	if (credentials)
		h->credentials = *credentials;
	if (!credentials_fit(&h->credentials))
		return sx_machine_fail(h, SX_CAUSE_BAD_CREDENTIALS, 0);
	if (!destination_fits(dest))
		return sx_machine_fail(h, SX_CAUSE_BAD_DESTINATION, 0);
	int r = h->ops->start(h);
	return r < 0 ? r : 0;
}

size_t sx_handshake_out(const struct sx_handshake *h, const uint8_t **bytes)
{
	*bytes = h->out + h->out_sent;
	return h->out_len - h->out_sent;
}

/* How far the first byte of the message of a state brings a handshake. */
static enum sx_phase phase_after(enum sx_state state, enum sx_phase before)
{
	switch (state) {
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
	return before;
}

void sx_handshake_sent(struct sx_handshake *h, size_t n)
{
	size_t left = h->out_len - h->out_sent;

	if (n == 0 || left == 0)
		return;
	h->phase = phase_after((enum sx_state)h->state, h->phase);
	h->out_sent += n < left ? n : left;
	if (h->out_sent == h->out_len)
		wipe_out(h);
}

size_t sx_handshake_need(const struct sx_handshake *h)
{
	return h->out_len ? 0 : h->in_need - h->in_len;
}

static int result(const struct sx_handshake *h)
{
	if (h->state == SX_STATE_FAILED)
		return -h->refusal.error;
	if (h->state == SX_STATE_DONE)
		return SX_HANDSHAKE_DONE;
	return SX_HANDSHAKE_MORE;
}

int sx_handshake_feed(
	struct sx_handshake *h, const uint8_t *bytes, size_t n, size_t *used)
{
	size_t need;

	*used = 0;
	while (*used < n && (need = sx_handshake_need(h))) {
		size_t take = n - *used < need ? n - *used : need;
		memcpy(h->in + h->in_len, bytes + *used, take);
		h->in_len += take;
		*used += take;
		h->ops->answer(h);
	}
	return result(h);
}

static enum sx_cause eof_cause(const struct sx_handshake *h)
{
	if (h->phase == SX_PHASE_REQUEST)
		return h->in_len ? SX_CAUSE_EOF_REPLY : SX_CAUSE_EOF_REQUEST;
	if (h->phase == SX_PHASE_CREDENTIALS &&
		h->state == SX_STATE_CREDENTIALS)
		return SX_CAUSE_EOF_CREDENTIALS;
	return SX_CAUSE_EOF_BEFORE_REQUEST;
}

int sx_handshake_eof(struct sx_handshake *h)
{
	if (h->state == SX_STATE_DONE || h->state == SX_STATE_FAILED)
		return result(h);
	return sx_machine_fail(h, eof_cause(h), 0);
}

enum sx_phase sx_handshake_phase(const struct sx_handshake *h)
{
	return h->phase;
}

const char *sx_handshake_step(const struct sx_handshake *h)
{
	return state_names[h->state];
}
