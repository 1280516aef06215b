/*
 * The header in front of each datagram between us and a SOCKS5 relay (RFC
 * 1928 section 7): where it is to go, or where it came from. Pure: bytes in,
 * bytes out. [any thread] [signal-safe] [after fork]
 */
#ifndef SX_PROTO_UDPHDR_H
#define SX_PROTO_UDPHDR_H

#include "base/addr.h"

/* RSV 2 + FRAG 1 + ATYP 1 + a name's length 1 + the name 255 + port 2. A
 * header of ours has a name of at most SX_NAME_MAX bytes, 260 in all; IPv4
 * takes 10, IPv6 22. */
#define SX_UDPHDR_MAX 262

/* Writes the header of a datagram for dest and returns its length. 0: a name
 * that is empty or too long, or an address of no family. */
size_t sx_udphdr_encode(uint8_t out[SX_UDPHDR_MAX], const struct sx_dest *dest);

enum sx_udphdr_result {
	SX_UDPHDR_OK = 0,
	SX_UDPHDR_SHORT,    /* it ends within the header */
	SX_UDPHDR_FRAGMENT, /* of a larger one: RFC 1928 lets us drop it */
	SX_UDPHDR_ADDRESS,  /* unknown type of address */
};

/*
 * Reads the header of a datagram of n bytes; the first SX_UDPHDR_MAX suffice.
 * *from is its source, as SX_TRANSPORT_UDP: a server that was sent to a name
 * may say the name or the address, and a name that no host can have is "".
 * *len is the length of the header, where the payload begins; 0 unless OK.
 * The reserved bytes are not looked at.
 */
enum sx_udphdr_result sx_udphdr_decode(
	const uint8_t *bytes, size_t n, struct sx_dest *from, size_t *len);

#endif
