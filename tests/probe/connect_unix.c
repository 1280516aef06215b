/*
 * What a program sees of its socket when its server is behind a unix socket:
 * flags are kept, the peer is the one that was asked for, and no descriptor
 * is left over. What cannot be kept is the socket itself.
 *
 * connect_unix HOST PORT [--nonblock] [--proxied]
 * HOST PORT	an echo
 * --nonblock	with non-blocking sockets
 */
#include "probe.h"

#include <sys/wait.h>

static void check_peer(int fd, const struct probe_addr *a)
{
	struct probe_addr peer = {.len = sizeof(peer.storage)};

	CHECK(!getpeername(fd, &peer.sa, &peer.len), "getpeername: %s",
		probe_errno(errno));
	CHECK(probe_same(&peer, a), "getpeername: %s, not %s", probe_str(&peer),
		probe_str(a));
}

static void check_name(int fd, const struct probe_addr *a)
{
	struct probe_addr own = {.len = sizeof(own.storage)};
	int on = 1, got = -1;
	socklen_t len = sizeof(got);

	CHECK(!getsockname(fd, &own.sa, &own.len), "getsockname: %s",
		probe_errno(errno));
	CHECK(own.sa.sa_family == a->sa.sa_family && own.in.sin_port,
		"getsockname: family %d port %d", own.sa.sa_family,
		ntohs(own.in.sin_port));
	CHECK(!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)),
		"TCP_NODELAY: %s", probe_errno(errno));
	CHECK(!getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &got, &len) && got >= 0,
		"TCP_NODELAY: %s", probe_errno(errno));
	connect(fd, &a->sa, a->len); /* Linux ends a pending one by this */
	CHECK_ERR(connect(fd, &a->sa, a->len), EISCONN);
}

/* A copy made before: the kernel's is the same socket, under the library and
 * with connect() that waits the one from before, which was never connected. */
static void check_copy(int copy, const struct probe_addr *a, bool is_lost)
{
	struct probe_addr peer = {.len = sizeof(peer.storage)};

	if (is_lost)
		CHECK_ERR(getpeername(copy, &peer.sa, &peer.len), ENOTCONN);
	else
		check_peer(copy, a);
	close(copy);
}

static void check_child(int fd, const struct probe_addr *a)
{
	pid_t child = fork();

	if (child == 0) {
		check_peer(fd, a);
		probe_echo(fd);
		_exit(0);
	}
	probe_reap(child, "the child");
}

static void reach(int fd, const struct probe_addr *a)
{
	if (connect(fd, &a->sa, a->len) == 0)
		return;
	CHECK(errno == EINPROGRESS, "connect: %s", probe_errno(errno));
	CHECK(probe_wait(fd, POLLOUT, 10000) & POLLOUT, "not writable");
	CHECK(!probe_so_error(fd), "not connected");
}

/* The rounds differ in close-on-exec. */
static void round_trip(
	const struct probe_addr *a, int flags, bool nonblock, bool proxied)
{
	int fd = probe_socket(a, flags | (nonblock ? SOCK_NONBLOCK : 0));
	int copy = dup(fd);
	int fl = fcntl(fd, F_GETFL), fdfl = fcntl(fd, F_GETFD);

	reach(fd, a);
	CHECK(fcntl(fd, F_GETFL) == fl, "file flags: %#x before, %#x after", fl,
		fcntl(fd, F_GETFL));
	CHECK(fcntl(fd, F_GETFD) == fdfl, "descriptor flags: %d before", fdfl);
	CHECK(!probe_so_error(fd), "an error is pending");
	CHECK(!(probe_wait(fd, POLLIN, 0) & (POLLIN | POLLHUP)), "readable");
	check_peer(fd, a);
	check_name(fd, a);
	check_copy(copy, a, proxied && !nonblock);

	int later = dup(fd);
	close(fd);
	check_peer(later, a);
	probe_echo(later);
	check_child(later, a);
	close(later);
}

int main(int argc, char **argv)
{
	bool nonblock = probe_flag(&argc, argv, "--nonblock");
	bool proxied = probe_flag(&argc, argv, "--proxied");
	struct probe_addr a;

	probe_positional(
		argc, argv, 2, 2, "HOST PORT [--nonblock] [--proxied]");
	probe_watchdog(60);
	probe_resolve(&a, argv[1], argv[2]);
	round_trip(&a, 0, nonblock, proxied);
	int n_fds = probe_count_fds();
	round_trip(&a, SOCK_CLOEXEC, nonblock, proxied);
	probe_settle_fds(n_fds);
	return 0;
}
