/*
 * SOCKS5's way to write an address and port (RFC 1928 section 5), which its
 * requests, its replies and the header of its datagrams share. For lib/proto
 * alone.
 *
 *	+------+----------+------+
 *	| ATYP |   ADDR   | PORT |
 *	+------+----------+------+
 *	|  1   | Variable |  2   |
 *	+------+----------+------+
 */
#ifndef SX_PROTO_SOCKSADDR_H
#define SX_PROTO_SOCKSADDR_H

#include "base/addr.h"
#include "base/bytes.h"

enum sx_atyp {
	SX_ATYP_IPV4 = 0x01,
	SX_ATYP_NAME = 0x03,
	SX_ATYP_IPV6 = 0x04,
};

#define SX_SOCKSADDR_NAME_MAX 255 /* that its length byte can say */

/* ATYP, the length of a name, the name, the port. */
#define SX_SOCKSADDR_MAX (1 + 1 + SX_SOCKSADDR_NAME_MAX + 2)

/* dest is a name of 1 to SX_NAME_MAX bytes, or an address of a family. An
 * IPv6 scope is not written. */
void sx_socksaddr_put(struct sx_writer *w, const struct sx_dest *dest);

/*
 * Reads one into *out, whose transport is left 0. A name is normalised; one
 * that is numeric becomes the address that it means, and one that no host can
 * have (empty, over SX_NAME_MAX bytes, other characters) the name "", which
 * is equal to none. False for an unknown type of address, and when bytes are
 * missing: then the reader has failed.
 */
bool sx_socksaddr_get(struct sx_reader *r, struct sx_dest *out);

#endif
