#include "proto/refusal.h"

#include <errno.h>

#define CODE(code) (code), (code)
#define ANY_CODE   0x0000, 0xffff
#define N_ROWS     (sizeof(rows) / sizeof(rows[0]))

enum destination {
	ANYWHERE,
	IPV6_ONLY,
};

enum origin {
	SERVER,
	DESTINATION,
};

/* First match wins; the last row of each cause takes any code. */
static const struct row {
	enum sx_cause cause;
	uint16_t lo, hi; /* codes, inclusive */
	enum destination to;
	int error;
	enum origin by;
	const char *text;
} rows[] = {
	/* RFC 1928 section 6 */
	{SX_CAUSE_SOCKS5_REPLY, CODE(0x01), ANYWHERE, ECONNREFUSED, DESTINATION,
		"general failure"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0x02), ANYWHERE, EACCES, DESTINATION,
		"not allowed by the server's rules"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0x03), ANYWHERE, ENETUNREACH, DESTINATION,
		"network unreachable"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0x04), ANYWHERE, EHOSTUNREACH, DESTINATION,
		"host unreachable or name unknown"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0x05), ANYWHERE, ECONNREFUSED, DESTINATION,
		"connection refused"},
	/* what servers say when their own connect() has timed out */
	{SX_CAUSE_SOCKS5_REPLY, CODE(0x06), ANYWHERE, ETIMEDOUT, DESTINATION,
		"the destination does not answer"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0x07), ANYWHERE, ECONNREFUSED, DESTINATION,
		"command not supported"},
	/* a program that has several addresses goes on with IPv4 */
	{SX_CAUSE_SOCKS5_REPLY, CODE(0x08), IPV6_ONLY, ENETUNREACH, DESTINATION,
		"IPv6 not supported"},
	/* hev says so of a name that is not found, dante of port 0 */
	{SX_CAUSE_SOCKS5_REPLY, CODE(0x08), ANYWHERE, EHOSTUNREACH, DESTINATION,
		"address type not supported"},
	/* Tor with ExtendedErrors: tor(1), proposal 304 */
	{SX_CAUSE_SOCKS5_REPLY, CODE(0xf0), ANYWHERE, EHOSTUNREACH, DESTINATION,
		"onion service descriptor not found"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0xf1), ANYWHERE, EHOSTUNREACH, DESTINATION,
		"onion service descriptor invalid"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0xf2), ANYWHERE, ECONNREFUSED, DESTINATION,
		"onion service introduction failed"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0xf3), ANYWHERE, ETIMEDOUT, DESTINATION,
		"onion service rendezvous failed"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0xf4), ANYWHERE, EACCES, DESTINATION,
		"onion service wants client authorization"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0xf5), ANYWHERE, EACCES, DESTINATION,
		"wrong client authorization for the onion service"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0xf6), ANYWHERE, EHOSTUNREACH, DESTINATION,
		"not a valid onion address"},
	{SX_CAUSE_SOCKS5_REPLY, CODE(0xf7), ANYWHERE, ETIMEDOUT, DESTINATION,
		"onion service introduction timed out"},
	{SX_CAUSE_SOCKS5_REPLY, ANY_CODE, ANYWHERE, ECONNREFUSED, DESTINATION,
		"unassigned reply code"},

	/* 92 and 93 speak of the user, not of the destination */
	{SX_CAUSE_SOCKS4_REPLY, CODE(91), ANYWHERE, ECONNREFUSED, DESTINATION,
		"request rejected or failed"},
	{SX_CAUSE_SOCKS4_REPLY, CODE(92), ANYWHERE, EACCES, SERVER,
		"the server finds no identd here"},
	{SX_CAUSE_SOCKS4_REPLY, CODE(93), ANYWHERE, EACCES, SERVER,
		"identd names another user"},
	{SX_CAUSE_SOCKS4_REPLY, ANY_CODE, ANYWHERE, EPROTO, SERVER,
		"not a SOCKS4 reply code"},

	/*
	 * RFC 9110 section 15, and what proxies make of it: squid says 503,
	 * tinyproxy 500, Apache 502 or 503 of a refused connection; RFC 9209
	 * section 2.3 has 502 for that and 504 for one that is not answered.
	 * SERVER: the request was not taken, another server may do better.
	 */
	{SX_CAUSE_HTTP_STATUS, 300, 399, ANYWHERE, EPROTO, SERVER,
		"the server redirects instead of connecting"},
	{SX_CAUSE_HTTP_STATUS, CODE(400), ANYWHERE, EPROTO, SERVER,
		"the server does not understand CONNECT"},
	{SX_CAUSE_HTTP_STATUS, CODE(401), ANYWHERE, EACCES, SERVER,
		"user and password missing or refused"},
	{SX_CAUSE_HTTP_STATUS, CODE(404), ANYWHERE, EHOSTUNREACH, DESTINATION,
		"name unknown"},
	{SX_CAUSE_HTTP_STATUS, CODE(405), ANYWHERE, EPROTO, SERVER,
		"the server does not allow CONNECT"},
	{SX_CAUSE_HTTP_STATUS, CODE(407), ANYWHERE, EACCES, SERVER,
		"user and password missing or refused"},
	{SX_CAUSE_HTTP_STATUS, CODE(408), ANYWHERE, ETIMEDOUT, SERVER,
		"the server did not get the request in time"},
	{SX_CAUSE_HTTP_STATUS, CODE(429), ANYWHERE, ECONNREFUSED, SERVER,
		"too many requests for the server"},
	{SX_CAUSE_HTTP_STATUS, 400, 499, ANYWHERE, EACCES, DESTINATION,
		"not allowed by the server's rules"},
	{SX_CAUSE_HTTP_STATUS, CODE(501), ANYWHERE, EPROTO, SERVER,
		"the server does not know CONNECT"},
	{SX_CAUSE_HTTP_STATUS, CODE(504), ANYWHERE, ETIMEDOUT, DESTINATION,
		"the destination does not answer"},
	{SX_CAUSE_HTTP_STATUS, CODE(505), ANYWHERE, EPROTO, SERVER,
		"the server does not speak HTTP/1.1"},
	{SX_CAUSE_HTTP_STATUS, 500, 599, ANYWHERE, ECONNREFUSED, DESTINATION,
		"the server could not connect"},
	{SX_CAUSE_HTTP_STATUS, ANY_CODE, ANYWHERE, EPROTO, SERVER,
		"not a status of HTTP"},
	{SX_CAUSE_HTTP_FORM, CODE(0x00), ANYWHERE, EPROTO, SERVER,
		"the server may speak SOCKS4"},
	{SX_CAUSE_HTTP_FORM, CODE(0x05), ANYWHERE, EPROTO, SERVER,
		"the server may speak SOCKS5"},
	{SX_CAUSE_HTTP_FORM, ANY_CODE, ANYWHERE, EPROTO, SERVER,
		"the server does not speak HTTP/1"},
	{SX_CAUSE_HTTP_HEAD, ANY_CODE, ANYWHERE, EPROTO, SERVER,
		"the head of the server's answer is over 64 KiB"},

	/* RFC 1928 section 3 */
	{SX_CAUSE_METHOD, CODE(0x00), ANYWHERE, EACCES, SERVER,
		"the server takes no user and password, which are required"},
	{SX_CAUSE_METHOD, CODE(0x01), ANYWHERE, EACCES, SERVER,
		"the server wants GSSAPI"},
	{SX_CAUSE_METHOD, CODE(0x02), ANYWHERE, EACCES, SERVER,
		"the server wants a user and password"},
	{SX_CAUSE_METHOD, CODE(0xff), ANYWHERE, EACCES, SERVER,
		"the server accepts no offered authentication method"},
	{SX_CAUSE_METHOD, ANY_CODE, ANYWHERE, EACCES, SERVER,
		"the server chose a method that was not offered"},

	/* 3proxy and pproxy say so where 2 alone is offered */
	{SX_CAUSE_METHOD_UNPIPELINED, ANY_CODE, ANYWHERE, EPROTO, SERVER,
		"the server wants no user and password, which were sent "
		"together with the greeting"},

	/* RFC 1929 section 2 */
	{SX_CAUSE_STATUS, ANY_CODE, ANYWHERE, EACCES, SERVER,
		"user or password refused"},

	/* microsocks, hev and an npm server answer 05 ff to SOCKS4 */
	{SX_CAUSE_VERSION, CODE(0x00), ANYWHERE, EPROTO, SERVER,
		"the server may speak SOCKS4"},
	{SX_CAUSE_VERSION, CODE(0x04), ANYWHERE, EPROTO, SERVER,
		"the server may speak SOCKS4"},
	{SX_CAUSE_VERSION, CODE(0x05), ANYWHERE, EPROTO, SERVER,
		"the server may speak SOCKS5"},
	{SX_CAUSE_VERSION, CODE('H'), ANYWHERE, EPROTO, SERVER,
		"the server may speak HTTP"},
	{SX_CAUSE_VERSION, ANY_CODE, ANYWHERE, EPROTO, SERVER,
		"the server does not speak SOCKS"},
	{SX_CAUSE_ADDRESS_TYPE, ANY_CODE, ANYWHERE, EPROTO, SERVER,
		"unknown address type in the reply"},

	{SX_CAUSE_EOF_BEFORE_REQUEST, ANY_CODE, ANYWHERE, ECONNRESET, SERVER,
		"the server closed the connection before the request"},
	{SX_CAUSE_EOF_CREDENTIALS, ANY_CODE, ANYWHERE, EACCES, SERVER,
		"the server closed the connection after the credentials"},
	/* all that ssh -D ever says of a failure */
	{SX_CAUSE_EOF_REQUEST, ANY_CODE, ANYWHERE, ECONNREFUSED, DESTINATION,
		"the server closed the connection without a reply"},
	{SX_CAUSE_EOF_REPLY, ANY_CODE, ANYWHERE, EPROTO, SERVER,
		"the server closed the connection within the reply"},
	/* trojan says so to all that comes in one segment */
	{SX_CAUSE_EOF_PIPELINED, ANY_CODE, ANYWHERE, ECONNRESET, SERVER,
		"the server closed the connection on a pipelined handshake"},

	{SX_CAUSE_BAD_CREDENTIALS, ANY_CODE, ANYWHERE, EINVAL, SERVER,
		"user empty or missing, or user or password over 255 bytes"},
	{SX_CAUSE_BAD_DESTINATION, ANY_CODE, ANYWHERE, EINVAL, SERVER,
		"name empty or over 253 bytes, or address of no family"},
	{SX_CAUSE_SOCKS4_NAME, ANY_CODE, ANYWHERE, EHOSTUNREACH, SERVER,
		"SOCKS4 cannot carry names: use socks4a or socks5"},
	{SX_CAUSE_SOCKS4_IPV6, ANY_CODE, ANYWHERE, ENETUNREACH, SERVER,
		"SOCKS4 cannot carry IPv6: use socks5"},
	{SX_CAUSE_SOCKS4_THIS_NETWORK, ANY_CODE, ANYWHERE, ENETUNREACH, SERVER,
		"SOCKS4 cannot carry 0.0.0.1 to 0.0.0.255: use socks5"},
	{SX_CAUSE_NO_CREDENTIALS, ANY_CODE, ANYWHERE, EINVAL, SERVER,
		"authentication is required, but there is no user"},
	{SX_CAUSE_HTTP_USER, ANY_CODE, ANYWHERE, EINVAL, SERVER,
		"HTTP cannot carry a user with a colon"},
	{SX_CAUSE_HTTP_NAME, ANY_CODE, ANYWHERE, EINVAL, SERVER,
		"HTTP cannot carry a name with white space or control "
		"characters"},
};

static bool matches(const struct row *row, enum sx_cause cause, uint16_t code,
	const struct sx_dest *dest)
{
	bool ipv6 = dest->kind == SX_DEST_IP && dest->ip.family == AF_INET6;

	return row->cause == cause && row->lo <= code && code <= row->hi &&
	       (row->to == ANYWHERE || ipv6);
}

struct sx_refusal sx_refusal_of(
	enum sx_cause cause, uint16_t code, const struct sx_dest *dest)
{
	struct sx_refusal refusal = {
		.error = EPROTO, .code = code, .text = "unknown cause"};

	for (size_t i = 0; i < N_ROWS; i++) {
		if (!matches(&rows[i], cause, code, dest))
			continue;
		refusal.error = rows[i].error;
		refusal.by_destination = rows[i].by == DESTINATION;
		refusal.text = rows[i].text;
		break;
	}
	return refusal;
}
