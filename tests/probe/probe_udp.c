#include "probe_udp.h"

#include <stdatomic.h>

struct probe_addr udp_to, udp_other;

void udp_set(const char *host, const char *port, int family)
{
	char next[16];

	snprintf(next, sizeof(next), "%d", atoi(port) + 1);
	probe_resolve_as(&udp_to, host, port, family);
	probe_resolve_as(&udp_other, host, next, family);
}

/* The arguments are taken apart by checks_run(). */
int udp_run(int argc, char **argv, const struct check *checks, int n)
{
	bool is_mapped = false;

	for (int i = 1; i < argc; i++)
		is_mapped |= !strcmp(argv[i], "--mapped");
	if (argc > 2)
		udp_set(argv[1], argv[2],
			strchr(argv[1], ':') ? AF_INET6 : AF_INET);
	if (argc > 2 && is_mapped) {
		probe_map(&udp_to);
		probe_map(&udp_other);
	}
	return checks_run(argc, argv, checks, n);
}

int udp_socket(int flags)
{
	int fd = socket(
		udp_to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);

	CHECK(fd >= 0, "socket: %s", probe_errno(errno));
	return fd;
}

int udp_connected(void)
{
	int fd = udp_socket(0);

	probe_connect(fd, &udp_to);
	return fd;
}

void udp_say(int fd, const char *text, const struct probe_addr *to)
{
	ssize_t n = to ? sendto(fd, text, strlen(text), 0, &to->sa, to->len)
		       : send(fd, text, strlen(text), 0);

	CHECK(n == (ssize_t)strlen(text), "sent %zd of '%s': %s", n, text,
		probe_errno(errno));
}

void udp_wait(int fd)
{
	CHECK(probe_wait(fd, POLLIN, UDP_LIMIT_MS) & POLLIN,
		"no datagram has come");
}

void udp_hear(int fd, const char *text, const struct probe_addr *from)
{
	struct probe_addr who = {.len = sizeof(who.storage)};
	char in[2048];

	udp_wait(fd);
	ssize_t n = recvfrom(fd, in, sizeof(in), 0, &who.sa, &who.len);
	CHECK(n == (ssize_t)strlen(text) && !memcmp(in, text, (size_t)n),
		"%zd bytes '%.*s', not '%s'", n, n > 0 ? (int)n : 0, in, text);
	CHECK(probe_same(&who, from), "'%s' from %s, not %s", text,
		probe_str(&who), probe_str(from));
}

static void new_words(char *out, size_t size)
{
	static atomic_uint turn;

	snprintf(out, size, "words %d %u", (int)gettid(),
		atomic_fetch_add(&turn, 1));
}

void udp_ask(int fd, const struct probe_addr *to)
{
	char text[64];

	new_words(text, sizeof(text));
	udp_say(fd, text, to);
	udp_hear(fd, text, to);
}

void udp_talk(int fd)
{
	char text[64];

	new_words(text, sizeof(text));
	udp_say(fd, text, NULL);
	udp_hear(fd, text, &udp_to);
}

void udp_nothing(int fd)
{
	char byte;

	CHECK_ERR(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), EAGAIN);
}
