#include "proto/udphdr.h"

#include "base/bytes.h"
#include "proto/socksaddr.h"

#include <assert.h>
#include <string.h>

/*
 * RFC 1928 section 7:
 *
 *	+-----+------+------+----------+----------+----------+
 *	| RSV | FRAG | ATYP | DST.ADDR | DST.PORT |   DATA   |
 *	+-----+------+------+----------+----------+----------+
 *	|  2  |  1   |  1   | Variable |    2     | Variable |
 *	+-----+------+------+----------+----------+----------+
 */
static_assert(SX_UDPHDR_MAX == 2 + 1 + SX_SOCKSADDR_MAX, "the longest");

static bool can_be_written(const struct sx_dest *dest)
{
	size_t n = strnlen(dest->name, sizeof(dest->name));

	if (dest->kind == SX_DEST_NAME)
		return n > 0 && n <= SX_NAME_MAX;
	return dest->ip.family == AF_INET || dest->ip.family == AF_INET6;
}

size_t sx_udphdr_encode(uint8_t out[SX_UDPHDR_MAX], const struct sx_dest *dest)
{
	struct sx_writer w = {.buf = out, .cap = SX_UDPHDR_MAX};

	if (!can_be_written(dest))
		return 0;
	sx_put_u16(&w, 0); /* some servers drop what has another RSV */
	sx_put_u8(&w, 0);
	sx_socksaddr_put(&w, dest);
	return w.len;
}

enum sx_udphdr_result sx_udphdr_decode(
	const uint8_t *bytes, size_t n, struct sx_dest *from, size_t *len)
{
	struct sx_reader r = {.buf = bytes, .len = n};

	*len = 0;
	sx_get_u16(&r);
	if (sx_get_u8(&r) != 0)
		return SX_UDPHDR_FRAGMENT;
	bool known = sx_socksaddr_get(&r, from);
	if (r.failed)
		return SX_UDPHDR_SHORT;
	if (!known)
		return SX_UDPHDR_ADDRESS;
	from->transport = SX_TRANSPORT_UDP;
	*len = r.pos;
	return SX_UDPHDR_OK;
}
