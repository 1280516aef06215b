#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_v4(struct sx_ip *ip, const void *bytes)
{
	memset(ip, 0, sizeof(*ip));
	ip->family = AF_INET;
	memcpy(ip->bytes, bytes, 4);
}

/* fe80::/10, and ff02::/16 with any flags. */
static bool is_link_local(const uint8_t *bytes)
{
	if (bytes[0] == 0xff)
		return (bytes[1] & 0x0f) == 0x02;
	return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

/* The kernel ignores the scope of other addresses, so programs leave there
 * what they please; kept, it would make equal addresses differ. */
static void set_v6(struct sx_ip *ip, const uint8_t *bytes, uint32_t scope)
{
	if (memcmp(bytes, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		set_v4(ip, bytes + sizeof(mapped_prefix));
		return;
	}
	ip->family = AF_INET6;
	ip->scope = is_link_local(bytes) ? scope : 0;
	memcpy(ip->bytes, bytes, 16);
}

int sx_ip_parse(const char *text, struct sx_ip *out)
{
	char plain[INET6_ADDRSTRLEN];
	uint8_t bytes[16];
	size_t n = strlen(text);

	if (inet_pton(AF_INET, text, bytes) == 1) {
		set_v4(out, bytes);
		return 0;
	}
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= sizeof(plain))
		return -EINVAL;
	memcpy(plain, text, n);
	plain[n] = '\0';
	if (inet_pton(AF_INET6, plain, bytes) != 1)
		return -EINVAL;
	set_v6(out, bytes, 0);
	return 0;
}

const char *sx_ip_format(const struct sx_ip *ip, char *buf, size_t n)
{
	if (!inet_ntop(ip->family, ip->bytes, buf, (socklen_t)n) && n)
		buf[0] = '\0';
	return buf;
}

bool sx_ip_equal(const struct sx_ip *a, const struct sx_ip *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       memcmp(a->bytes, b->bytes, sx_ip_len(a)) == 0;
}

bool sx_ip_is_loopback(const struct sx_ip *ip)
{
	if (ip->family == AF_INET)
		return ip->bytes[0] == 127;
	return memcmp(ip->bytes, &in6addr_loopback, 16) == 0;
}

struct sx_ip sx_ip_loopback(sa_family_t family)
{
	struct sx_ip ip;

	sx_ip_parse(family == AF_INET ? "127.0.0.1" : "::1", &ip);
	return ip;
}

bool sx_ip_is_any(const struct sx_ip *ip)
{
	return memcmp(ip->bytes, &in6addr_any, sx_ip_len(ip)) == 0;
}

sa_family_t sx_sockaddr_family(const void *sa, socklen_t len)
{
	sa_family_t family = AF_UNSPEC;

	if (len >= sizeof(family))
		memcpy(&family, sa, sizeof(family));
	return family;
}

int sx_ip_from_sockaddr(
	const void *sa, socklen_t len, struct sx_ip *ip, uint16_t *port)
{
	sa_family_t family = sx_sockaddr_family(sa, len);
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (family == AF_INET) {
		if (len < sizeof(in))
			return -EINVAL;
		memcpy(&in, sa, sizeof(in));
		set_v4(ip, &in.sin_addr);
		if (port)
			*port = ntohs(in.sin_port);
		return 0;
	}
	if (family != AF_INET6)
		return len < sizeof(family) ? -EINVAL : -EAFNOSUPPORT;
	/* RFC 2133 had no sin6_scope_id: Linux takes the shorter form too */
	if (len < offsetof(struct sockaddr_in6, sin6_scope_id))
		return -EINVAL;
	memset(&in6, 0, sizeof(in6));
	memcpy(&in6, sa, len < sizeof(in6) ? len : sizeof(in6));
	set_v6(ip, in6.sin6_addr.s6_addr, in6.sin6_scope_id);
	if (port)
		*port = ntohs(in6.sin6_port);
	return 0;
}

static socklen_t to_in6(
	const struct sx_ip *ip, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	in6.sin6_port = htons(port);
	if (ip->family == AF_INET) {
		memcpy(in6.sin6_addr.s6_addr, mapped_prefix,
			sizeof(mapped_prefix));
		memcpy(in6.sin6_addr.s6_addr + 12, ip->bytes, 4);
	} else {
		memcpy(in6.sin6_addr.s6_addr, ip->bytes, 16);
		in6.sin6_scope_id = ip->scope;
	}
	memcpy(out, &in6, sizeof(in6));
	return sizeof(in6);
}

socklen_t sx_ip_to_sockaddr(const struct sx_ip *ip, uint16_t port,
	sa_family_t family, struct sockaddr_storage *out)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	if (family == AF_INET6)
		return to_in6(ip, port, out);
	if (ip->family != AF_INET)
		return 0;
	in.sin_port = htons(port);
	memcpy(&in.sin_addr, ip->bytes, 4);
	memcpy(out, &in, sizeof(in));
	return sizeof(in);
}

static bool is_name_byte(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

int sx_name_normalize(const char *name, char out[SX_NAME_MAX + 1])
{
	size_t n = strnlen(name, SX_NAME_MAX + 2), label = 0;

	if (n && name[n - 1] == '.')
		n--;
	if (n == 0 || n > SX_NAME_MAX || name[0] == '-')
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i];
		if (c == '.' ? label == 0 : !is_name_byte(c))
			return -EINVAL;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return -EINVAL;
		out[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : (char)c;
	}
	if (label == 0)
		return -EINVAL;
	out[n] = '\0';
	return 0;
}

void sx_name_copy(char out[SX_NAME_MAX + 1], const char *name)
{
	size_t n = strnlen(name, SX_NAME_MAX);

	memcpy(out, name, n);
	out[n] = '\0';
}

const char *sx_dest_format(const struct sx_dest *dest, char *buf, size_t n)
{
	char ip[INET6_ADDRSTRLEN];

	if (dest->kind == SX_DEST_NAME) {
		snprintf(buf, n, "%s:%u", dest->name, dest->port);
		return buf;
	}
	sx_ip_format(&dest->ip, ip, sizeof(ip));
	snprintf(buf, n, dest->ip.family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip,
		dest->port);
	return buf;
}
