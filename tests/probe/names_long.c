/*
 * getaddrinfo() with names as long as names can be, and longer; with letters
 * that glibc takes for a host name's and others; what freeaddrinfo() gives
 * back.
 *
 * names_long SUFFIX
 * SUFFIX	every name that ends so resolves to IPv4 (.example.org)
 */
#include "probe.h"

#include <malloc.h>

static void expect(const char *name, int error)
{
	struct addrinfo hints = {.ai_family = AF_INET,
				.ai_socktype = SOCK_STREAM},
			*list;
	int e = getaddrinfo(name, "80", &hints, &list);

	CHECK(e == error, "'%.20s', %zu bytes: %d %s, not %d", name,
		strlen(name), e, e ? gai_strerror(e) : "success", error);
	if (!e)
		freeaddrinfo(list);
}

/* Labels of 50 bytes, n bytes in all; a dot more when asked for. */
static void of_length(int n, const char *suffix, bool dot, int error)
{
	static char name[3000];
	int body = n - (int)strlen(suffix);

	for (int i = 0; i < body; i++)
		name[i] = i % 51 == 50 && i < body - 1 ? '.' : 'a';
	sprintf(name + body, "%s%s", suffix, dot ? "." : "");
	expect(name, error);
}

static void lengths(const char *suffix)
{
	static const int bad[] = {254, 255, 256, 257, 300, 1024, 1025, 2000};
	char label[80];

	for (int i = 0; i < PROBE_LEN(bad); i++) {
		of_length(bad[i], suffix, false, EAI_NONAME);
		of_length(bad[i], suffix, true, EAI_NONAME);
	}
	of_length(253, suffix, false, 0);
	of_length(253, suffix, true, 0);
	memset(label, 'b', sizeof(label));
	snprintf(label + 63, sizeof(label) - 63, "%.16s", suffix);
	expect(label, 0);
	snprintf(label + 63, sizeof(label) - 63, "b%.15s", suffix);
	expect(label, EAI_NONAME);
}

static void letters(const char *suffix)
{
	static const char *const good[] = {
		"_a", "a_b", "a-", "a.-b", "1.2.3.4", "0x7f", "A"};
	static const char *const bad[] = {"-a", "a b", "a\nb", "a.", "", "a!b",
		"*", "a/b", "a:b", "[a]", "\xc3\xa4", "a\\.b"};
	char name[300];

	for (int i = 0; i < PROBE_LEN(good); i++) {
		snprintf(name, sizeof(name), "%s%s", good[i], suffix);
		expect(name, 0);
	}
	for (int i = 0; i < PROBE_LEN(bad); i++) {
		snprintf(name, sizeof(name), "%s%s", bad[i], suffix);
		expect(name, EAI_NONAME);
	}
}

/* What freeaddrinfo() gives back is all there is. */
static void memory(const char *suffix)
{
	struct addrinfo *list;
	size_t was = 0;
	char name[300];

	snprintf(name, sizeof(name), "a%s", suffix);
	for (int i = 0; i < 600; i++) {
		if (i == 100)
			was = mallinfo2().uordblks;
		CHECK(!getaddrinfo(name, "80", NULL, &list), "%s", name);
		freeaddrinfo(list);
	}
	long more = mallinfo2().uordblks - was;
	CHECK(more < 16384, "500 lookups keep %ld bytes", more);
}

int main(int argc, char **argv)
{
	probe_positional(argc, argv, 1, 1, "SUFFIX");
	probe_watchdog(120);
	lengths(argv[1]);
	letters(argv[1]);
	memory(argv[1]);
	return 0;
}
