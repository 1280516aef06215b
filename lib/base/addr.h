/*
 * Addresses, names and destinations as plain data.
 *
 * An IPv4 address mapped into IPv6 (::ffff:a.b.c.d) is always unwrapped to
 * the IPv4 address it means. Ports are in host order. Nothing here resolves.
 */
#ifndef SX_BASE_ADDR_H
#define SX_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SX_DNS_PORT    53
#define SX_NAME_MAX    253               /* RFC 1035: 255 octets on the wire */
#define SX_DEST_STRLEN (SX_NAME_MAX + 9) /* "[", "]", ":65535", NUL */

struct sx_ip {
	sa_family_t family; /* AF_INET or AF_INET6 */
	uint8_t bytes[16];  /* network order; 4 are used for AF_INET */
	uint32_t scope;     /* interface of a link-local address, else 0 */
};

enum sx_transport {
	SX_TRANSPORT_TCP,
	SX_TRANSPORT_UDP, /* and everything else that is not TCP */
};

/* Where an application wants to go. */
struct sx_dest {
	enum sx_transport transport;
	enum sx_dest_kind {
		SX_DEST_IP,
		SX_DEST_NAME,
	} kind;
	uint16_t port;
	struct sx_ip ip;            /* for SX_DEST_IP */
	char name[SX_NAME_MAX + 1]; /* for SX_DEST_NAME, as normalised */
};

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]". 0, or -EINVAL. */
int sx_ip_parse(const char *text, struct sx_ip *out);

/* The text form; buf of INET6_ADDRSTRLEN bytes is always enough. */
const char *sx_ip_format(const struct sx_ip *ip, char *buf, size_t n);

bool sx_ip_equal(const struct sx_ip *a, const struct sx_ip *b);
bool sx_ip_is_loopback(const struct sx_ip *ip);  /* 127/8, ::1 */
bool sx_ip_is_any(const struct sx_ip *ip);       /* 0.0.0.0, :: */
struct sx_ip sx_ip_loopback(sa_family_t family); /* 127.0.0.1, ::1 */

static inline size_t sx_ip_len(const struct sx_ip *ip)
{
	return ip->family == AF_INET ? 4 : 16;
}

/* The family of an address of len bytes, which need not be aligned;
 * AF_UNSPEC when it is too short to have one. */
sa_family_t sx_sockaddr_family(const void *sa, socklen_t len);

/*
 * Reads an AF_INET or AF_INET6 address of len bytes, which need not be
 * aligned. 0; -EAFNOSUPPORT for another family; -EINVAL when len is too
 * short for the family. port may be NULL.
 */
int sx_ip_from_sockaddr(
	const void *sa, socklen_t len, struct sx_ip *ip, uint16_t *port);

/*
 * Writes ip and port as the sockaddr a socket of the given family needs: an
 * IPv4 address becomes v4-mapped for AF_INET6. Returns its length, or 0 when
 * an AF_INET socket cannot reach an IPv6 address; out is untouched then.
 */
socklen_t sx_ip_to_sockaddr(const struct sx_ip *ip, uint16_t port,
	sa_family_t family, struct sockaddr_storage *out);

/*
 * The form of a host name that is compared, stored and sent: lower case
 * ASCII, without the trailing dot. 0; -EINVAL for an empty name or label, a
 * label over 63 or a name over SX_NAME_MAX bytes, a byte other than letters,
 * digits, "-" and "_", or a "-" at the start (as libc's resolver judges).
 */
int sx_name_normalize(const char *name, char out[SX_NAME_MAX + 1]);

/* Copies a normalised name. */
void sx_name_copy(char out[SX_NAME_MAX + 1], const char *name);

/* "name:80", "192.0.2.1:80", "[2001:db8::1]:80"; cut if n is too small. */
const char *sx_dest_format(const struct sx_dest *dest, char *buf, size_t n);

#endif
