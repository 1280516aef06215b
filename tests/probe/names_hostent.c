/*
 * gethostbyname(), gethostbyname2() and their _r forms.
 *
 * names_hostent NAME [--v6] [--hosts NAME=ADDR] [--proxied]
 * NAME			resolves to IPv4; lower case, no trailing dot
 * --v6			and to IPv6
 * --hosts NAME=ADDR	a line of the hosts file
 * --proxied		NAME's addresses are of the reserved pools
 */
#include "probe.h"

#define ARGS "NAME [--v6] [--hosts NAME=ADDR] [--proxied]"

static const char *const bad_names[] = {
	"", ".", "*", "a b.example", "::1", "1.2.3.4.5", NULL};

static void check(const struct hostent *h, const char *name, int family,
	const char *address)
{
	char ip[INET6_ADDRSTRLEN];
	int size = family == AF_INET ? 4 : 16;

	CHECK(h, "%s family %d: %s", name, family, hstrerror(h_errno));
	CHECK(h->h_name && !strcmp(h->h_name, name), "%s: h_name %s", name,
		h->h_name);
	CHECK(h->h_aliases, "%s: h_aliases is NULL", name);
	CHECK(h->h_addrtype == family && h->h_length == size,
		"%s: family %d length %d", name, h->h_addrtype, h->h_length);
	CHECK(h->h_addr_list && h->h_addr_list[0], "%s: no address", name);
	if (!address)
		return;
	inet_ntop(family, h->h_addr_list[0], ip, sizeof(ip));
	CHECK(!strcmp(ip, address), "%s: %s, not %s", name, ip, address);
}

static bool inside(const void *p, const char *buffer, size_t n)
{
	return (const char *)p >= buffer && (const char *)p < buffer + n;
}

/*
 * From no buffer at all up to one that is large enough, which starts anywhere
 * or, for the numeric addresses that glibc does not align, at a word.
 */
static void grow(const char *name, int family, bool anywhere)
{
	static char space[4096];
	struct hostent h, *result;
	int e = ERANGE, herr;
	size_t n;

	for (n = 0; e == ERANGE && n < 2048; n++) {
		char *buffer = space + (anywhere ? n % 8 : 0);
		memset(space, 0x5a, sizeof(space));
		result = (void *)space;
		herr = 99;
		e = gethostbyname2_r(
			name, family, &h, buffer, n, &result, &herr);
		for (char *c = buffer + n; c < space + sizeof(space); c++)
			CHECK(*c == 0x5a, "%s: it writes beyond %zu bytes",
				name, n);
		if (e == ERANGE)
			CHECK(!result && herr == NETDB_INTERNAL,
				"%s: ERANGE, but result %p, h_errno %d", name,
				(void *)result, herr);
		else
			CHECK(!e && result == &h, "%s: %d, result %p", name, e,
				(void *)result);
		if (e)
			continue;
		check(&h, name, family, NULL);
		CHECK(inside(h.h_name, buffer, n) &&
				inside(h.h_aliases, buffer, n) &&
				inside(h.h_addr_list, buffer, n) &&
				inside(h.h_addr_list[0], buffer, n),
			"%s: not all lies in the buffer", name);
		CHECK((size_t)h.h_addr_list % sizeof(char *) == 0 &&
				(size_t)h.h_addr_list[0] % 4 == 0,
			"%s: unaligned", name);
	}
	CHECK(n > 8 && !e, "%s: %zu bytes: %d", name, n, e);
}

static void fails(const char *name)
{
	struct hostent h, *result = &h;
	char buffer[8192];
	int herr = 0;

	h_errno = 0;
	CHECK(!gethostbyname(name), "'%.20s' has an address", name);
	CHECK(h_errno == HOST_NOT_FOUND || h_errno == NO_RECOVERY,
		"'%.20s': h_errno %d", name, h_errno);
	gethostbyname_r(name, &h, buffer, sizeof(buffer), &result, &herr);
	CHECK(!result, "'%.20s': gethostbyname_r has a result", name);
	CHECK(herr == HOST_NOT_FOUND || herr == NO_RECOVERY,
		"'%.20s': gethostbyname_r: h_errno %d", name, herr);
}

int main(int argc, char **argv)
{
	bool v6 = probe_flag(&argc, argv, "--v6");
	bool proxied = probe_flag(&argc, argv, "--proxied");
	char *line = (char *)probe_value(&argc, argv, "--hosts", NULL);
	struct sockaddr_in in = {.sin_family = AF_INET};
	char long_name[2001];

	probe_positional(argc, argv, 1, 1, ARGS);
	probe_watchdog(120);
	const char *name = argv[1];
	check(gethostbyname(name), name, AF_INET, NULL);
	memcpy(&in.sin_addr, gethostbyname(name)->h_addr_list[0], 4);
	CHECK(probe_is_fake((void *)&in) == proxied, "%s: address %#x", name,
		(unsigned int)ntohl(in.sin_addr.s_addr));
	check(gethostbyname2(name, AF_INET), name, AF_INET, NULL);
	grow(name, AF_INET, true);
	if (v6) {
		check(gethostbyname2(name, AF_INET6), name, AF_INET6, NULL);
		grow(name, AF_INET6, true);
	}
	check(gethostbyname("127.1"), "127.1", AF_INET, "127.0.0.1");
	check(gethostbyname("192.0.2.9"), "192.0.2.9", AF_INET, "192.0.2.9");
	check(gethostbyname("localhost"), "localhost", AF_INET, "127.0.0.1");
	check(gethostbyname2("2001:db8::9", AF_INET6), "2001:db8::9", AF_INET6,
		"2001:db8::9");
	grow("192.0.2.9", AF_INET, false);
	grow("localhost", AF_INET, true);
	if (line) {
		char *address = strchr(line, '=');
		if (!address)
			probe_usage(ARGS);
		*address++ = 0;
		check(gethostbyname2(
			      line, strchr(address, ':') ? AF_INET6 : AF_INET),
			line, strchr(address, ':') ? AF_INET6 : AF_INET,
			address);
	}
	CHECK(!gethostbyname2(name, 77), "family 77 has an address");
	for (int i = 0; bad_names[i]; i++)
		fails(bad_names[i]);
	memset(long_name, 'a', 2000);
	for (int n = 2000; n > 200; n -= n > 300 ? 850 : 45) {
		long_name[n] = 0;
		fails(long_name);
	}
	return 0;
}
