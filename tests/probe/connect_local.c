/*
 * What never leaves the machine works as ever: loopback in all its spellings,
 * the unspecified address, AF_UNIX, AF_NETLINK, UDP over loopback.
 *
 * connect_local
 */
#include "probe.h"

#include <linux/netlink.h>
#include <stddef.h>
#include <sys/un.h>

/* Both ends talk, and each names the other. */
static void pair(int listener, int fd, const char *what)
{
	int other = accept(listener, NULL, NULL);
	char c = 0;

	CHECK(other >= 0, "%s: accept: %s", what, probe_errno(errno));
	probe_send(fd, "a", 1);
	CHECK(probe_recv(other, &c, 1, 5000) == 1 && c == 'a', "%s: data",
		what);
	probe_send(other, "b", 1);
	CHECK(probe_recv(fd, &c, 1, 5000) == 1 && c == 'b', "%s: data", what);
	close(fd);
	close(other);
}

/* To the port of the listener, by this address. */
static void by(int listener, const char *host, int flags)
{
	struct probe_addr own = {.len = sizeof(own.storage)}, to, peer;
	char port[16];

	getsockname(listener, &own.sa, &own.len);
	snprintf(port, sizeof(port), "%d", ntohs(own.in.sin_port));
	probe_resolve(&to, host, port);
	int fd = probe_socket(&to, flags);
	if (connect(fd, &to.sa, to.len)) {
		CHECK(errno == EINPROGRESS && flags, "connect %s: %s", host,
			probe_errno(errno));
		CHECK(probe_wait(fd, POLLOUT, 5000) == POLLOUT, "%s: poll",
			host);
	}
	peer.len = sizeof(peer.storage);
	CHECK(!getpeername(fd, &peer.sa, &peer.len) &&
			peer.in.sin_port == to.in.sin_port &&
			!probe_is_fake(&peer.sa),
		"%s: getpeername: %s", host, probe_str(&peer));
	pair(listener, fd, host);
}

static void local_stream(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len = offsetof(struct sockaddr_un, sun_path) +
			snprintf(un.sun_path, sizeof(un.sun_path), "%cprobe-%d",
				0, (int)getpid());
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	int c = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK_ERR(connect(c, (void *)&un, len), ECONNREFUSED);
	CHECK(!bind(s, (void *)&un, len) && !listen(s, 1), "AF_UNIX: bind");
	CHECK(!connect(c, (void *)&un, len), "AF_UNIX: %s", probe_errno(errno));
	pair(s, c, "AF_UNIX");
	close(s);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(un.sun_path, "/nonexistent/socket");
	CHECK_ERR(connect(c, (void *)&un, sizeof(un)), ENOENT);
	close(c);
}

static void netlink(void)
{
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	CHECK(fd >= 0 && !connect(fd, (void *)&nl, sizeof(nl)), "netlink: %s",
		probe_errno(errno));
	close(fd);
}

static void datagrams(const char *host)
{
	struct probe_addr to;
	char c = 0;

	probe_resolve(&to, host, "0");
	int s = socket(to.sa.sa_family, SOCK_DGRAM, 0);
	int fd = socket(to.sa.sa_family, SOCK_DGRAM, 0);
	CHECK(!bind(s, &to.sa, to.len), "bind: %s", probe_errno(errno));
	getsockname(s, &to.sa, &to.len);
	CHECK(sendto(fd, "a", 1, 0, &to.sa, to.len) == 1, "sendto %s: %s", host,
		probe_errno(errno));
	CHECK(probe_recv(s, &c, 1, 5000) == 1 && c == 'a', "%s: data", host);
	CHECK(!connect(fd, &to.sa, to.len), "UDP connect %s: %s", host,
		probe_errno(errno));
	CHECK(send(fd, "b", 1, 0) == 1, "send: %s", probe_errno(errno));
	CHECK(probe_recv(s, &c, 1, 5000) == 1 && c == 'b', "%s: data", host);
	close(s);
	close(fd);
}

int main(int argc, char **argv)
{
	struct probe_addr own;

	probe_positional(argc, argv, 0, 0, "");
	probe_watchdog(60);
	for (int flags = 0; flags <= SOCK_NONBLOCK; flags += SOCK_NONBLOCK) {
		int s4 = probe_listen(&own, "127.0.0.1");
		by(s4, "127.0.0.1", flags);
		by(s4, "127.1", flags);
		by(s4, "::ffff:127.0.0.1", flags);
		by(s4, "0.0.0.0", flags);
		by(s4, "::ffff:0.0.0.0", flags);
		close(s4);
		int s6 = probe_listen(&own, "::1");
		by(s6, "::1", flags);
		by(s6, "::", flags);
		close(s6);
	}
	local_stream();
	netlink();
	datagrams("127.0.0.1");
	datagrams("::1");
	return 0;
}
