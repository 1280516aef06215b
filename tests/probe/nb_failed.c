/*
 * The bad ends of a pending connect: it is refused, or the program gives it
 * up by shutdown() or connect(AF_UNSPEC). The error is told once, to whoever
 * asks first, and the socket may try again.
 *
 * Arguments: see probe_gate.h
 */
#include "probe_gate.h"

static struct gate g, good;

/* A socket that has been refused; nobody has asked it for the error. */
static int refused(void)
{
	gate_new(&g);
	gate_new(&good);
	int fd = gate_begin(&g);
	gate_refuse(&g);
	int events = probe_wait(fd, POLLOUT, 20000);
	CHECK(events == (POLLOUT | POLLERR | POLLHUP), "poll: events %#x",
		events);
	return fd;
}

static void works_again(int fd)
{
	gate_connect(&good, fd);
	CHECK(!probe_wait(fd, POLLIN | POLLOUT, 0), "pending: events");
	int e = probe_so_error(fd);
	CHECK(!e, "pending: SO_ERROR %s", probe_errno(e));
	gate_finish(&good, fd);
	close(fd);
	CHECK(gate_seen(&good) == 1, "asked for %d times", gate_seen(&good));
}

static void so_error_is(int fd, int expected)
{
	int e = probe_so_error(fd);

	CHECK(e == expected, "SO_ERROR: %s, not %s", probe_errno(e),
		probe_errno(expected));
}

static void error_once(void)
{
	struct probe_addr peer = {.len = sizeof(peer.storage)};
	int fd = refused();

	CHECK_ERR(getpeername(fd, &peer.sa, &peer.len), ENOTCONN);
	so_error_is(fd, ECONNREFUSED);
	so_error_is(fd, 0);
	CHECK_ERR(getpeername(fd, &peer.sa, &peer.len), ENOTCONN);
	CHECK_ERR(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	close(fd);
}

/* SO_ERROR has the error, connect() learns only that it is over. */
static void connect_after_so_error(void)
{
	int fd = refused();

	so_error_is(fd, ECONNREFUSED);
	CHECK_ERR(connect(fd, &good.addr.sa, good.addr.len), ECONNABORTED);
	works_again(fd);
}

static void connect_has_the_error(void)
{
	int fd = refused();

	CHECK_ERR(connect(fd, &good.addr.sa, good.addr.len), ECONNREFUSED);
	so_error_is(fd, 0);
	works_again(fd);
}

/* As above, by a program that does not wait but asks again and again. */
static void connect_polled(void)
{
	int r;

	gate_new(&g);
	gate_new(&good);
	int fd = gate_begin(&g);
	gate_refuse(&g);
	long end = probe_now_ms() + 20000;
	while ((r = connect(fd, &g.addr.sa, g.addr.len)) && errno == EALREADY) {
		CHECK(probe_now_ms() < end, "EALREADY for ever");
		poll(NULL, 0, 1);
	}
	CHECK(r && errno == ECONNREFUSED, "connect: %d %s", r,
		probe_errno(errno));
	works_again(fd);
}

static void read_has_the_error(void)
{
	int fd = refused();
	char c;

	CHECK_ERR(read(fd, &c, 1), ECONNREFUSED);
	so_error_is(fd, 0);
	CHECK(read(fd, &c, 1) == 0, "read: %s", probe_errno(errno));
	close(fd);
}

static void read_after_so_error(void)
{
	int fd = refused();
	char c;

	so_error_is(fd, ECONNREFUSED);
	CHECK(recv(fd, &c, 1, 0) == 0, "recv: %s", probe_errno(errno));
	close(fd);
}

static void write_has_the_error(void)
{
	int fd = refused();

	CHECK_ERR(send(fd, "x", 1, MSG_NOSIGNAL), ECONNREFUSED);
	so_error_is(fd, 0);
	CHECK_ERR(send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	close(fd);
}

/* A copy is asked for the error; the number itself has it no more. */
static void error_by_a_copy(void)
{
	gate_new(&g);
	gate_new(&good);
	int fd = gate_begin(&g), copy = dup(fd);
	gate_refuse(&g);
	CHECK(probe_wait(fd, POLLOUT, 20000) & POLLERR, "poll: no error");
	so_error_is(copy, ECONNREFUSED);
	so_error_is(fd, 0);
	CHECK_ERR(connect(copy, &good.addr.sa, good.addr.len), ECONNABORTED);
	close(copy);
	works_again(fd);
}

static void options_are_kept(void)
{
	int on = 1;

	gate_new(&g);
	gate_new(&good);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK | SOCK_CLOEXEC);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	gate_connect(&g, fd);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	gate_refuse(&g);
	CHECK(probe_wait(fd, POLLOUT, 20000) & POLLERR, "poll: no error");
	CHECK(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK), "file flags %#x",
		fcntl(fd, F_GETFL));
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC, "FD_CLOEXEC is lost");
	CHECK(probe_option(fd, IPPROTO_TCP, TCP_NODELAY), "TCP_NODELAY");
	CHECK(probe_option(fd, SOL_SOCKET, SO_KEEPALIVE), "SO_KEEPALIVE");
	close(fd);
}

/* ---- given up by the program */

/* Linux tells that the attempt is over by an error that nobody sent. */
static void ended(int fd)
{
	int events = probe_wait(fd, POLLOUT, 20000);

	CHECK(events == (POLLOUT | POLLERR | POLLHUP), "poll: events %#x",
		events);
}

static void shut_down(int how)
{
	gate_new(&g);
	gate_new(&good);
	int fd = gate_begin(&g);
	CHECK(!shutdown(fd, how), "shutdown: %s", probe_errno(errno));
	ended(fd);
	gate_gone(&g);
	so_error_is(fd, ECONNRESET);
	so_error_is(fd, 0);
	close(fd);
}

static void shutdown_rd(void)
{
	shut_down(SHUT_RD);
}

static void shutdown_wr(void)
{
	shut_down(SHUT_WR);
}

static void shutdown_rdwr(void)
{
	shut_down(SHUT_RDWR);
}

/* A thread that waits for the connect is told, as when a program wants to
 * end another thread's wait. */
static void wait_out(struct waiter *w)
{
	w->result = probe_wait(w->fd, POLLOUT, 20000);
}

static void shutdown_wakes(void)
{
	gate_new(&g);
	struct waiter w = {.fd = gate_begin(&g), .run = wait_out};
	check_thread(&w);
	CHECK(!shutdown(w.fd, SHUT_RDWR), "shutdown: %s", probe_errno(errno));
	check_join(&w);
	CHECK(w.result == (POLLOUT | POLLERR | POLLHUP), "events %#x",
		w.result);
	close(w.fd);
}

static void shutdown_and_again(void)
{
	gate_new(&g);
	gate_new(&good);
	int fd = gate_begin(&g);
	CHECK(!shutdown(fd, SHUT_RDWR), "shutdown: %s", probe_errno(errno));
	works_again(fd);
	gate_gone(&g);
}

static void dissolve(int fd)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	CHECK(!connect(fd, &none, sizeof(none)), "AF_UNSPEC: %s",
		probe_errno(errno));
}

static void unspec(void)
{
	gate_new(&g);
	int fd = gate_begin(&g);
	dissolve(fd);
	ended(fd);
	gate_gone(&g);
	so_error_is(fd, ECONNRESET);
	so_error_is(fd, 0);
	close(fd);
}

static void unspec_and_again(void)
{
	gate_new(&g);
	gate_new(&good);
	int fd = gate_begin(&g);
	dissolve(fd);
	works_again(fd);
	gate_gone(&g);
}

/* Many times, and the answer comes at the same time. */
static void unspec_race(void)
{
	gate_new(&g);
	gate_new(&good);
	gate_go(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	for (int i = 0; i < 50; i++) {
		int r = connect(fd, &g.addr.sa, g.addr.len);
		CHECK(!r || errno == EINPROGRESS, "connect %d: %s", i,
			probe_errno(errno));
		if (i % 2)
			probe_wait(fd, POLLOUT, i % 7);
		dissolve(fd);
	}
	works_again(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "error-once", .run = error_once},
		{.name = "connect-after-so-error",
			.run = connect_after_so_error},
		{.name = "connect-has-the-error", .run = connect_has_the_error},
		{.name = "connect-polled", .run = connect_polled},
		{.name = "read-has-the-error", .run = read_has_the_error},
		{.name = "read-after-so-error", .run = read_after_so_error},
		{.name = "write-has-the-error", .run = write_has_the_error},
		{.name = "error-by-a-copy", .run = error_by_a_copy},
		{.name = "options-are-kept", .run = options_are_kept},
		{.name = "shutdown-rd", .run = shutdown_rd},
		{.name = "shutdown-wr", .run = shutdown_wr},
		{.name = "shutdown-rdwr", .run = shutdown_rdwr},
		{.name = "shutdown-wakes", .run = shutdown_wakes},
		{.name = "shutdown-and-again", .run = shutdown_and_again},
		{.name = "unspec", .run = unspec},
		{.name = "unspec-and-again", .run = unspec_and_again},
		{.name = "unspec-race", .run = unspec_race},
	};

	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}
