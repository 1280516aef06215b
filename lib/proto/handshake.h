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
 * socket and belongs to the application. An answer whose length is not known
 * before its end (HTTP) is peeked at instead: see sx_handshake_peek(). One
 * message is handed out whole, so that one send() carries it: some servers
 * take one segment for one message.
 *
 * Pipelined, greeting, credentials and request are one message, and the
 * answers are read in order: one round trip instead of two or three. Some
 * servers never answer that, so it is for those that are known to take it
 * (proto/probe.h), and sx_handshake_pipeline_suspect() says when that
 * knowledge has become doubtful. Nothing is ever sent twice.
 *
 * Sources: RFC 1928 (SOCKS5), RFC 1929 (user and password), the SOCKS4 and
 * SOCKS4A memos (openssh.com/txt/socks4.protocol, socks4a.protocol), RFC 9110
 * and 9112 (HTTP CONNECT).
 */
#ifndef SX_PROTO_HANDSHAKE_H
#define SX_PROTO_HANDSHAKE_H

#include "base/addr.h"
#include "base/proto.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A user is 1 to 255 bytes, for HTTP without ":". A password is 0 to 255
 * bytes, never without a user; NULL is sent as an empty one. SOCKS4 sends the
 * user alone. */
struct sx_credentials {
	const char *user;     /* NULL: none; borrowed */
	const char *password; /* NULL: none; borrowed */
};

/*
 * How far the server may have gone, by what it has got in part at least: what
 * may be retried depends on it. A failure leaves the phase as it was, but for
 * one case: an answer which shows that the server did not take a request that
 * was sent ahead of it (it refuses method or credentials, does not speak the
 * protocol, or wants credentials for HTTP). Then the phase falls back to
 * CREDENTIALS, or to GREETING where none were sent. Silence and the end of
 * the connection show nothing.
 */
enum sx_phase {
	SX_PHASE_GREETING,    /* neither credentials nor destination */
	SX_PHASE_CREDENTIALS, /* user and password */
	SX_PHASE_REQUEST,     /* the destination: it may have been contacted */
	SX_PHASE_DONE,        /* the tunnel stands */
};

enum sx_handshake_result {
	SX_HANDSHAKE_DONE = 0,
	SX_HANDSHAKE_MORE = 1, /* feed more, or send what out() has */
};

/*
 * The largest message is HTTP's, with NAME:PORT of 259 bytes and Basic of
 * 684 (base64 of 255 + 1 + 255):
 *
 *	"CONNECT " 8 + 259 + " HTTP/1.1\r\n" 11 + "Host: " 6 + 259 + CRLF 2 +
 *	"Proxy-Authorization: Basic " 27 + 684 + CRLF 2 + CRLF 2 = 1260
 *
 * SOCKS5 pipelined: 3 + (3 + 255 + 255) + (4 + 1 + 253 + 2) = 776. SOCKS4A:
 * 8 + 255 + 1 + 253 + 1 = 518. The largest answer that is kept is the SOCKS5
 * reply with a name: 4 + 1 + 255 + 2 = 262 bytes.
 */
#define SX_HANDSHAKE_OUT_MAX  1260
#define SX_HANDSHAKE_IN_MAX   262
#define SX_HANDSHAKE_NEED_MAX 1024  /* that need() ever says */
#define SX_HANDSHAKE_HEAD_MAX 65536 /* of HTTP's answer, all heads together */

/* Why a handshake failed. */
struct sx_refusal {
	int error;           /* errno value for the application */
	bool by_destination; /* the server did its part; this is what it
				says of the destination */
	uint16_t code;       /* what said no: reply code, method, status of
				credentials or of HTTP, version, address
				type; else 0 */
	const char *text;    /* static; for the log */
};

/* What the server has told on the way; -1: not (yet). */
struct sx_told {
	int method; /* SOCKS5: the method it chose */
	int status; /* RFC 1929: 0 if it took the credentials */
	int reply;  /* to the request: reply code, or status of HTTP */
};

/* SOCKS5's request (RFC 1928 section 4). The destination of an association
 * is where its datagrams will come from: 0.0.0.0:0, not known. Several servers
 * drop every datagram after another one. */
enum sx_command {
	SX_COMMAND_CONNECT = 0x01,
	SX_COMMAND_UDP_ASSOCIATE = 0x03,
};

struct sx_handshake_options {
	enum sx_proto proto;
	enum sx_command command;           /* 0: CONNECT; of SOCKS5 alone */
	struct sx_credentials credentials; /* the strings are borrowed */
	const struct sx_dest *dest;        /* borrowed */
	/* SOCKS5: all in one message. It offers one method alone, 2 with a
	 * user, else 0. The other protocols are one message anyway. */
	bool pipeline;
	/* SOCKS5: offer method 2 alone, take no other. Without it a server
	 * that wants no credentials need not take them. */
	bool auth_required;
};

struct sx_handshake {
	/* private to lib/proto */
	const struct sx_handshake_ops *ops;
	struct sx_credentials credentials;
	const struct sx_dest *dest;
	bool pipeline, auth_required;
	uint8_t command; /* of SOCKS5's request, or one that is none */
	int state;       /* enum sx_state */
	enum sx_phase phase;
	bool in_doubt; /* sent pipelined, and no answer shows it was read so */
	uint8_t out[SX_HANDSHAKE_OUT_MAX];
	size_t out_len, out_sent;
	size_t credentials_at, request_at; /* in out, if pipelined */
	uint8_t in[SX_HANDSHAKE_IN_MAX];
	size_t in_len, in_need; /* have, and know to want, of this answer */
	size_t line_len;        /* HTTP: of the line that is being read */
	bool in_fields;         /* HTTP: behind the status line */
	/* readable at any time */
	struct sx_told told;
	/* readable after a failure */
	struct sx_refusal refusal;
};

/*
 * Starts a handshake for a CONNECT to the destination. What the options
 * borrow must outlive h; options need not. With a user, SOCKS5 step by step
 * offers the methods 0 and 2 (RFC 1928 section 3), without one only 0. An
 * IPv6 scope is not sent.
 *
 * 0, or, with h->refusal filled and nothing to send:
 * -EINVAL: user or password is empty, missing or too long in a way that
 *	struct sx_credentials does not allow; auth_required and no user; a
 *	name is empty, longer than SX_NAME_MAX, or has white space or control
 *	characters that HTTP cannot carry; an address has no family
 * -ENETUNREACH: SOCKS4 and SOCKS4A cannot carry IPv6, nor 0.0.0.1 to
 *	0.0.0.255, which in SOCKS4A say that a name follows
 * -EHOSTUNREACH: SOCKS4 cannot carry a name
 * by_destination is false for all of these: another server may do better.
 */
int sx_handshake_init(
	struct sx_handshake *h, const struct sx_handshake_options *options);

/* What a handshake under way borrows is at another place now, unchanged. */
void sx_handshake_moved(struct sx_handshake *h,
	struct sx_credentials credentials, const struct sx_dest *dest);

/* Whether the protocol can express the destination at all; if not, *why says
 * what sx_handshake_init() would. */
bool sx_handshake_carries(enum sx_proto proto, const struct sx_dest *dest,
	struct sx_refusal *why);

/* The bytes to send next: how many, 0 when an answer is awaited or all is
 * over. *bytes points into h and is good until the next sent(). */
size_t sx_handshake_out(const struct sx_handshake *h, const uint8_t **bytes);

/* n of them are sent; n <= what out() said. A message that is sent as a whole
 * is wiped from h. */
void sx_handshake_sent(struct sx_handshake *h, size_t n);

/* How many bytes may be read now: 1 to SX_HANDSHAKE_NEED_MAX while an answer
 * is awaited, never beyond the end of the handshake unless they are peeked
 * at; 0 while out() has bytes and when all is over. */
size_t sx_handshake_need(const struct sx_handshake *h);

/*
 * True: this protocol's answers end where they say so, and need() may reach
 * beyond. The caller reads with MSG_PEEK, feeds what it sees, and then takes
 * exactly *used bytes out of the socket with a second recv(). The same for
 * the whole life of h.
 */
bool sx_handshake_peek(const struct sx_handshake *h);

/*
 * Takes n received bytes; *used says how many belonged to the handshake
 * (all of them, if the caller asked for no more than need() and peek() is
 * false).
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

/* Everything is sent, and the answer to the request is the next one: the
 * server may need long for it, since it has to reach the destination. False
 * once all is over. A pipelined handshake is in SX_PHASE_REQUEST before. */
bool sx_handshake_awaits_reply(const struct sx_handshake *h);

/*
 * True: the handshake was sent pipelined and nothing that came back shows
 * that the server reads it so; the same server may do well step by step, on
 * another connection. For a caller that gives up, on failure or in silence:
 * what is known of this server's pipelining is to be forgotten. So it is
 * when the server
 * - stays silent before a byte of the reply, or closes before it has chosen a
 *   method (when it closes later it has read on: ssh -D does so for every
 *   destination that it cannot reach),
 * - answers something that is not SOCKS5, or
 * - refuses the one method that was offered where step by step would have
 *   offered another.
 * False once a reply, whatever its code, or refused credentials came, and
 * always for a handshake that is not pipelined.
 */
bool sx_handshake_pipeline_suspect(const struct sx_handshake *h);

/*
 * What the server's reply gives as BND.ADDR and BND.PORT (RFC 1928 section
 * 6), once SOCKS5 is DONE: where an association's datagrams go. ip->family is
 * 0 for a name, which nobody here would look up. False, and nothing is
 * written: there is no such reply.
 */
bool sx_handshake_bound(
	const struct sx_handshake *h, struct sx_ip *ip, uint16_t *port);

/* What is being said or waited for, for the log: "greeting", "credentials",
 * "request"; then "done" or "failed". */
const char *sx_handshake_step(const struct sx_handshake *h);

/* "socks5", "socks4", "socks4a", "http". */
const char *sx_proto_name(enum sx_proto proto);

#endif
