/*
 * HTTP CONNECT (RFC 9110 section 9.3.6, RFC 9112) with Basic credentials
 * (RFC 7617): one message, and a head of unknown length for an answer, which
 * is therefore peeked at.
 */
#ifndef SX_PROTO_HTTP_H
#define SX_PROTO_HTTP_H

#include "proto/machine.h"

extern const struct sx_handshake_ops sx_http_ops;

#endif
