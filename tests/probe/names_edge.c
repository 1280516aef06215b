/*
 * getaddrinfo() with hosts that are no ordinary names: none at all, numbers in
 * each spelling, localhost, the hosts file's; and a name in each spelling.
 *
 * names_edge NAME [--hosts NAME=ADDR] [--proxied]
 * NAME		resolves to IPv4; lower case, at least one dot
 * --hosts NAME=ADDR	a line of the hosts file (may be given twice)
 * --proxied	NAME has an address of the reserved pools
 */
#include "probe.h"

#define ARGS "NAME [--hosts NAME=ADDR]... [--proxied]"

static bool proxied;

static int ask(const char *host, int family, int flags, struct probe_addr *a)
{
	struct addrinfo hints = {.ai_family = family,
				.ai_flags = flags,
				.ai_socktype = SOCK_STREAM},
			*list;
	int e = getaddrinfo(host, "80", &hints, &list);

	if (e)
		return e;
	memset(a, 0, sizeof(*a));
	memcpy(&a->storage, list->ai_addr, list->ai_addrlen);
	a->len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

/* The first answer is this address, or the call fails with this error. */
static void expect(
	const char *host, int family, int flags, const char *text, int error)
{
	struct probe_addr a;
	int e = ask(host, family, flags, &a);
	char ip[80] = "";

	CHECK(e == error, "'%s' family %d flags %#x: %d %s, not %d", host,
		family, flags, e, e ? gai_strerror(e) : "success", error);
	if (e)
		return;
	getnameinfo(&a.sa, a.len, ip, sizeof(ip), NULL, 0, NI_NUMERICHOST);
	CHECK(!text || !strcmp(ip, text),
		"'%s' family %d flags %#x: %s, not %s", host, family, flags, ip,
		text);
}

static void numeric(void)
{
	static const struct number {
		const char *host;
		int family, flags, error;
		const char *text;
	} numbers[] = {
		{"127.1", AF_UNSPEC, 0, 0, "127.0.0.1"},
		{"0x7f.1", AF_INET, 0, 0, "127.0.0.1"},
		{"2130706433", AF_INET, 0, 0, "127.0.0.1"},
		{"0", AF_INET, 0, 0, "0.0.0.0"},
		{"192.0.2.9", AF_UNSPEC, AI_NUMERICHOST, 0, "192.0.2.9"},
		{"192.0.2.9", AF_INET6, 0, EAI_ADDRFAMILY, NULL},
		{"192.0.2.9", AF_INET6, AI_V4MAPPED, 0, "::ffff:192.0.2.9"},
		{"::1", AF_UNSPEC, 0, 0, "::1"},
		{"::1", AF_INET, 0, EAI_ADDRFAMILY, NULL},
		{"2001:db8::9", AF_INET6, AI_CANONNAME, 0, "2001:db8::9"},
		{"fe80::1%lo", AF_UNSPEC, 0, 0, "fe80::1%lo"},
		{"::ffff:1.2.3.4", AF_UNSPEC, 0, 0, "::ffff:1.2.3.4"},
		{"::ffff:1.2.3.4", AF_INET, 0, 0, "1.2.3.4"},
		{"localhost", AF_INET, 0, 0, "127.0.0.1"},
		{"localhost", AF_INET6, 0, 0, "::1"},
		{"LocalHost", AF_INET, 0, 0, "127.0.0.1"},
		{"localhost", AF_INET, AI_NUMERICHOST, EAI_NONAME, NULL},
		{NULL, AF_INET, 0, 0, "127.0.0.1"},
		{NULL, AF_INET6, 0, 0, "::1"},
		{NULL, AF_INET, AI_PASSIVE, 0, "0.0.0.0"},
		{NULL, AF_INET6, AI_PASSIVE, 0, "::"},
		{NULL, AF_INET, AI_CANONNAME, EAI_BADFLAGS, NULL},
		{"*", AF_INET, 0, 0, "127.0.0.1"},
		{"", AF_UNSPEC, 0, EAI_NONAME, NULL},
		{".", AF_UNSPEC, 0, EAI_NONAME, NULL},
		{"a..b", AF_UNSPEC, 0, EAI_NONAME, NULL},
	};
	struct addrinfo *list = NULL;

	for (const struct number *n = numbers; n < numbers + PROBE_LEN(numbers);
		n++)
		expect(n->host, n->family, n->flags, n->text, n->error);
	CHECK(getaddrinfo(NULL, NULL, NULL, &list) == EAI_NONAME, "NULL NULL");
	CHECK(!getaddrinfo(NULL, "80", NULL, &list), "NULL host, no hints");
	freeaddrinfo(list);
}

static void hosts_line(char *line)
{
	char *address = strchr(line, '=');
	if (!address)
		probe_usage(ARGS);
	*address++ = 0;
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	expect(line, family, 0, address, 0);
	*line ^= 0x20;
	expect(line, family, 0, address, 0);
}

/* One name in all its spellings has one address. */
static void spellings(const char *name)
{
	struct probe_addr plain, other;
	char copy[300];

	expect(name, AF_INET, AI_NUMERICHOST, NULL, EAI_NONAME);
	expect(name, AF_UNIX, 0, NULL, EAI_FAMILY);
	CHECK(!ask(name, AF_INET, 0, &plain), "%s", name);
	CHECK(probe_is_fake(&plain.sa) == proxied, "%s: %s", name,
		probe_str(&plain));
	snprintf(copy, sizeof(copy), "%s.", name);
	CHECK(!ask(copy, AF_INET, 0, &other) && probe_same(&plain, &other),
		"%s: another address", copy);
	for (char *c = copy; *c; c++)
		*c -= *c >= 'a' && *c <= 'z' ? 'a' - 'A' : 0;
	CHECK(!ask(copy, AF_INET, 0, &other) && probe_same(&plain, &other),
		"%s: another address", copy);
	CHECK(!ask(name, AF_INET6, AI_V4MAPPED, &other) &&
			other.sa.sa_family == AF_INET6,
		"%s: AI_V4MAPPED", name);
}

int main(int argc, char **argv)
{
	char *lines[2] = {NULL};
	lines[0] = (char *)probe_value(&argc, argv, "--hosts", NULL);
	lines[1] = (char *)probe_value(&argc, argv, "--hosts", NULL);
	proxied = probe_flag(&argc, argv, "--proxied");
	probe_positional(argc, argv, 1, 1, ARGS);
	probe_watchdog(120);
	numeric();
	for (int i = 0; i < 2 && lines[i]; i++)
		hosts_line(lines[i]);
	spellings(argv[1]);
	return 0;
}
