/*
 * From an address back to a name: getnameinfo(), gethostbyaddr() and its _r
 * form, with each flag and with buffers of every size.
 *
 * names_reverse NAME [--v6] [--hosts NAME=ADDR] [--proxied]
 * NAME			resolves to IPv4; lower case, no trailing dot
 * --v6			and to IPv6
 * --hosts NAME=ADDR	a line of the hosts file
 * --proxied		NAME's addresses lead back to NAME; other addresses
 *			have no name, and nobody is asked for one
 */
#include "probe.h"

#define ARGS "NAME [--v6] [--hosts NAME=ADDR] [--proxied]"

static const void *raw(const struct probe_addr *a)
{
	return a->sa.sa_family == AF_INET ? (void *)&a->in.sin_addr
					  : (void *)&a->in6.sin6_addr;
}

static int ask(const struct probe_addr *a, char *host, int flags)
{
	return getnameinfo(&a->sa, a->len, host, 300, NULL, 0, flags);
}

/* Each way leads to this name, in the smallest buffers that hold it. */
static void has_name(const struct probe_addr *a, const char *name)
{
	char host[300], serv[40];
	int family = a->sa.sa_family, size = family == AF_INET ? 4 : 16;
	int n = strlen(name) + 1, e;

	CHECK(!ask(a, host, NI_NAMEREQD) && !strcmp(host, name),
		"%s: getnameinfo: %s, not %s", probe_str(a), host, name);
	for (int i = 1; i <= n + 1; i++) {
		memset(host, 0x5a, sizeof(host));
		e = getnameinfo(&a->sa, a->len, host, i, serv, sizeof(serv),
			NI_NAMEREQD);
		CHECK(e == (i < n ? EAI_OVERFLOW : 0), "%s into %d bytes: %d",
			name, i, e);
		CHECK(host[i] == 0x5a, "%s: it writes beyond %d bytes", name,
			i);
	}
	struct hostent *h = gethostbyaddr(raw(a), size, family), own, *result;
	CHECK(h && !strcmp(h->h_name, name), "%s: gethostbyaddr: %s",
		probe_str(a), h ? h->h_name : "NULL");
	CHECK(h->h_addrtype == family && h->h_length == size &&
			!memcmp(h->h_addr_list[0], raw(a), size),
		"%s: gethostbyaddr: another address", name);
	static char buffer[2048];
	e = ERANGE;
	for (int i = 0, herr; e == ERANGE && i < 2048; i++) {
		result = &own;
		e = gethostbyaddr_r(
			raw(a), size, family, &own, buffer, i, &result, &herr);
		CHECK(e != ERANGE || (!result && herr == NETDB_INTERNAL),
			"gethostbyaddr_r: ERANGE, but a result");
	}
	CHECK(!e && result == &own && !strcmp(own.h_name, name),
		"gethostbyaddr_r: %d", e);
}

static void has_none(const struct probe_addr *a, bool proxied)
{
	char host[300], number[80];
	int size = a->sa.sa_family == AF_INET ? 4 : 16;

	inet_ntop(a->sa.sa_family, raw(a), number, sizeof(number));
	CHECK(!ask(a, host, 0) && !strcmp(host, number), "%s: getnameinfo: %s",
		number, host);
	int e = ask(a, host, NI_NAMEREQD);
	CHECK(proxied ? e == EAI_NONAME : e != 0, "%s: NI_NAMEREQD: %d %s",
		number, e, e ? "" : host);
	CHECK(!gethostbyaddr(raw(a), size, a->sa.sa_family),
		"%s: gethostbyaddr: a name", number);
}

static void services(struct probe_addr a)
{
	char serv[40];

	a.in.sin_port = htons(80);
	CHECK(!getnameinfo(&a.sa, a.len, NULL, 0, serv, 40, 0) &&
			!strcmp(serv, "http"),
		"port 80: %s", serv);
	CHECK(!getnameinfo(&a.sa, a.len, NULL, 0, serv, 40, NI_NUMERICSERV) &&
			!strcmp(serv, "80"),
		"port 80: %s", serv);
	a.in.sin_port = htons(69);
	CHECK(!getnameinfo(&a.sa, a.len, NULL, 0, serv, 40, NI_DGRAM) &&
			!strcmp(serv, "tftp"),
		"port 69: %s", serv);
	for (int i = 1; i < 7; i++) {
		int e = getnameinfo(&a.sa, a.len, NULL, 0, serv, i, NI_DGRAM);
		CHECK(e == (i < 5 ? EAI_OVERFLOW : 0), "tftp into %d: %d", i,
			e);
	}
}

static void errors(struct probe_addr a)
{
	char host[300];

	CHECK(ask(&a, host, 0x1000) == EAI_BADFLAGS, "a flag that is none");
	CHECK(getnameinfo(&a.sa, a.len, NULL, 0, NULL, 0, NI_NAMEREQD) ==
			EAI_NONAME,
		"NI_NAMEREQD without buffers");
	a.len = 8;
	CHECK(ask(&a, host, 0) == EAI_FAMILY, "8 bytes of an address");
	a.len = sizeof(a.in6);
	a.sa.sa_family = 77;
	CHECK(ask(&a, host, 0) == EAI_FAMILY, "family 77");
	CHECK(!gethostbyaddr(raw(&a), 4, 77), "family 77");
	CHECK(!gethostbyaddr(raw(&a), 3, AF_INET), "3 bytes of an address");
}

int main(int argc, char **argv)
{
	bool v6 = probe_flag(&argc, argv, "--v6");
	bool proxied = probe_flag(&argc, argv, "--proxied");
	char *line = (char *)probe_value(&argc, argv, "--hosts", NULL);
	struct probe_addr a;
	char host[300];

	probe_positional(argc, argv, 1, 1, ARGS);
	probe_watchdog(120);
	for (int family = 0; family < 1 + v6; family++) {
		probe_resolve_as(
			&a, argv[1], "80", family ? AF_INET6 : AF_INET);
		CHECK(probe_is_fake(&a.sa) == proxied, "%s: %s", argv[1],
			probe_str(&a));
		if (proxied)
			has_name(&a, argv[1]);
		CHECK(!ask(&a, host, NI_NUMERICHOST) && strpbrk(host, ".:"),
			"NI_NUMERICHOST: %s", host);
		services(a);
		errors(a);
	}
	probe_resolve(&a, "127.0.0.1", "80");
	has_name(&a, "localhost");
	if (line && strchr(line, '=')) {
		*strchr(line, '=') = 0;
		probe_resolve(&a, line + strlen(line) + 1, "80");
		has_name(&a, line);
	}
	probe_resolve(&a, "192.0.2.200", "80");
	has_none(&a, proxied);
	probe_resolve(&a, "198.19.255.254", "80");
	has_none(&a, proxied);
	return 0;
}
