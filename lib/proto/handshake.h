/*
 * The client's side of a proxy handshake as a pure state machine: bytes in,
 * bytes out. It owns no descriptor, allocates nothing, knows no clock and
 * logs nothing, so it runs anywhere, a signal handler included.
 *
 * The caller's loop:
 *
 *	while ((n = sx_handshake_out(h, &bytes)))
 *		sx_handshake_sent(h, send(bytes, n));
 *	recv at most sx_handshake_need(h) bytes, sx_handshake_feed() them
 *
 * until feed says DONE or fails. need() never reaches past the handshake:
 * what the destination says right behind the server's reply stays in the
 * socket and belongs to the application. One message is handed out whole, so
 * that one send() carries it: some servers take one segment for one message.
 *
 * Sources: RFC 1928 (SOCKS5), RFC 1929 (user and password), the SOCKS4 and
 * SOCKS4A memos (openssh.com/txt/socks4.protocol, socks4a.protocol).
 */
#ifndef SX_PROTO_HANDSHAKE_H
#define SX_PROTO_HANDSHAKE_H

#include "base/addr.h"
#include "base/proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A user is 1 to 255 bytes. A password is 0 to 255 bytes, never without a
 * user; NULL is sent as an empty one. SOCKS4 sends the user alone. */
struct sx_credentials {
	const char *user;     /* NULL: none; borrowed */
	const char *password; /* NULL: none; borrowed */
};

/* What the server has got, in part at least: what may be retried depends on
 * it. A failure leaves the phase as it was. */
enum sx_phase {
	SX_PHASE_GREETING,    /* neither credentials nor destination */
	SX_PHASE_CREDENTIALS, /* user and password */
	SX_PHASE_REQUEST,     /* the destination */
	SX_PHASE_DONE,        /* the tunnel stands */
};

enum sx_handshake_result {
	SX_HANDSHAKE_DONE = 0,
	SX_HANDSHAKE_MORE = 1, /* feed more, or send what out() has */
};

/* The largest message is SOCKS4A's request: 8 + user 255 + NUL + name 253 +
 * NUL = 518 bytes; RFC 1929: 3 + 255 + 255 = 513. The largest answer is the
 * SOCKS5 reply with a name: 4 + 1 + 255 + 2 = 262 bytes. */
#define SX_HANDSHAKE_OUT_MAX 520
#define SX_HANDSHAKE_IN_MAX  262

/* Why a handshake failed. */
struct sx_refusal {
	int error;           /* errno value for the application */
	bool by_destination; /* the server did its part; this is what it
				says of the destination */
	uint8_t code;        /* the byte that said no: reply code, method,
				status, version, address type; else 0 */
	const char *text;    /* static; for the log */
};

struct sx_handshake {
	/* private to lib/proto */
	const struct sx_handshake_ops *ops;
	struct sx_credentials credentials;
	const struct sx_dest *dest;
	int state; /* enum sx_state */
	enum sx_phase phase;
	uint8_t out[SX_HANDSHAKE_OUT_MAX];
	size_t out_len, out_sent;
	uint8_t in[SX_HANDSHAKE_IN_MAX];
	size_t in_len, in_need; /* have, and know to want, of this answer */
	/* readable after a failure */
	struct sx_refusal refusal;
};

/*
 * Starts a handshake for a CONNECT to dest. credentials may be NULL; its
 * strings and dest must outlive h. With a user, SOCKS5 offers the methods 0
 * and 2 (RFC 1928 section 3), without one only 0. An IPv6 scope is not sent.
 *
 * 0, or, with h->refusal filled and nothing to send:
 * -EINVAL: user or password is empty, missing or too long in a way that
 *	struct sx_credentials does not allow; a name is empty or longer than
 *	SX_NAME_MAX; an address has no family
 * -ENETUNREACH: SOCKS4 and SOCKS4A cannot carry IPv6, nor 0.0.0.1 to
 *	0.0.0.255, which in SOCKS4A say that a name follows
 * -EHOSTUNREACH: SOCKS4 cannot carry a name
 * by_destination is false for all of these: another server may do better.
 */
int sx_handshake_init(struct sx_handshake *h, enum sx_proto proto,
	const struct sx_credentials *credentials, const struct sx_dest *dest);

/* The bytes to send next: how many, 0 when an answer is awaited or all is
 * over. *bytes points into h and is good until the next sent(). */
size_t sx_handshake_out(const struct sx_handshake *h, const uint8_t **bytes);

/* n of them are sent; n <= what out() said. A message that is sent as a whole
 * is wiped from h. */
void sx_handshake_sent(struct sx_handshake *h, size_t n);

/* How many bytes may be read now: at least 1 while an answer is awaited,
 * never beyond the end of the handshake; 0 while out() has bytes and when all
 * is over. */
size_t sx_handshake_need(const struct sx_handshake *h);

/*
 * Takes n received bytes; *used says how many belonged to the handshake
 * (all of them, if the caller asked for no more than need()).
 * DONE, MORE, or negative errno with h->refusal filled. An answer that says
 * no fails as soon as its code is known, however short it is. Once DONE or
 * failed, nothing is taken and the result stays.
 */
int sx_handshake_feed(
	struct sx_handshake *h, const uint8_t *bytes, size_t n, size_t *used);

/* The server closed or reset the connection, seen while sending or reading.
 * Negative errno with h->refusal filled: what that means in this phase; a
 * failure of before stays. 0 once DONE: it is the tunnel's end then. */
int sx_handshake_eof(struct sx_handshake *h);

enum sx_phase sx_handshake_phase(const struct sx_handshake *h);

/* What is being said or waited for, for the log: "greeting", "credentials",
 * "request"; then "done" or "failed". */
const char *sx_handshake_step(const struct sx_handshake *h);

/* "socks5", "socks4", "socks4a". */
const char *sx_proto_name(enum sx_proto proto);

#endif
