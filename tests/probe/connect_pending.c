/*
 * What a program may do with a socket whose non-blocking connect is still
 * under way. With a fast answer (or where connect() gave 0) it is through
 * already: both are right.
 *
 * connect_pending HOST PORT
 * HOST PORT	an echo
 */
#include "probe.h"

static struct probe_addr a;

static int begin(void)
{
	int fd = probe_socket(&a, SOCK_NONBLOCK);

	CHECK(!connect(fd, &a.sa, a.len) || errno == EINPROGRESS,
		"connect %s: %s", probe_str(&a), probe_errno(errno));
	return fd;
}

static void finish(int fd)
{
	int events = probe_wait(fd, POLLOUT, 20000);

	CHECK(events == POLLOUT, "poll: events %#x", events);
	CHECK(!probe_so_error(fd), "SO_ERROR: not 0");
	probe_echo(fd);
}

static void connect_again(void)
{
	int fd = begin();
	int r = connect(fd, &a.sa, a.len);

	CHECK(!r || errno == EALREADY || errno == EISCONN, "second connect: %s",
		probe_errno(errno));
	finish(fd);
	r = connect(fd, &a.sa, a.len);
	CHECK(!r || errno == EISCONN, "third connect: %s", probe_errno(errno));
	CHECK_ERR(connect(fd, &a.sa, a.len), EISCONN);
	probe_echo(fd);
	close(fd);
}

static void use_early(void)
{
	struct probe_addr peer = {.len = sizeof(peer.storage)};
	char c = 0;
	int fd = begin();

	CHECK(!probe_so_error(fd), "SO_ERROR while pending");
	CHECK(!getpeername(fd, &peer.sa, &peer.len) || errno == ENOTCONN,
		"getpeername while pending: %s", probe_errno(errno));
	CHECK_ERR(recv(fd, &c, 1, 0), EAGAIN);
	ssize_t r = send(fd, "a", 1, MSG_NOSIGNAL);
	CHECK(r == 1 || (r < 0 && errno == EAGAIN), "send while pending: %s",
		probe_errno(errno));
	if (r == 1)
		CHECK(probe_recv(fd, &c, 1, 20000) == 1 && c == 'a',
			"what was sent early is lost");
	finish(fd);
	peer.len = sizeof(peer.storage);
	CHECK(!getpeername(fd, &peer.sa, &peer.len) && probe_same(&peer, &a),
		"getpeername: %s", probe_str(&peer));
	close(fd);
}

static void change_options(void)
{
	int on = 1, idle = 99, fd = begin();

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	CHECK(probe_option(fd, IPPROTO_TCP, TCP_NODELAY), "TCP_NODELAY");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	CHECK(!fcntl(fd, F_SETFL, 0), "F_SETFL: %s", probe_errno(errno));
	finish(fd);
	CHECK(probe_option(fd, IPPROTO_TCP, TCP_NODELAY), "TCP_NODELAY gone");
	CHECK(probe_option(fd, SOL_SOCKET, SO_KEEPALIVE), "KEEPALIVE gone");
	CHECK(probe_option(fd, IPPROTO_TCP, TCP_KEEPIDLE) == 99,
		"TCP_KEEPIDLE gone");
	CHECK(fcntl(fd, F_GETFL) == O_RDWR, "file flags: %#x",
		fcntl(fd, F_GETFL));
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC, "FD_CLOEXEC gone");
	close(fd);
}

/* Given up while pending; the number soon belongs to another socket. */
static void close_early(void)
{
	for (int i = 0; i < 8; i++) {
		int fd = begin();
		close(fd);
		int next = probe_connected(&a);
		CHECK(next == fd, "fd %d is not free after close", fd);
		probe_echo(next);
		close(next);
	}
}

/* In a child the connection is there, or seen to have failed. */
static void finish_in_child(int fd)
{
	int events = probe_wait(fd, POLLOUT, 20000);

	if (events & POLLERR)
		CHECK(probe_so_error(fd), "failed without an error");
	else
		finish(fd);
	_exit(0);
}

static void copies(void)
{
	int fd = begin(), copy = dup(fd);

	finish(copy);
	close(copy);
	probe_echo(fd);
	close(fd);
	fd = begin();
	pid_t child = fork();
	if (child == 0)
		finish_in_child(fd);
	probe_reap(child, "the child that waits");
	finish(fd);
	close(fd);
}

int main(int argc, char **argv)
{
	probe_positional(argc, argv, 2, 2, "HOST PORT");
	probe_watchdog(120);
	probe_resolve(&a, argv[1], argv[2]);
	connect_again();
	use_early();
	change_options();
	close_early();
	copies();
	return 0;
}
