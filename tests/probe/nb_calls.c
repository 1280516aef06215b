/*
 * What a program may ask of a socket whose connect is pending, and what it
 * sets: it is all the same socket, then and when it is connected.
 *
 * Arguments: see probe_gate.h
 */
#include "probe_gate.h"

#include <netinet/ip.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define BULK (256 * 1024)

static struct gate g;

static int begin(void)
{
	gate_new(&g);
	return gate_begin(&g);
}

static void set(int fd, int level, int name, int value)
{
	CHECK(!setsockopt(fd, level, name, &value, sizeof(value)),
		"setsockopt %d %d: %s", level, name, probe_errno(errno));
}

static void is(int fd, int level, int name, int value)
{
	int seen = probe_option(fd, level, name);

	CHECK(seen == value, "getsockopt %d %d: %d, not %d", level, name, seen,
		value);
}

static int tcp_state(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	CHECK(!getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len),
		"TCP_INFO: %s", probe_errno(errno));
	return info.tcpi_state;
}

static void connect_again(void)
{
	struct gate other;

	gate_new(&other);
	int fd = begin();
	CHECK_ERR(connect(fd, &g.addr.sa, g.addr.len), EALREADY);
	CHECK_ERR(connect(fd, &other.addr.sa, other.addr.len), EALREADY);
	CHECK_ERR(connect(fd, &g.addr.sa, g.addr.len), EALREADY);
	gate_finish(&g, fd);
	/* Linux: the first one learns of the success, and is told 0. */
	int r = connect(fd, &g.addr.sa, g.addr.len);
	CHECK(!r || errno == EISCONN, "once connected: %s", probe_errno(errno));
	CHECK_ERR(connect(fd, &g.addr.sa, g.addr.len), EISCONN);
	CHECK_ERR(connect(fd, &other.addr.sa, other.addr.len), EISCONN);
	probe_echo(fd);
	close(fd);
	CHECK(gate_seen(&g) == 1, "asked for %d times", gate_seen(&g));
	CHECK(gate_seen(&other) == 0, "the other one was asked for");
}

static void what_it_is(int fd, int state)
{
	is(fd, SOL_SOCKET, SO_ERROR, 0);
	is(fd, SOL_SOCKET, SO_TYPE, SOCK_STREAM);
	is(fd, SOL_SOCKET, SO_DOMAIN, g.addr.sa.sa_family);
	is(fd, SOL_SOCKET, SO_PROTOCOL, IPPROTO_TCP);
	is(fd, SOL_SOCKET, SO_ACCEPTCONN, 0);
	int seen = tcp_state(fd);
	CHECK(seen == state, "TCP_INFO: state %d, not %d", seen, state);
}

static void state(void)
{
	int fd = begin();

	what_it_is(fd, TCP_SYN_SENT);
	gate_finish(&g, fd);
	what_it_is(fd, TCP_ESTABLISHED);
	close(fd);
}

static const struct setting {
	int level, name, set, seen;
} settings[] = {
	{IPPROTO_TCP, TCP_NODELAY, 1, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 99, 99},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, 25000, 25000},
	{SOL_SOCKET, SO_KEEPALIVE, 1, 1},
	{SOL_SOCKET, SO_RCVBUF, 70000, 140000},
	{SOL_SOCKET, SO_SNDBUF, 60000, 120000}, {SOL_SOCKET, SO_RCVLOWAT, 1, 1},
	{SOL_SOCKET, SO_OOBINLINE, 1, 1},
	{IPPROTO_IP, IP_TOS, IPTOS_LOWDELAY, IPTOS_LOWDELAY},
	{IPPROTO_IP, IP_TTL, 61, 61},
	{SOL_SOCKET, SO_PRIORITY, 3, 3}, /* IP_TOS sets it too */
};

static void settings_are(int fd)
{
	for (int i = 0; i < PROBE_LEN(settings); i++)
		is(fd, settings[i].level, settings[i].name, settings[i].seen);
}

static void apply_settings(int fd)
{
	for (int i = 0; i < PROBE_LEN(settings); i++)
		set(fd, settings[i].level, settings[i].name, settings[i].set);
}

static void options_before(void)
{
	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	apply_settings(fd);
	gate_connect(&g, fd);
	settings_are(fd);
	gate_finish(&g, fd);
	settings_are(fd);
	close(fd);
}

static void options_pending(void)
{
	struct linger linger = {1, 7}, seen = {0};
	socklen_t len = sizeof(seen);
	int fd = begin();

	apply_settings(fd);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	settings_are(fd);
	gate_finish(&g, fd);
	settings_are(fd);
	CHECK(!getsockopt(fd, SOL_SOCKET, SO_LINGER, &seen, &len) &&
			seen.l_onoff == 1 && seen.l_linger == 7,
		"SO_LINGER: %d %d", seen.l_onoff, seen.l_linger);
	close(fd);
}

/* Fewer bytes than it says do not make the socket readable. */
static void rcvlowat(bool early)
{
	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	if (early)
		set(fd, SOL_SOCKET, SO_RCVLOWAT, 50);
	gate_connect(&g, fd);
	if (!early)
		set(fd, SOL_SOCKET, SO_RCVLOWAT, 50);
	is(fd, SOL_SOCKET, SO_RCVLOWAT, 50);
	gate_go_saying(&g, "few");
	CHECK(probe_wait(fd, POLLOUT, 20000) == POLLOUT, "poll");
	is(fd, SOL_SOCKET, SO_RCVLOWAT, 50);
	CHECK(!probe_wait(fd, POLLIN, 20), "readable: SO_RCVLOWAT is lost");
	set(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
	CHECK(probe_wait(fd, POLLIN, 20000) == POLLIN, "poll for 1 byte");
	close(fd);
}

static void rcvlowat_before(void)
{
	rcvlowat(true);
}

static void rcvlowat_pending(void)
{
	rcvlowat(false);
}

static struct probe_addr own_name(int fd)
{
	struct probe_addr own = {.len = sizeof(own.storage)};

	CHECK(!getsockname(fd, &own.sa, &own.len), "getsockname: %s",
		probe_errno(errno));
	CHECK(own.sa.sa_family == g.addr.sa.sa_family && own.len == g.addr.len,
		"getsockname: family %d, %d bytes", own.sa.sa_family,
		(int)own.len);
	return own;
}

static void names(void)
{
	struct probe_addr peer = {.len = sizeof(peer.storage)};
	int fd = begin();

	CHECK_ERR(getpeername(fd, &peer.sa, &peer.len), ENOTCONN);
	own_name(fd);
	gate_finish(&g, fd);
	CHECK(own_name(fd).in.sin_port, "getsockname: port 0");
	close(fd);
}

static void names_when_bound(void)
{
	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	struct probe_addr own = {.len = g.addr.len};
	own.sa.sa_family = g.addr.sa.sa_family;
	CHECK(!bind(fd, &own.sa, own.len), "bind: %s", probe_errno(errno));
	in_port_t port = own_name(fd).in.sin_port;
	gate_connect(&g, fd);
	CHECK(own_name(fd).in.sin_port == port, "another port while pending");
	CHECK_ERR(bind(fd, &own.sa, own.len), EINVAL);
	CHECK_ERR(listen(fd, 5), EINVAL);
	gate_finish(&g, fd);
	CHECK(own_name(fd).in.sin_port == port, "another port afterwards");
	close(fd);
}

/* Nothing of what is refused here is among what gate_finish() gets back. */
static void sending(void)
{
	static char big[100000];
	struct iovec iov = {big, sizeof(big)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int fd = begin(), file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	CHECK_ERR(send(fd, "a", 1, 0), EAGAIN);
	CHECK_ERR(send(fd, "a", 1, MSG_DONTWAIT | MSG_NOSIGNAL), EAGAIN);
	CHECK_ERR(sendto(fd, "b", 1, MSG_MORE, NULL, 0), EAGAIN);
	CHECK_ERR(write(fd, "c", 1), EAGAIN);
	CHECK_ERR(write(fd, big, sizeof(big)), EAGAIN);
	CHECK_ERR(writev(fd, &iov, 1), EAGAIN);
	CHECK_ERR(sendmsg(fd, &msg, 0), EAGAIN);
	CHECK_ERR(sendfile(fd, file, NULL, 10), EAGAIN);
	CHECK(!probe_wait(fd, POLLIN | POLLOUT, 0), "ready by now");
	gate_finish(&g, fd);
	CHECK(!probe_wait(fd, POLLIN, 20), "more than was sent has come back");
	close(fd);
	close(file);
}

static void receiving(void)
{
	char in[10];
	struct iovec iov = {in, sizeof(in)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	int fd = begin(), n = -1;

	CHECK_ERR(recv(fd, in, sizeof(in), 0), EAGAIN);
	CHECK_ERR(recv(fd, in, sizeof(in), MSG_PEEK), EAGAIN);
	CHECK_ERR(recv(fd, in, sizeof(in), MSG_DONTWAIT | MSG_TRUNC), EAGAIN);
	CHECK_ERR(recvfrom(fd, in, sizeof(in), 0, NULL, NULL), EAGAIN);
	CHECK_ERR(recvmsg(fd, &msg, 0), EAGAIN);
	CHECK_ERR(read(fd, in, sizeof(in)), EAGAIN);
	CHECK_ERR(readv(fd, &iov, 1), EAGAIN);
	CHECK(!ioctl(fd, FIONREAD, &n) && n == 0, "FIONREAD: %d", n);
	gate_finish(&g, fd);
	close(fd);
}

static void blocks(int fd, bool expected)
{
	int fl = fcntl(fd, F_GETFL);

	CHECK((fl & O_ACCMODE) == O_RDWR && !(fl & O_NONBLOCK) == expected,
		"file flags %#x", fl);
}

static void flags(void)
{
	int fd = begin(), off = 0, on = 1;

	blocks(fd, false);
	CHECK(!fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND), "F_SETFL");
	CHECK(!fcntl(fd, F_SETFD, FD_CLOEXEC), "F_SETFD");
	CHECK(!fcntl(fd, F_SETOWN, getpid()), "F_SETOWN");
	CHECK(!ioctl(fd, FIONBIO, &off), "FIONBIO: %s", probe_errno(errno));
	blocks(fd, true);
	CHECK(!ioctl(fd, FIONBIO, &on), "FIONBIO: %s", probe_errno(errno));
	blocks(fd, false);
	gate_finish(&g, fd);
	int fl = fcntl(fd, F_GETFL);
	CHECK(fl == (O_RDWR | O_NONBLOCK | O_APPEND), "file flags %#x", fl);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC, "FD_CLOEXEC is lost");
	CHECK(fcntl(fd, F_GETOWN) == getpid(), "F_GETOWN: %d",
		fcntl(fd, F_GETOWN));
	close(fd);
}

static void made_blocking(void)
{
	int fd = begin(), off = 0;

	CHECK(!ioctl(fd, FIONBIO, &off), "FIONBIO: %s", probe_errno(errno));
	gate_finish(&g, fd);
	blocks(fd, true);
	CHECK(fcntl(fd, F_GETFD) == 0, "FD_CLOEXEC");
	close(fd);
	fd = begin();
	CHECK(!fcntl(fd, F_SETFL, 0), "F_SETFL");
	gate_finish(&g, fd);
	blocks(fd, true);
	close(fd);
}

static void *sent_back(void *arg)
{
	static char in[BULK];
	int fd = *(int *)arg;

	CHECK(probe_recv(fd, in, BULK, 20000) == BULK, "bytes are missing");
	for (int i = 0; i < BULK; i++)
		CHECK(in[i] == (char)(i * 7 + i / 256), "byte %d is wrong", i);
	return NULL;
}

static void bulk(void)
{
	static char out[BULK];
	pthread_t reader;
	int fd = begin();

	gate_finish(&g, fd);
	for (int i = 0; i < BULK; i++)
		out[i] = (char)(i * 7 + i / 256);
	CHECK(!pthread_create(&reader, NULL, sent_back, &fd), "pthread_create");
	probe_send(fd, out, BULK);
	pthread_join(reader, NULL);
	CHECK(!shutdown(fd, SHUT_WR), "shutdown: %s", probe_errno(errno));
	CHECK(probe_wait(fd, POLLIN | POLLRDHUP, 20000) ==
			(POLLIN | POLLRDHUP | POLLHUP),
		"no end of file");
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "connect-again", .run = connect_again},
		{.name = "state", .run = state},
		{.name = "options-before", .run = options_before},
		{.name = "options-pending", .run = options_pending},
		{.name = "rcvlowat-before", .run = rcvlowat_before},
		{.name = "rcvlowat-pending", .run = rcvlowat_pending},
		{.name = "names", .run = names},
		{.name = "names-when-bound", .run = names_when_bound},
		{.name = "sending", .run = sending},
		{.name = "receiving", .run = receiving},
		{.name = "flags", .run = flags},
		{.name = "made-blocking", .run = made_blocking},
		{.name = "bulk", .run = bulk},
	};

	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}
