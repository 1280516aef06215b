#include "proto/socksaddr.h"

#include <assert.h>
#include <string.h>

static_assert(SX_NAME_MAX <= SX_SOCKSADDR_NAME_MAX, "names fit");

static void put_name(struct sx_writer *w, const char *name)
{
	size_t n = strlen(name);

	sx_put_u8(w, SX_ATYP_NAME);
	sx_put_u8(w, (uint8_t)n);
	sx_put(w, name, n);
}

static void put_ip(struct sx_writer *w, const struct sx_ip *ip)
{
	sx_put_u8(w, ip->family == AF_INET ? SX_ATYP_IPV4 : SX_ATYP_IPV6);
	sx_put(w, ip->bytes, sx_ip_len(ip));
}

void sx_socksaddr_put(struct sx_writer *w, const struct sx_dest *dest)
{
	if (dest->kind == SX_DEST_NAME)
		put_name(w, dest->name);
	else
		put_ip(w, &dest->ip);
	sx_put_u16(w, dest->port);
}

static void get_ipv4(struct sx_reader *r, struct sx_ip *ip)
{
	ip->family = AF_INET;
	sx_get(r, ip->bytes, 4);
}

/* An IPv4 address in the form of IPv6 is unwrapped. */
static void get_ipv6(struct sx_reader *r, struct sx_ip *ip)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	sx_get(r, in6.sin6_addr.s6_addr, 16);
	sx_ip_from_sockaddr(&in6, sizeof(in6), ip, NULL);
}

static void get_name(struct sx_reader *r, struct sx_dest *out)
{
	char text[SX_SOCKSADDR_NAME_MAX + 1] = "";
	size_t n = sx_get_u8(r);

	sx_get(r, text, n);
	if (strlen(text) == n && sx_ip_parse(text, &out->ip) == 0)
		return;
	out->kind = SX_DEST_NAME;
	if (strlen(text) != n || sx_name_normalize(text, out->name))
		out->name[0] = '\0';
}

bool sx_socksaddr_get(struct sx_reader *r, struct sx_dest *out)
{
	memset(out, 0, sizeof(*out));
	switch (sx_get_u8(r)) {
	case SX_ATYP_IPV4:
		get_ipv4(r, &out->ip);
		break;
	case SX_ATYP_IPV6:
		get_ipv6(r, &out->ip);
		break;
	case SX_ATYP_NAME:
		get_name(r, out);
		break;
	default:
		return false;
	}
	out->port = sx_get_u16(r);
	return !r->failed;
}
