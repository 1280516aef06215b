/*
 * From what a server says, or fails to say, to the errno value that the
 * application sees. One table in refusal.c is the whole mapping.
 */
#ifndef SX_PROTO_REFUSAL_H
#define SX_PROTO_REFUSAL_H

#include "proto/handshake.h"

enum sx_cause {
	/* told by the server; the code is the byte that says no */
	SX_CAUSE_VERSION,      /* first byte of an answer */
	SX_CAUSE_METHOD,       /* RFC 1928 section 3 */
	SX_CAUSE_STATUS,       /* RFC 1929 section 2 */
	SX_CAUSE_SOCKS5_REPLY, /* RFC 1928 section 6 */
	SX_CAUSE_SOCKS4_REPLY,
	SX_CAUSE_ADDRESS_TYPE,       /* of a reply that says success */
	SX_CAUSE_METHOD_UNPIPELINED, /* none, credentials are sent already */
	SX_CAUSE_HTTP_STATUS,        /* other than 1xx and 2xx */
	SX_CAUSE_HTTP_FORM,          /* the byte that is not HTTP/1 */
	SX_CAUSE_HTTP_HEAD,          /* does not end */

	/* the server closed or reset the connection */
	SX_CAUSE_EOF_BEFORE_REQUEST,
	SX_CAUSE_EOF_CREDENTIALS, /* instead of the status */
	SX_CAUSE_EOF_REQUEST,     /* instead of the reply */
	SX_CAUSE_EOF_REPLY,       /* in the middle of it, no code told */
	SX_CAUSE_EOF_PIPELINED,   /* instead of any answer, all being sent */

	/* found before anything is sent */
	SX_CAUSE_BAD_CREDENTIALS,
	SX_CAUSE_BAD_DESTINATION,
	SX_CAUSE_SOCKS4_NAME,
	SX_CAUSE_SOCKS4_IPV6,
	SX_CAUSE_SOCKS4_THIS_NETWORK,
	SX_CAUSE_NO_CREDENTIALS,
	SX_CAUSE_HTTP_USER,
	SX_CAUSE_HTTP_NAME,
	SX_N_CAUSES
};

/* code: 0 where the cause has none. dest: where the request goes. */
struct sx_refusal sx_refusal_of(
	enum sx_cause cause, uint16_t code, const struct sx_dest *dest);

#endif
