#include "proto/socks4.h"

#include <assert.h>
#include <string.h>

enum {
	VERSION = 0x04,
	CMD_CONNECT = 0x01,
	REPLY_VERSION = 0x00,
	GRANTED = 90,
};

#define REPLY_LEN 8

static_assert(
	8 + SX_CREDENTIAL_MAX + 1 + SX_NAME_MAX + 1 <= SX_HANDSHAKE_OUT_MAX,
	"requests fit");

/* The address that says to a SOCKS4A server that a name follows. */
static const uint8_t name_follows[4] = {0, 0, 0, 1};

static void put_string(struct sx_writer *w, const char *text)
{
	sx_put(w, text, strlen(text) + 1);
}

/*
 * socks4.protocol, CONNECT:
 *
 *	+----+----+----+----+----+----+----+----+----+----+....+----+
 *	| VN | CD | DSTPORT |      DSTIP        | USERID       |NULL|
 *	+----+----+----+----+----+----+----+----+----+----+....+----+
 *	  1    1       2             4            variable       1
 *
 * socks4a.protocol: with DSTIP 0.0.0.x, x not 0, a name and NULL follow.
 */
static int say_request(struct sx_handshake *h)
{
	bool named = h->dest->kind == SX_DEST_NAME;
	const char *user = h->credentials.user;
	struct sx_writer w = sx_machine_writer(h);

	sx_put_u8(&w, VERSION);
	sx_put_u8(&w, CMD_CONNECT);
	sx_put_u16(&w, h->dest->port);
	sx_put(&w, named ? name_follows : h->dest->ip.bytes, 4);
	put_string(&w, user ? user : "");
	if (named)
		put_string(&w, h->dest->name);
	return sx_machine_say(h, &w, SX_STATE_REQUEST, REPLY_LEN);
}

/*
 * A server that knows SOCKS4A would take 0.0.0.x for the announcement of a
 * name and wait for it. Whether a SOCKS4 server knows it cannot be told, so
 * such an address, which is no host's, is sent to neither.
 */
static bool announces_name(const struct sx_ip *ip)
{
	return memcmp(ip->bytes, name_follows, 3) == 0 && ip->bytes[3] != 0;
}

static int start_4a(struct sx_handshake *h)
{
	const struct sx_dest *dest = h->dest;

	if (dest->kind == SX_DEST_NAME)
		return say_request(h);
	if (dest->ip.family != AF_INET)
		return sx_machine_fail(h, SX_CAUSE_SOCKS4_IPV6, 0);
	if (announces_name(&dest->ip))
		return sx_machine_fail(h, SX_CAUSE_SOCKS4_THIS_NETWORK, 0);
	return say_request(h);
}

static int start_4(struct sx_handshake *h)
{
	if (h->dest->kind == SX_DEST_NAME)
		return sx_machine_fail(h, SX_CAUSE_SOCKS4_NAME, 0);
	return start_4a(h);
}

/*
 * socks4.protocol, the reply:
 *
 *	+----+----+----+----+----+----+----+----+
 *	| VN | CD | DSTPORT |      DSTIP        |
 *	+----+----+----+----+----+----+----+----+
 *	  1    1       2             4
 *
 * VN is 0; a server that sends the request's 4 is understood as well
 * (ATS-44). Port and address are ignored.
 */
static int take_reply(struct sx_handshake *h)
{
	if (h->in[0] != REPLY_VERSION && h->in[0] != VERSION)
		return sx_machine_fail(h, SX_CAUSE_VERSION, h->in[0]);
	if (h->in_len >= 2)
		h->told.reply = h->in[1];
	if (h->in_len >= 2 && h->in[1] != GRANTED)
		return sx_machine_fail(h, SX_CAUSE_SOCKS4_REPLY, h->in[1]);
	if (h->in_len < REPLY_LEN)
		return SX_HANDSHAKE_MORE;
	return sx_machine_done(h);
}

const struct sx_handshake_ops sx_socks4_ops = {
	.name = "socks4",
	.start = start_4,
	.answer = take_reply,
};

const struct sx_handshake_ops sx_socks4a_ops = {
	.name = "socks4a",
	.start = start_4a,
	.answer = take_reply,
};
