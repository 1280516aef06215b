/*
 * Address prefixes (RFC 4632, RFC 4291 section 2.3) and port ranges.
 */
#ifndef SX_BASE_CIDR_H
#define SX_BASE_CIDR_H

#include "base/addr.h"

struct sx_cidr {
	struct sx_ip ip; /* host bits are zero */
	unsigned len;    /* 0..32 or 0..128 */
};

struct sx_ports {
	uint16_t lo, hi; /* inclusive */
};

#define SX_PORTS_ALL ((struct sx_ports){0, 65535})

/*
 * "10.0.0.0/8", "192.0.2.1" (a /32), "2001:db8::/32", "[2001:db8::]/32".
 * 0, or -EINVAL; host bits that are set are cleared. A prefix inside
 * ::ffff:0:0/96 becomes the IPv4 prefix it means.
 */
int sx_cidr_parse(const char *text, struct sx_cidr *out);

/* Clears all but the first len bits. */
void sx_ip_mask(struct sx_ip *ip, unsigned len);

bool sx_cidr_contains(const struct sx_cidr *cidr, const struct sx_ip *ip);

/* "25", "8000-8100"; 0, or -EINVAL for anything else or an empty range. */
int sx_ports_parse(const char *text, struct sx_ports *out);

#endif
