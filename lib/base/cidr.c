#include "base/cidr.h"

#include <errno.h>
#include <string.h>

/* Digits alone: strtoul() would take signs and white space as well. */
static int parse_uint(const char *s, size_t n, unsigned max, unsigned *out)
{
	unsigned v = 0;

	if (n == 0 || n > 5)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		v = v * 10 + (unsigned)(s[i] - '0');
	}
	if (v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

void sx_ip_mask(struct sx_ip *ip, unsigned len)
{
	for (unsigned i = 0; i < sx_ip_len(ip); i++) {
		unsigned keep = len <= i * 8 ? 0 : len - i * 8;
		if (keep < 8)
			ip->bytes[i] &= (uint8_t)(0xff00 >> keep);
	}
}

int sx_cidr_parse(const char *text, struct sx_cidr *out)
{
	char host[INET6_ADDRSTRLEN + 2];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	bool typed_v6 = memchr(text, ':', n) != NULL;
	unsigned len = typed_v6 ? 128 : 32;

	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (sx_ip_parse(host, &out->ip))
		return -EINVAL;
	if (slash && parse_uint(slash + 1, strlen(slash + 1), len, &len))
		return -EINVAL;
	if (typed_v6 && out->ip.family == AF_INET) {
		if (len < 96)
			return -EINVAL;
		len -= 96;
	}
	out->len = len;
	sx_ip_mask(&out->ip, len);
	return 0;
}

bool sx_cidr_contains(const struct sx_cidr *cidr, const struct sx_ip *ip)
{
	struct sx_ip masked = *ip;

	if (ip->family != cidr->ip.family)
		return false;
	sx_ip_mask(&masked, cidr->len);
	return memcmp(masked.bytes, cidr->ip.bytes, sx_ip_len(ip)) == 0;
}

int sx_ports_parse(const char *text, struct sx_ports *out)
{
	const char *dash = strchr(text, '-');
	size_t n = dash ? (size_t)(dash - text) : strlen(text);
	unsigned lo, hi;

	if (parse_uint(text, n, 65535, &lo))
		return -EINVAL;
	hi = lo;
	if (dash && parse_uint(dash + 1, strlen(dash + 1), 65535, &hi))
		return -EINVAL;
	if (lo > hi)
		return -EINVAL;
	*out = (struct sx_ports){(uint16_t)lo, (uint16_t)hi};
	return 0;
}
