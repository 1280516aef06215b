/*
 * A blocking connect leads to the state the kernel's leads to: one connected
 * socket, by whichever descriptor, with the peer that was asked for.
 *
 * connect_state HOST PORT [--mapped]
 * HOST PORT	an echo
 * --mapped	an AF_INET6 socket and ::ffff:HOST
 */
#include "probe.h"

static void check_peer(int fd, const struct probe_addr *a)
{
	struct probe_addr peer = {.len = sizeof(peer.storage)};

	CHECK(!getpeername(fd, &peer.sa, &peer.len), "getpeername: %s",
		probe_errno(errno));
	CHECK(probe_same(&peer, a), "getpeername: %s, not %s", probe_str(&peer),
		probe_str(a));

	/* What does not fit is cut off; the length says what it would be. */
	struct probe_addr cut;
	memset(&cut, 0x55, sizeof(cut));
	cut.len = 5;
	CHECK(!getpeername(fd, &cut.sa, &cut.len) && cut.len == a->len,
		"getpeername into 5 bytes: length %d", (int)cut.len);
	CHECK(!memcmp(&cut, &peer, 5) && ((char *)&cut)[5] == 0x55,
		"getpeername into 5 bytes: wrong bytes");
	cut.len = 0;
	CHECK(!getpeername(fd, &cut.sa, &cut.len) && cut.len == a->len,
		"getpeername into 0 bytes: length %d", (int)cut.len);
	cut.len = -1;
	CHECK_ERR(getpeername(fd, &cut.sa, &cut.len), EINVAL);
	CHECK_ERR(getpeername(fd, &cut.sa, NULL), EFAULT);
}

static void check_name(int fd, const struct probe_addr *a)
{
	struct probe_addr own = {.len = sizeof(own.storage)};

	CHECK(!getsockname(fd, &own.sa, &own.len), "getsockname: %s",
		probe_errno(errno));
	CHECK(own.sa.sa_family == a->sa.sa_family && own.in.sin_port,
		"getsockname: family %d port %d", own.sa.sa_family,
		ntohs(own.in.sin_port));
}

static void check_unconnected(int fd)
{
	struct probe_addr none = {.len = sizeof(none.storage)};
	int pipes[2];

	CHECK_ERR(getpeername(fd, &none.sa, &none.len), ENOTCONN);
	CHECK_ERR(getpeername(-1, &none.sa, &none.len), EBADF);
	CHECK(!pipe(pipes), "pipe");
	CHECK_ERR(getpeername(pipes[0], &none.sa, &none.len), ENOTSOCK);
	close(pipes[0]);
	close(pipes[1]);
}

int main(int argc, char **argv)
{
	bool mapped = probe_flag(&argc, argv, "--mapped");
	struct probe_addr a, other;

	probe_positional(argc, argv, 2, 2, "HOST PORT [--mapped]");
	probe_watchdog(60);
	probe_resolve(&a, argv[1], argv[2]);
	if (mapped)
		probe_map(&a);
	int fd = probe_socket(&a, 0), copy = dup(fd);
	int fds = probe_count_fds();
	check_unconnected(fd);

	errno = 1234;
	CHECK(!connect(fd, &a.sa, a.len), "connect %s: %s", probe_str(&a),
		probe_errno(errno));
	CHECK(errno == 1234, "success has set errno: %s", probe_errno(errno));
	probe_settle_fds(fds);
	CHECK(!probe_so_error(fd), "SO_ERROR after success");
	check_name(fd, &a);
	check_peer(fd, &a);
	check_peer(copy, &a);
	other = a;
	other.in.sin_port ^= htons(1);
	CHECK_ERR(connect(fd, &a.sa, a.len), EISCONN);
	CHECK_ERR(connect(copy, &a.sa, a.len), EISCONN);
	CHECK_ERR(connect(fd, &other.sa, other.len), EISCONN);
	check_peer(fd, &a);
	probe_echo(fd);
	probe_echo(copy);

	/* A number that is used again is another socket. */
	int again = probe_socket(&a, 0);
	CHECK(dup2(again, fd) == fd, "dup2: %s", probe_errno(errno));
	check_unconnected(fd);
	probe_connect(again, &a);
	check_peer(fd, &a);
	probe_echo(fd);
	check_peer(copy, &a);
	probe_echo(copy);
	probe_settle_fds(fds + 1);
	return 0;
}
