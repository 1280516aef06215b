#include "proto/socks5.h"

#include "proto/socksaddr.h"

#include <assert.h>
#include <string.h>

enum {
	VERSION = 0x05,
	AUTH_VERSION = 0x01, /* RFC 1929 counts for itself */
	RSV = 0x00,
};

enum method {
	METHOD_NONE = 0x00,
	METHOD_PASSWORD = 0x02,
	METHOD_REFUSED = 0xff,
};

#define METHOD_LEN     2
#define STATUS_LEN     2
#define REPLY_MIN      7 /* a name of length 0 */
#define REPLY_HEAD_LEN 5 /* up to and with the length of a name */
#define REPLY_BOUND_AT 3 /* behind VER, REP, RSV */

/* A reply's length with n bytes of BND.ADDR. */
#define REPLY_LEN(n) ((size_t)4 + (n) + 2)

/* The longest of each message. */
#define GREETING_MAX    (2 + 2)
#define CREDENTIALS_MAX (3 + 2 * SX_CREDENTIAL_MAX)
#define REQUEST_MAX     (4 + 1 + SX_NAME_MAX + 2)

static_assert(REPLY_HEAD_LEN <= REPLY_MIN, "the head never over-reads");
static_assert(REPLY_LEN(1 + 255) <= SX_HANDSHAKE_IN_MAX, "replies fit");
static_assert(
	GREETING_MAX + CREDENTIALS_MAX + REQUEST_MAX <= SX_HANDSHAKE_OUT_MAX,
	"all messages together fit");

static bool offers_none(const struct sx_handshake *h)
{
	return !h->credentials.user || !(h->pipeline || h->auth_required);
}

static bool offers(const struct sx_handshake *h, uint8_t method)
{
	if (method == METHOD_NONE)
		return offers_none(h);
	return method == METHOD_PASSWORD && h->credentials.user;
}

/*
 * RFC 1928 section 3:
 *
 *	+----+----------+----------+
 *	|VER | NMETHODS | METHODS  |
 *	+----+----------+----------+
 *	| 1  |    1     | 1 to 255 |
 *	+----+----------+----------+
 *
 * The order of the methods is no preference. What is sent behind a pipelined
 * greeting is read by the method that the server chooses: it gets no choice.
 */
static void put_greeting(struct sx_writer *w, const struct sx_handshake *h)
{
	bool password = h->credentials.user != NULL;
	bool none = offers_none(h);

	sx_put_u8(w, VERSION);
	sx_put_u8(w, (uint8_t)(none + password));
	if (none)
		sx_put_u8(w, METHOD_NONE);
	if (password)
		sx_put_u8(w, METHOD_PASSWORD);
}

static void put_counted(struct sx_writer *w, const char *text)
{
	size_t n = strlen(text);

	sx_put_u8(w, (uint8_t)n);
	sx_put(w, text, n);
}

/*
 * RFC 1929 section 2:
 *
 *	+----+------+----------+------+----------+
 *	|VER | ULEN |  UNAME   | PLEN |  PASSWD  |
 *	+----+------+----------+------+----------+
 *	| 1  |  1   | 1 to 255 |  1   | 1 to 255 |
 *	+----+------+----------+------+----------+
 *
 * A user without a password gets PLEN 0, against the letter: Tor takes it.
 */
static void put_credentials(struct sx_writer *w, const struct sx_handshake *h)
{
	const char *password = h->credentials.password;

	sx_put_u8(w, AUTH_VERSION);
	put_counted(w, h->credentials.user);
	put_counted(w, password ? password : "");
}

/*
 * RFC 1928 section 4:
 *
 *	+----+-----+-------+------+----------+----------+
 *	|VER | CMD |  RSV  | ATYP | DST.ADDR | DST.PORT |
 *	+----+-----+-------+------+----------+----------+
 *	| 1  |  1  | X'00' |  1   | Variable |    2     |
 *	+----+-----+-------+------+----------+----------+
 */
static void put_request(struct sx_writer *w, const struct sx_handshake *h)
{
	sx_put_u8(w, VERSION);
	sx_put_u8(w, h->command);
	sx_put_u8(w, RSV);
	sx_socksaddr_put(w, h->dest);
}

static int say_greeting(struct sx_handshake *h)
{
	struct sx_writer w = sx_machine_writer(h);

	put_greeting(&w, h);
	return sx_machine_say(h, &w, SX_STATE_GREETING, METHOD_LEN);
}

static int say_all(struct sx_handshake *h)
{
	struct sx_writer w = sx_machine_writer(h);

	put_greeting(&w, h);
	h->credentials_at = w.len;
	if (h->credentials.user)
		put_credentials(&w, h);
	h->request_at = w.len;
	put_request(&w, h);
	return sx_machine_say(h, &w, SX_STATE_GREETING, METHOD_LEN);
}

static int start(struct sx_handshake *h)
{
	if (h->auth_required && !h->credentials.user)
		return sx_machine_fail(h, SX_CAUSE_NO_CREDENTIALS, 0);
	return h->pipeline ? say_all(h) : say_greeting(h);
}

static int say_credentials(struct sx_handshake *h)
{
	struct sx_writer w = sx_machine_writer(h);

	if (h->pipeline)
		return sx_machine_await(h, SX_STATE_CREDENTIALS, STATUS_LEN);
	put_credentials(&w, h);
	return sx_machine_say(h, &w, SX_STATE_CREDENTIALS, STATUS_LEN);
}

static int say_request(struct sx_handshake *h)
{
	struct sx_writer w = sx_machine_writer(h);

	if (h->pipeline)
		return sx_machine_await(h, SX_STATE_REQUEST, REPLY_HEAD_LEN);
	put_request(&w, h);
	return sx_machine_say(h, &w, SX_STATE_REQUEST, REPLY_HEAD_LEN);
}

/* The answer to the request: whatever it is, the server has read it. */
static int refuse_request(struct sx_handshake *h, uint8_t code)
{
	h->told.reply = code;
	h->in_doubt = false;
	return sx_machine_fail(h, SX_CAUSE_SOCKS5_REPLY, code);
}

/* Step by step the same would have come, unless more would be offered. */
static int refuse_method(struct sx_handshake *h, uint8_t method)
{
	h->told.method = method;
	if (!h->credentials.user || h->auth_required)
		h->in_doubt = false;
	else if (h->pipeline && method == METHOD_NONE)
		return sx_machine_turn_away(h, SX_CAUSE_METHOD_UNPIPELINED, 0);
	return sx_machine_turn_away(h, SX_CAUSE_METHOD, method);
}

static int refuse_credentials(struct sx_handshake *h, uint8_t status)
{
	h->told.status = status;
	h->in_doubt = false;
	return sx_machine_turn_away(h, SX_CAUSE_STATUS, status);
}

/*
 * Tor forgets its answer to a greeting that came together with more, so what
 * seems to be a method may be what comes next, a reply that says no. Its
 * third byte is 0, and it is always sent as a whole.
 */
static int take_other_method(struct sx_handshake *h, uint8_t method)
{
	if (!h->pipeline || method == METHOD_NONE || method == METHOD_REFUSED)
		return refuse_method(h, method);
	if (h->in_len == METHOD_LEN) {
		h->in_need = METHOD_LEN + 1;
		return SX_HANDSHAKE_MORE;
	}
	if (h->in[METHOD_LEN] == RSV)
		return refuse_request(h, method);
	return refuse_method(h, method);
}

/* Tor, as above: reply code 2 looks like the method that was offered, and
 * 00 01 behind it are no answer to credentials. */
static int take_no(struct sx_handshake *h)
{
	if (h->pipeline && h->in[0] == RSV) {
		h->told.method = -1;
		return refuse_request(h, METHOD_PASSWORD);
	}
	return refuse_credentials(h, h->in[1]);
}

/*
 * RFC 1929 section 2:
 *
 *	+----+--------+
 *	|VER | STATUS |
 *	+----+--------+
 *	| 1  |   1    |
 *	+----+--------+
 *
 * Only the status counts: some servers send 5 for the version (ATS-40).
 */
static int take_status(struct sx_handshake *h)
{
	if (h->in_len < STATUS_LEN)
		return SX_HANDSHAKE_MORE;
	if (h->in[1] != 0)
		return take_no(h);
	h->told.status = 0;
	return say_request(h);
}

/* Tor, as above: the answer to the credentials without one to the greeting. */
static int take_implied_method(struct sx_handshake *h)
{
	h->told.method = METHOD_PASSWORD;
	sx_machine_await_rest(h, SX_STATE_CREDENTIALS, STATUS_LEN);
	return take_status(h);
}

/*
 * RFC 1928 section 3:
 *
 *	+----+--------+
 *	|VER | METHOD |
 *	+----+--------+
 *	| 1  |   1    |
 *	+----+--------+
 *
 * No authentication is welcome even where credentials were offered (ATS-39),
 * but not where they are required, nor where they are sent already: the
 * server would take them for the request.
 */
static int take_method(struct sx_handshake *h)
{
	bool password_sent = h->pipeline && h->credentials.user;
	uint8_t method = h->in[1];

	if (password_sent && h->in[0] == AUTH_VERSION)
		return take_implied_method(h);
	if (h->in[0] != VERSION)
		return sx_machine_turn_away(h, SX_CAUSE_VERSION, h->in[0]);
	if (h->in_len < METHOD_LEN)
		return SX_HANDSHAKE_MORE;
	if (!offers(h, method))
		return take_other_method(h, method);
	h->told.method = method;
	return method == METHOD_NONE ? say_request(h) : say_credentials(h);
}

/* The reply's length by its type of address; 0 for an unknown type. */
static size_t reply_len(uint8_t atyp, uint8_t name_len)
{
	switch (atyp) {
	case SX_ATYP_IPV4:
		return REPLY_LEN(4);
	case SX_ATYP_IPV6:
		return REPLY_LEN(16);
	case SX_ATYP_NAME:
		return REPLY_LEN(1 + (size_t)name_len);
	}
	return 0;
}

/*
 * RFC 1928 section 6:
 *
 *	+----+-----+-------+------+----------+----------+
 *	|VER | REP |  RSV  | ATYP | BND.ADDR | BND.PORT |
 *	+----+-----+-------+------+----------+----------+
 *	| 1  |  1  | X'00' |  1   | Variable |    2     |
 *	+----+-----+-------+------+----------+----------+
 *
 * A reply that says no need not be complete: several servers send two or
 * four bytes of it and close, Tor sends address type 0. BND is read only for
 * its length, but for an association: what servers put into it tells nothing.
 */
static int take_reply(struct sx_handshake *h)
{
	if (h->in[0] != VERSION)
		return sx_machine_fail(h, SX_CAUSE_VERSION, h->in[0]);
	h->in_doubt = false;
	if (h->in_len >= 2)
		h->told.reply = h->in[1];
	if (h->in_len >= 2 && h->in[1] != 0)
		return refuse_request(h, h->in[1]);
	if (h->in_len >= 4 && !reply_len(h->in[3], 0))
		return sx_machine_fail(h, SX_CAUSE_ADDRESS_TYPE, h->in[3]);
	if (h->in_len >= REPLY_HEAD_LEN)
		h->in_need = reply_len(h->in[3], h->in[4]);
	if (h->in_len < h->in_need)
		return SX_HANDSHAKE_MORE;
	return sx_machine_done(h);
}

/* The reply is still in h->in, and was found to be whole. */
bool sx_socks5_bound(
	const struct sx_handshake *h, struct sx_ip *ip, uint16_t *port)
{
	struct sx_reader r = {.buf = h->in + REPLY_BOUND_AT,
		.len = sizeof(h->in) - REPLY_BOUND_AT};
	struct sx_dest bound;

	if (h->ops != &sx_socks5_ops || h->state != SX_STATE_DONE ||
		!sx_socksaddr_get(&r, &bound))
		return false;
	*ip = bound.ip;
	*port = bound.port;
	return true;
}

static int take_answer(struct sx_handshake *h)
{
	switch ((enum sx_state)h->state) {
	case SX_STATE_GREETING:
		return take_method(h);
	case SX_STATE_CREDENTIALS:
		return take_status(h);
	case SX_STATE_REQUEST:
		return take_reply(h);
	case SX_STATE_DONE:
	case SX_STATE_FAILED:
	case SX_N_STATES:
		break;
	}
	return SX_HANDSHAKE_MORE;
}

const struct sx_handshake_ops sx_socks5_ops = {
	.name = "socks5",
	.start = start,
	.answer = take_answer,
};
