/* The socket half of probe.h. */
#include "probe.h"

#include <stdatomic.h>

void probe_resolve(struct probe_addr *a, const char *host, const char *port)
{
	probe_resolve_as(a, host, port, strchr(host, ':') ? AF_INET6 : AF_INET);
}

void probe_resolve_as(
	struct probe_addr *a, const char *host, const char *port, int family)
{
	struct addrinfo hints = {.ai_family = family,
				.ai_socktype = SOCK_STREAM},
			*list;
	int e = getaddrinfo(host, port, &hints, &list);

	CHECK(!e, "getaddrinfo %s %s: %s", host, port, gai_strerror(e));
	memset(a, 0, sizeof(*a));
	memcpy(&a->storage, list->ai_addr, list->ai_addrlen);
	a->len = list->ai_addrlen;
	freeaddrinfo(list);
}

void probe_map(struct probe_addr *a)
{
	struct sockaddr_in in = a->in;

	CHECK(in.sin_family == AF_INET, "%s: not IPv4", probe_str(a));
	memset(a, 0, sizeof(*a));
	a->len = sizeof(a->in6);
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = in.sin_port;
	memset(a->in6.sin6_addr.s6_addr + 10, 0xff, 2);
	memcpy(a->in6.sin6_addr.s6_addr + 12, &in.sin_addr, 4);
}

const char *probe_str(const struct probe_addr *a)
{
	static __thread char buffers[4][INET6_ADDRSTRLEN + 10];
	static __thread unsigned turn;
	char *out = buffers[turn++ % 4], ip[INET6_ADDRSTRLEN] = "?";

	if (a->sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->in.sin_addr, ip, sizeof(ip));
	else if (a->sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &a->in6.sin6_addr, ip, sizeof(ip));
	snprintf(out, sizeof(buffers[0]), "%s:%d", ip, ntohs(a->in.sin_port));
	return out;
}

bool probe_same(const struct probe_addr *a, const struct probe_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family || a->len != b->len ||
		a->in.sin_port != b->in.sin_port)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	return !memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16);
}

bool probe_is_fake(const struct sockaddr *sa)
{
	static const unsigned char pool[8] = {
		0xfd, 0x53, 0x6f, 0x63, 0x6b, 0x73, 0, 0};
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;
		return (ntohl(in->sin_addr.s_addr) & 0xfffe0000) == 0xc6120000;
	}
	const struct sockaddr_in6 *in6 = (const void *)sa;
	return !memcmp(&in6->sin6_addr, pool, sizeof(pool));
}

int probe_socket(const struct probe_addr *a, int flags)
{
	int fd = socket(a->sa.sa_family, SOCK_STREAM | flags, 0);

	CHECK(fd >= 0, "socket: %s", probe_errno(errno));
	return fd;
}

void probe_connect(int fd, const struct probe_addr *a)
{
	int r = connect(fd, &a->sa, a->len);

	/* An interrupted connect goes on; its end is seen as for any other. */
	if (r < 0 && errno == EINTR) {
		probe_wait(fd, POLLOUT, 10000);
		errno = probe_so_error(fd);
		r = errno ? -1 : 0;
	}
	CHECK(r == 0, "connect %s: %s", probe_str(a), probe_errno(errno));
}

int probe_connected(const struct probe_addr *a)
{
	int fd = probe_socket(a, SOCK_CLOEXEC);

	probe_connect(fd, a);
	return fd;
}

int probe_listen(struct probe_addr *a, const char *loopback)
{
	probe_resolve(a, loopback, "0");
	int fd = probe_socket(a, SOCK_CLOEXEC);
	CHECK(!bind(fd, &a->sa, a->len), "bind: %s", probe_errno(errno));
	CHECK(!listen(fd, 16), "listen: %s", probe_errno(errno));
	CHECK(!getsockname(fd, &a->sa, &a->len), "getsockname: %s",
		probe_errno(errno));
	return fd;
}

int probe_wait(int fd, int events, int ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	long end = probe_now_ms() + ms;

	for (;;) {
		long left = end - probe_now_ms();
		int n = poll(&p, 1, left > 0 ? left : 0);
		if (n >= 0)
			return n ? p.revents : 0;
		CHECK(errno == EINTR, "poll: %s", probe_errno(errno));
	}
}

void probe_send(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n) {
		ssize_t r = send(fd, at, n, MSG_NOSIGNAL);
		if (r < 0 && errno == EAGAIN && probe_wait(fd, POLLOUT, 5000))
			continue;
		if (r < 0 && errno == EINTR)
			continue;
		CHECK(r > 0, "send: %s", probe_errno(errno));
		at += r;
		n -= r;
	}
}

size_t probe_recv(int fd, void *data, size_t n, int ms)
{
	size_t got = 0;
	long end = probe_now_ms() + ms;

	while (got < n && probe_wait(fd, POLLIN, end - probe_now_ms())) {
		ssize_t r = recv(fd, (char *)data + got, n - got, 0);
		if (r < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		CHECK(r >= 0, "recv: %s", probe_errno(errno));
		if (r == 0)
			break;
		got += r;
	}
	return got;
}

void probe_echo(int fd)
{
	static atomic_uint turn;
	char out[64], in[64];
	size_t n = snprintf(out, sizeof(out), "line %d %u\n", (int)getpid(),
		atomic_fetch_add(&turn, 1));

	probe_send(fd, out, n);
	size_t got = probe_recv(fd, in, n, 10000);
	CHECK(got == n && !memcmp(in, out, n),
		"echo: sent '%.*s', got %zu bytes '%.*s'", (int)n - 1, out, got,
		(int)got, in);
}

int probe_so_error(int fd)
{
	return probe_option(fd, SOL_SOCKET, SO_ERROR);
}

int probe_option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	CHECK(!getsockopt(fd, level, name, &value, &len),
		"getsockopt %d %d: %s", level, name, probe_errno(errno));
	return value;
}
