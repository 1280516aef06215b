/*
 * SOCKS5 (RFC 1928) with user and password (RFC 1929): step by step, where
 * each message waits for the answer to the one before, or pipelined, where
 * all go out at once.
 */
#ifndef SX_PROTO_SOCKS5_H
#define SX_PROTO_SOCKS5_H

#include "proto/machine.h"

extern const struct sx_handshake_ops sx_socks5_ops;

/* sx_handshake_bound() */
bool sx_socks5_bound(
	const struct sx_handshake *h, struct sx_ip *ip, uint16_t *port);

#endif
