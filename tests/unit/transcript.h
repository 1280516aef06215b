/*
 * Handshakes as tables of bytes, and the driver that plays them.
 */
#ifndef SX_TESTS_TRANSCRIPT_H
#define SX_TESTS_TRANSCRIPT_H

#include "proto/handshake.h"

#include <stdbool.h>

#define N_TURNS_MAX 3

struct bytes {
	const uint8_t *at;
	size_t n;
};

/* clang-format off */
#define BYTES(...) \
	{(const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})}
#define TEXT(text) {(const uint8_t *)(text), sizeof(text) - 1}
/* clang-format on */

/* A message of the client and what the server answers. */
struct turn {
	struct bytes out, in;
};

struct transcript {
	enum sx_proto proto;
	struct sx_credentials credentials;
	const struct sx_dest *dest; /* NULL: to_name */
	bool pipeline, auth_required;
	struct turn turns[N_TURNS_MAX]; /* up to the first without out */
	bool eof;                       /* behind the last byte */
	/* what comes of it, at the last byte and not before; 0: a tunnel */
	int error;
	size_t told; /* the error comes with this byte of the last answer */
	bool by_destination;
	uint16_t code;
	enum sx_phase phase; /* of a failure */
	bool suspect;        /* its pipelining, when it is over */
};

/* Port 258, 0x0102: the order of its bytes shows. */
extern const struct sx_dest to_name; /* "example.org" */
extern const struct sx_dest to_ipv4; /* 192.0.2.1 */
extern const struct sx_dest to_ipv6; /* 2001:db8::1, with a scope */

/* What they look like in SOCKS5 requests and in SOCKS4's. */
/* clang-format off */
#define REQUEST_NAME_BYTES \
	5, 1, 0, 3, 11, 'e', 'x', 'a', 'm', 'p', 'l', 'e', '.', 'o', 'r', \
	'g', 1, 2
#define ALICE_BYTES \
	1, 5, 'a', 'l', 'i', 'c', 'e', 6, 's', 'e', 'c', 'r', 'e', 't'
/* clang-format on */
#define REQUEST_NAME BYTES(REQUEST_NAME_BYTES)
#define REQUEST_IPV4 BYTES(5, 1, 0, 1, 192, 0, 2, 1, 1, 2)
#define REQUEST_IPV6                                                           \
	BYTES(5, 1, 0, 4, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0,   \
		0, 0, 1, 1, 2)
#define REQUEST_SOCKS4 BYTES(4, 1, 1, 2, 192, 0, 2, 1, 0)

/* SOCKS5 without credentials, up to the request. */
#define GREETED                                                                \
	{                                                                      \
		BYTES(5, 1, 0), BYTES(5, 0)                                    \
	}
/* SOCKS5 with them, up to the credentials. */
#define OFFERED                                                                \
	{                                                                      \
		BYTES(5, 2, 0, 2), BYTES(5, 2)                                 \
	}
#define ALICE                                                                  \
	{                                                                      \
		"alice", "secret"                                              \
	}
#define ALICE_SENT BYTES(ALICE_BYTES)

#define REPLY_OK_BYTES 5, 0, 0, 1, 0, 0, 0, 0, 0, 0
#define REPLY_OK       BYTES(REPLY_OK_BYTES)

/* SOCKS5 in one message, without credentials and with them. */
#define PIPELINED       BYTES(5, 1, 0, REQUEST_NAME_BYTES)
#define PIPELINED_ALICE BYTES(5, 1, 2, ALICE_BYTES, REQUEST_NAME_BYTES)

/* HTTP: the request for to_name, without the empty line, and with Basic
 * credentials as the whole message. */
#define HTTP_CONNECT(authority)                                                \
	"CONNECT " authority " HTTP/1.1\r\nHost: " authority "\r\n"
#define HTTP_TO_NAME HTTP_CONNECT("example.org:258")
#define HTTP_BASIC   "Proxy-Authorization: Basic "
#define HTTP_WITH(basic)                                                       \
	(struct bytes) TEXT(HTTP_TO_NAME HTTP_BASIC basic "\r\n\r\n")
#define HTTP_OK "HTTP/1.1 200 OK\r\n\r\n"

/*
 * Plays t: whole, byte by byte, cut in two at each byte, and with bytes of
 * the application behind each answer; as a caller who minds need() and as one
 * who does not. Fails the test where anything differs from t.
 */
void play(const struct transcript *t);

#endif
