/*
 * getaddrinfo() with a name answers as with a numeric address: the same
 * socktypes, protocols, ports, lengths, the same errors for the same hints.
 * The numeric address is libc's own business, so it is the measure.
 *
 * names_gai NAME [--v6] [--proxied]
 * NAME		resolves to IPv4; lower case, no trailing dot
 * --v6		and to IPv6
 * --proxied	also: a name's addresses are of the reserved pools
 */
#include "probe.h"

#define ARGS     "NAME [--v6] [--proxied]"
#define NO_HINTS -1

static bool proxied;

/* The entries of the list's first address, as text, port and length too. */
static void shape(const struct addrinfo *list, char *out, size_t size)
{
	int n = 0;
	*out = 0;
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		const struct sockaddr_in *in = (const void *)a->ai_addr;
		if (a->ai_addrlen != list->ai_addrlen ||
			memcmp(a->ai_addr->sa_data + 2,
				list->ai_addr->sa_data + 2,
				a->ai_family == AF_INET ? 4 : 20))
			continue;
		n += snprintf(out + n, size - n, "%d/%d:%d(%d) ",
			a->ai_socktype, a->ai_protocol, ntohs(in->sin_port),
			(int)a->ai_addrlen);
	}
}

static void check_entries(
	const struct addrinfo *list, const char *what, int family, bool fake)
{
	for (const struct addrinfo *a = list; a; a = a->ai_next) {
		CHECK(a->ai_addr && a->ai_addr->sa_family == a->ai_family &&
				a->ai_addrlen ==
					(a->ai_family == AF_INET ? 16 : 28),
			"%s: family %d, address family %d, length %d", what,
			a->ai_family, a->ai_addr->sa_family,
			(int)a->ai_addrlen);
		CHECK(!family || a->ai_family == family,
			"%s: family %d, not %d", what, a->ai_family, family);
		CHECK(a == list || !a->ai_canonname,
			"%s: ai_canonname in a later entry", what);
		CHECK(!fake || probe_is_fake(a->ai_addr),
			"%s: not an address of the pools", what);
	}
}

/* One question about the name and the same about a numeric address. */
static void compare(const char *name, const char *service, int family, int type,
	int protocol, int flags)
{
	struct addrinfo hints = {.ai_family = family,
		.ai_socktype = type,
		.ai_protocol = protocol,
		.ai_flags = flags};
	struct addrinfo *h = flags == NO_HINTS ? NULL : &hints, *l1 = NULL,
			*l2 = NULL;
	const char *number = family == AF_INET6 ? "2001:db8::1" : "192.0.2.1";
	char s1[300] = "", s2[300] = "", what[400];

	snprintf(what, sizeof(what),
		"%s service %s family %d type %d protocol %d flags %#x", name,
		service ? service : "NULL", family, type, protocol, flags);
	int e1 = getaddrinfo(name, service, h, &l1);
	int e2 = getaddrinfo(number, service, h, &l2);
	CHECK(e1 == e2, "%s: %d %s; %s: %d", what, e1, gai_strerror(e1), number,
		e2);
	if (e1)
		return;
	shape(l1, s1, sizeof(s1));
	shape(l2, s2, sizeof(s2));
	CHECK(!strcmp(s1, l1->ai_family == l2->ai_family ? s2 : s1),
		"%s: '%s', %s: '%s'", what, s1, number, s2);
	CHECK(l1->ai_flags == l2->ai_flags, "%s: ai_flags %#x, not %#x", what,
		l1->ai_flags, l2->ai_flags);
	check_entries(l1, what, family, proxied);
	CHECK(!l1->ai_canonname == !l2->ai_canonname, "%s: ai_canonname %s",
		what, l1->ai_canonname);
	if (l1->ai_canonname)
		CHECK(!strcmp(l1->ai_canonname, name), "%s: ai_canonname %s",
			what, l1->ai_canonname);
	freeaddrinfo(l1);
	freeaddrinfo(l2);
}

int main(int argc, char **argv)
{
	static const char *const services[] = {
		NULL,
		"80",
		"0",
		"65535",
		"http",
		"domain",
		"tftp",
		"nosuch",
		"-1",
		"",
		"80x",
	};
	static const int types[] = {0, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW,
		SOCK_RDM, SOCK_SEQPACKET, 77};
	static const int protocols[] = {
		0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, 255};
	static const int flags[] = {
		NO_HINTS,
		0,
		AI_PASSIVE,
		AI_CANONNAME,
		AI_NUMERICSERV,
		AI_V4MAPPED,
		AI_V4MAPPED | AI_ALL,
		AI_ADDRCONFIG,
		AI_CANONNAME | AI_PASSIVE | AI_ADDRCONFIG,
		0x8000,
	};
	int families[] = {AF_UNSPEC, AF_INET, AF_UNIX, 77, AF_INET6};
	int n_families = probe_flag(&argc, argv, "--v6") ? 5 : 4;

	proxied = probe_flag(&argc, argv, "--proxied");
	probe_positional(argc, argv, 1, 1, ARGS);
	probe_watchdog(120);
	const char *name = argv[1];
	for (int f = 0; f < n_families; f++) {
		for (int t = 0; t < PROBE_LEN(types); t++) {
			for (int s = 0; s < PROBE_LEN(services); s++)
				compare(name, services[s], families[f],
					types[t], 0, 0);
			for (int p = 0; p < PROBE_LEN(protocols); p++)
				compare(name, "80", families[f], types[t],
					protocols[p], 0);
		}
		for (int g = families[f] ? 1 : 0; g < PROBE_LEN(flags); g++) {
			compare(name, NULL, families[f], 0, 0, flags[g]);
			compare(name, "http", families[f], 0, 0, flags[g]);
			compare(name, "80", families[f], SOCK_STREAM, 0,
				flags[g]);
		}
	}
	return 0;
}
