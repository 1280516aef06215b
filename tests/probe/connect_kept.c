/*
 * A blocking connect leaves all that the program has set on its socket as it
 * was: options, file and descriptor flags, the bound port.
 *
 * connect_kept HOST PORT [--mapped] [--v6only] [--rcvlowat N] [--fastopen]
 *	[--mptcp]
 * HOST PORT	an echo
 * --mapped	an AF_INET6 socket and ::ffff:HOST
 * --v6only	IPV6_V6ONLY is set (HOST is an IPv6 address)
 * --rcvlowat N	with SO_RCVLOWAT N: no poll() says POLLIN for fewer bytes
 * --fastopen	with TCP_FASTOPEN_CONNECT
 * --mptcp	an MPTCP socket
 */
#include "probe.h"

#include <netinet/ip.h>
#include <signal.h>

#define ARGS                                                                   \
	"HOST PORT [--mapped] [--v6only] [--rcvlowat N] [--fastopen] "         \
	"[--mptcp]"

/* What is set before connect, as setsockopt() takes it. */
static const struct setting {
	int level, name, n, value[4];
} settings[] = {
	{SOL_SOCKET, SO_KEEPALIVE, 1, {1}},
	{SOL_SOCKET, SO_RCVBUF, 1, {70000}},
	{SOL_SOCKET, SO_SNDBUF, 1, {60000}},
	{SOL_SOCKET, SO_OOBINLINE, 1, {1}},
	{SOL_SOCKET, SO_REUSEADDR, 1, {1}},
	{SOL_SOCKET, SO_LINGER, 2, {1, 2}},
	{SOL_SOCKET, SO_RCVTIMEO, 4, {9}}, /* little endian or 32 bit */
	{SOL_SOCKET, SO_SNDTIMEO, 4, {8}},
	{IPPROTO_IP, IP_TOS, 1, {IPTOS_LOWDELAY}},
	{SOL_SOCKET, SO_PRIORITY, 1, {3}},
	{IPPROTO_IP, IP_TTL, 1, {61}},
	{IPPROTO_TCP, TCP_KEEPIDLE, 1, {77}},
	{IPPROTO_TCP, TCP_KEEPINTVL, 1, {11}},
	{IPPROTO_TCP, TCP_KEEPCNT, 1, {5}},
	{IPPROTO_TCP, TCP_SYNCNT, 1, {4}},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, 1, {30000}},
};

/* What must be the same afterwards. */
static const struct seen {
	const char *text;
	int level, name;
} seen[] = {
#define SEEN(level, name)                                                      \
	{                                                                      \
#name, level, name                                             \
	}
	SEEN(SOL_SOCKET, SO_KEEPALIVE),
	SEEN(SOL_SOCKET, SO_RCVBUF),
	SEEN(SOL_SOCKET, SO_SNDBUF),
	SEEN(SOL_SOCKET, SO_OOBINLINE),
	SEEN(SOL_SOCKET, SO_REUSEADDR),
	SEEN(SOL_SOCKET, SO_LINGER),
	SEEN(SOL_SOCKET, SO_RCVTIMEO),
	SEEN(SOL_SOCKET, SO_SNDTIMEO),
	SEEN(IPPROTO_IP, IP_TOS),
	SEEN(SOL_SOCKET, SO_PRIORITY),
	SEEN(IPPROTO_IP, IP_TTL),
	SEEN(IPPROTO_TCP, TCP_KEEPIDLE),
	SEEN(IPPROTO_TCP, TCP_KEEPINTVL),
	SEEN(IPPROTO_TCP, TCP_KEEPCNT),
	SEEN(IPPROTO_TCP, TCP_SYNCNT),
	SEEN(IPPROTO_TCP, TCP_USER_TIMEOUT),
	SEEN(IPPROTO_TCP, TCP_NODELAY),
	SEEN(IPPROTO_TCP, TCP_CORK),
	SEEN(SOL_SOCKET, SO_RCVLOWAT),
	SEEN(IPPROTO_TCP, TCP_CONGESTION),
	SEEN(SOL_SOCKET, SO_DOMAIN),
	SEEN(SOL_SOCKET, SO_TYPE),
	SEEN(SOL_SOCKET, SO_PROTOCOL),
	SEEN(IPPROTO_IPV6, IPV6_V6ONLY),
	SEEN(SOL_SOCKET, SO_COOKIE), /* the same socket, not another one */
	SEEN(IPPROTO_TCP, TCP_FASTOPEN_CONNECT),
};

struct value {
	long bytes[8];
	bool known; /* not every family and protocol has every option */
};

static void read_options(int fd, struct value *values)
{
	for (int i = 0; i < PROBE_LEN(seen); i++) {
		struct value *v = values + i;
		socklen_t len = seen[i].name == SO_COOKIE ? 8 : 64;
		memset(v, 0, sizeof(*v));
		v->known = !getsockopt(
			fd, seen[i].level, seen[i].name, v->bytes, &len);
	}
}

static void set(int fd, int level, int name, int value)
{
	CHECK(!setsockopt(fd, level, name, &value, sizeof(value)),
		"setsockopt %d %d: %s", level, name, probe_errno(errno));
}

/* The rounds differ in every flag, so that one forced either way is seen. */
static void round_trip(int fd, const struct probe_addr *a, int round)
{
	static struct value before[PROBE_LEN(seen)], after[PROBE_LEN(seen)];
	struct probe_addr own = {.len = a->len};
	int port = 0;

	own.sa.sa_family = a->sa.sa_family;
	if (round) {
		CHECK(!bind(fd, &own.sa, own.len), "bind: %s",
			probe_errno(errno));
		getsockname(fd, &own.sa, &own.len);
		port = ntohs(own.in.sin_port);
	}
	for (const struct setting *s = settings;
		s < settings + PROBE_LEN(settings); s++)
		setsockopt(fd, s->level, s->name, s->value, s->n * sizeof(int));
	set(fd, IPPROTO_TCP, TCP_NODELAY, round);
	fcntl(fd, F_SETFL, round ? O_APPEND | O_ASYNC : 0);
	fcntl(fd, F_SETFD, round ? FD_CLOEXEC : 0);
	fcntl(fd, F_SETOWN, getpid());
	int fl = fcntl(fd, F_GETFL), fdfl = fcntl(fd, F_GETFD);
	read_options(fd, before);

	probe_connect(fd, a);
	read_options(fd, after);
	for (int i = 0; i < PROBE_LEN(seen); i++)
		CHECK(!before[i].known ||
				!memcmp(before[i].bytes, after[i].bytes,
					sizeof(before[i].bytes)),
			"%s: %#lx before, %#lx after", seen[i].text,
			before[i].bytes[0], after[i].bytes[0]);
	CHECK(fcntl(fd, F_GETFL) == fl, "file flags: %#x before, %#x after", fl,
		fcntl(fd, F_GETFL));
	CHECK(fcntl(fd, F_GETFD) == fdfl, "FD_CLOEXEC: %d before", fdfl);
	CHECK(fcntl(fd, F_GETOWN) == getpid(), "owner: %d",
		fcntl(fd, F_GETOWN));
	getsockname(fd, &own.sa, &own.len);
	CHECK(!port || ntohs(own.in.sin_port) == port,
		"bound to port %d, now %d", port, ntohs(own.in.sin_port));
	set(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
	probe_echo(fd);
	close(fd);
}

int main(int argc, char **argv)
{
	bool mapped = probe_flag(&argc, argv, "--mapped");
	bool v6only = probe_flag(&argc, argv, "--v6only");
	bool fastopen = probe_flag(&argc, argv, "--fastopen");
	bool mptcp = probe_flag(&argc, argv, "--mptcp");
	int lowat = probe_number(&argc, argv, "--rcvlowat", 1);
	struct probe_addr a;

	probe_positional(argc, argv, 2, 2, ARGS);
	probe_watchdog(60);
	signal(SIGIO, SIG_IGN);
	probe_resolve(&a, argv[1], argv[2]);
	if (mapped)
		probe_map(&a);
	for (int round = 0; round < 2; round++) {
		int fd = socket(
			a.sa.sa_family, SOCK_STREAM, mptcp ? IPPROTO_MPTCP : 0);
		CHECK(fd >= 0, "socket: %s", probe_errno(errno));
		if (v6only)
			set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		if (fastopen)
			set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
		set(fd, SOL_SOCKET, SO_RCVLOWAT, lowat);
		round_trip(fd, &a, round);
	}
	return 0;
}
