/*
 * SOCKS4, and SOCKS4A, which carries names. One message, one reply.
 */
#ifndef SX_PROTO_SOCKS4_H
#define SX_PROTO_SOCKS4_H

#include "proto/machine.h"

extern const struct sx_handshake_ops sx_socks4_ops;
extern const struct sx_handshake_ops sx_socks4a_ops;

#endif
