/*
 * The protocols that a proxy server can be spoken to in.
 */
#ifndef SX_BASE_PROTO_H
#define SX_BASE_PROTO_H

enum sx_proto {
	SX_PROTO_SOCKS5,
	SX_PROTO_SOCKS4,
	SX_PROTO_SOCKS4A,
	SX_PROTO_HTTP, /* CONNECT */
	SX_N_PROTOS
};

/* RFC 1929: one length byte each, 1 to 255. SOCKS4 has the user alone; HTTP
 * has no limit of its own and is held to this one. */
#define SX_CREDENTIAL_MAX 255

#endif
