/*
 * What epoll says of a pending connect: sets that know the socket before, while
 * or after it is pending; what the registrations are is theirs to the end.
 *
 * Arguments: see probe_gate.h
 */
#include "probe_epoll.h"
#include "probe_gate.h"

#define TAG       0x1122334455667788
#define OTHER_TAG 0x8877665544332211
#define BOTH      (EPOLLIN | EPOLLOUT)
#define LIMIT_MS  20000

/* When a set hears of the socket. */
enum when {
	BEFORE,
	PENDING,
	AFTER
};

static struct gate g;

/* What is left of the registration when the connect is over. */
static void after_the_event(int set, int fd, unsigned int flags)
{
	char c = 0;

	if (flags & (EPOLLET | EPOLLONESHOT))
		set_quiet(set, 20);
	else
		set_expect(set, EPOLLOUT, TAG);
	probe_send(fd, "x", 1);
	CHECK(probe_wait(fd, POLLIN, LIMIT_MS) == POLLIN, "no echo");
	if (flags & EPOLLONESHOT) {
		set_quiet(set, 20);
		set_control(set, EPOLL_CTL_MOD, fd, BOTH | flags, TAG);
	}
	set_expect(set, BOTH, TAG);
	CHECK(recv(fd, &c, 1, 0) == 1 && c == 'x', "echo: '%c'", c);
	if (flags & (EPOLLET | EPOLLONESHOT))
		set_quiet(set, 0);
	gate_check(&g, fd);
}

static void registered(enum when when, unsigned int flags)
{
	int set = set_new();

	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	if (when == BEFORE)
		set_control(set, EPOLL_CTL_ADD, fd, BOTH | flags, TAG);
	gate_connect(&g, fd);
	if (when == PENDING)
		set_control(set, EPOLL_CTL_ADD, fd, BOTH | flags, TAG);
	set_quiet(set, 0);
	gate_go(&g);
	if (when == AFTER) {
		CHECK(probe_wait(fd, POLLOUT, LIMIT_MS) == POLLOUT, "poll");
		set_control(set, EPOLL_CTL_ADD, fd, BOTH | flags, TAG);
	}
	set_expect(set, EPOLLOUT, TAG);
	after_the_event(set, fd, flags);
	close(fd);
	set_quiet(set, 0);
	close(set);
}

#define REGISTERED(name, flags)                                                \
	static void name##_before(void)                                        \
	{                                                                      \
		registered(BEFORE, flags);                                     \
	}                                                                      \
	static void name##_pending(void)                                       \
	{                                                                      \
		registered(PENDING, flags);                                    \
	}                                                                      \
	static void name##_after(void)                                         \
	{                                                                      \
		registered(AFTER, flags);                                      \
	}

REGISTERED(level, 0)
REGISTERED(edge, EPOLLET)
REGISTERED(oneshot, EPOLLONESHOT)
REGISTERED(exclusive, EPOLLEXCLUSIVE)

/* The events of a failure, once or for as long as they are there. */
static void refused_with(unsigned int flags)
{
	const unsigned int failed = BOTH | EPOLLERR | EPOLLHUP | EPOLLRDHUP;
	int before = set_new(), pending = set_new();

	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	set_control(before, EPOLL_CTL_ADD, fd, BOTH | EPOLLRDHUP | flags, TAG);
	gate_connect(&g, fd);
	set_control(pending, EPOLL_CTL_ADD, fd, EPOLLOUT | flags, TAG);
	gate_refuse(&g);
	set_expect(before, failed, TAG);
	set_expect(pending, EPOLLOUT | EPOLLERR | EPOLLHUP, TAG);
	if (flags)
		set_quiet(before, 20);
	else
		set_expect(before, failed, TAG);
	int e = probe_so_error(fd);
	CHECK(e == ECONNREFUSED, "SO_ERROR %s", probe_errno(e));
	close(fd);
	set_quiet(before, 0);
}

static void level_refused(void)
{
	refused_with(0);
}

static void edge_refused(void)
{
	refused_with(EPOLLET);
}

/* A registration that is used up before the connect stays so. */
static void oneshot_spent(void)
{
	int set = set_new();

	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	set_control(set, EPOLL_CTL_ADD, fd, BOTH | EPOLLONESHOT, TAG);
	set_expect(set, EPOLLOUT | EPOLLHUP, TAG);
	gate_connect(&g, fd);
	gate_finish(&g, fd);
	set_quiet(set, 20);
	set_control(set, EPOLL_CTL_MOD, fd, EPOLLOUT, OTHER_TAG);
	set_expect(set, EPOLLOUT, OTHER_TAG);
	close(fd);
}

static void modified(void)
{
	int set = set_new();

	gate_new(&g);
	int fd = gate_begin(&g);
	set_control(set, EPOLL_CTL_ADD, fd, EPOLLIN, TAG);
	set_control(set, EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLET, OTHER_TAG);
	set_quiet(set, 0);
	gate_go(&g);
	set_expect(set, EPOLLOUT, OTHER_TAG);
	set_quiet(set, 0);
	set_control(set, EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLET, TAG);
	set_expect(set, EPOLLOUT, TAG);
	gate_check(&g, fd);
	close(fd);
}

static void taken_out(void)
{
	int set = set_new(), back = set_new();
	struct epoll_event e = {.events = BOTH};

	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	set_control(set, EPOLL_CTL_ADD, fd, BOTH, TAG);
	set_control(back, EPOLL_CTL_ADD, fd, BOTH, TAG);
	gate_connect(&g, fd);
	CHECK_ERR(epoll_ctl(set, EPOLL_CTL_ADD, fd, &e), EEXIST);
	set_control(set, EPOLL_CTL_DEL, fd, 0, 0);
	set_control(back, EPOLL_CTL_DEL, fd, 0, 0);
	CHECK_ERR(epoll_ctl(set, EPOLL_CTL_DEL, fd, &e), ENOENT);
	CHECK_ERR(epoll_ctl(set, EPOLL_CTL_MOD, fd, &e), ENOENT);
	set_control(back, EPOLL_CTL_ADD, fd, EPOLLOUT, OTHER_TAG);
	gate_go(&g);
	set_expect(back, EPOLLOUT, OTHER_TAG);
	set_quiet(set, 20);
	CHECK_ERR(epoll_ctl(set, EPOLL_CTL_DEL, fd, &e), ENOENT);
	gate_check(&g, fd);
	close(fd);
}

/* The number is another socket's at once, and may be registered. */
static void closed(void)
{
	int set = set_new(), fd;
	struct gate gone;

	gate_new(&gone);
	gate_new(&g);
	fd = probe_socket(&gone.addr, SOCK_NONBLOCK);
	set_control(set, EPOLL_CTL_ADD, fd, BOTH, TAG);
	gate_connect(&gone, fd);
	close(fd);
	set_quiet(set, 0);
	CHECK(probe_socket(&g.addr, SOCK_NONBLOCK) == fd, "another number");
	gate_connect(&g, fd);
	set_control(set, EPOLL_CTL_ADD, fd, BOTH, OTHER_TAG);
	gate_go(&gone);
	set_quiet(set, 20);
	gate_go(&g);
	set_expect(set, EPOLLOUT, OTHER_TAG);
	gate_check(&g, fd);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "level-before", .run = level_before},
		{.name = "level-pending", .run = level_pending},
		{.name = "level-after", .run = level_after},
		{.name = "edge-before", .run = edge_before},
		{.name = "edge-pending", .run = edge_pending},
		{.name = "edge-after", .run = edge_after},
		{.name = "oneshot-before", .run = oneshot_before},
		{.name = "oneshot-pending", .run = oneshot_pending},
		{.name = "oneshot-after", .run = oneshot_after},
		{.name = "exclusive-before", .run = exclusive_before},
		{.name = "exclusive-pending", .run = exclusive_pending},
		{.name = "exclusive-after", .run = exclusive_after},
		{.name = "level-refused", .run = level_refused},
		{.name = "edge-refused", .run = edge_refused},
		{.name = "oneshot-spent", .run = oneshot_spent},
		{.name = "modified", .run = modified},
		{.name = "taken-out", .run = taken_out},
		{.name = "closed", .run = closed},
	};

	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}
