/*
 * A connect on a non-blocking socket, waited for in each way a program can
 * wait. connect() may give 0 or EINPROGRESS; either way the socket becomes
 * writable, without an error, and carries data.
 *
 * connect_nb HOST PORT MODE
 * HOST PORT	an echo
 * MODE		poll, select, epoll-before, epoll-after (registered before or
 *		after connect), epoll-et (edge-triggered), epoll-oneshot,
 *		epoll-mod (changed meanwhile), epoll-del (taken out and put
 *		back), epoll-dup (by a copy of the descriptor)
 */
#include "probe.h"

#include <sys/epoll.h>
#include <sys/select.h>

#define TAG 0x1122334455667788

static const char *mode;
static int ep, watched;

static bool mode_is(const char *name)
{
	return !strcmp(mode, name);
}

static void control(int op, unsigned int events)
{
	struct epoll_event e = {.events = events, .data.u64 = TAG};

	CHECK(!epoll_ctl(ep, op, watched, &e), "epoll_ctl %d: %s", op,
		probe_errno(errno));
}

static void before(int fd)
{
	unsigned int more = mode_is("epoll-et")        ? EPOLLET
			    : mode_is("epoll-oneshot") ? EPOLLONESHOT
						       : 0;

	ep = epoll_create1(EPOLL_CLOEXEC);
	watched = mode_is("epoll-dup") ? dup(fd) : fd;
	if (!strncmp(mode, "epoll-", 6) && !mode_is("epoll-after"))
		control(EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | more);
}

static void meanwhile(void)
{
	if (mode_is("epoll-after"))
		control(EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
	if (mode_is("epoll-mod"))
		control(EPOLL_CTL_MOD, EPOLLOUT);
	if (mode_is("epoll-del")) {
		control(EPOLL_CTL_DEL, 0);
		control(EPOLL_CTL_ADD, EPOLLOUT);
	}
}

static void wait_epoll(unsigned int wanted)
{
	struct epoll_event e[2];
	int n = epoll_wait(ep, e, 2, 20000);

	CHECK(n == 1, "epoll_wait: %d", n);
	CHECK(e[0].data.u64 == TAG, "another registration's event");
	CHECK((e[0].events & wanted) && !(e[0].events & (EPOLLERR | EPOLLHUP)),
		"epoll_wait: events %#x", e[0].events);
}

static void wait_writable(int fd)
{
	if (mode_is("poll")) {
		int events = probe_wait(fd, POLLIN | POLLOUT, 20000);
		CHECK(events == POLLOUT, "poll: events %#x", events);
	} else if (mode_is("select")) {
		struct timeval tv = {.tv_sec = 20};
		fd_set r, w, x;
		FD_ZERO(&r);
		FD_SET(fd, &r);
		w = x = r;
		int n = select(fd + 1, &r, &w, &x, &tv);
		CHECK(n == 1 && FD_ISSET(fd, &w), "select: %d%s%s", n,
			n > 0 && FD_ISSET(fd, &r) ? ", readable" : "",
			n > 0 && FD_ISSET(fd, &x) ? ", exception" : "");
	} else {
		wait_epoll(EPOLLOUT);
	}
}

/* What the registration is for is still seen once data come. */
static void check_data(int fd)
{
	char in[3] = "";

	if (mode_is("epoll-oneshot"))
		CHECK(epoll_wait(ep, (struct epoll_event[1]){0}, 1, 0) == 0,
			"EPOLLONESHOT: a second event");
	if (mode_is("epoll-et")) {
		probe_send(fd, "abc", 3);
		CHECK(probe_wait(fd, POLLIN, 10000) == POLLIN, "no echo");
		wait_epoll(EPOLLIN);
		CHECK(probe_recv(fd, in, 3, 10000) == 3 &&
				!memcmp(in, "abc", 3),
			"echo: '%.3s'", in);
	} else if (!strncmp(mode, "epoll-", 6)) {
		control(EPOLL_CTL_MOD, EPOLLIN);
		probe_send(fd, "abc", 3);
		wait_epoll(EPOLLIN);
		CHECK(probe_recv(fd, in, 3, 10000) == 3 &&
				!memcmp(in, "abc", 3),
			"echo: '%.3s'", in);
	}
	probe_echo(fd);
}

int main(int argc, char **argv)
{
	struct probe_addr a;

	probe_positional(argc, argv, 3, 3, "HOST PORT MODE");
	mode = argv[3];
	static const char modes[] =
		" poll select epoll-before epoll-after epoll-et epoll-oneshot "
		"epoll-mod epoll-del epoll-dup ";
	char key[32];
	snprintf(key, sizeof(key), " %s ", mode);
	if (!strstr(modes, key))
		probe_usage("HOST PORT MODE");
	probe_watchdog(60);
	probe_resolve(&a, argv[1], argv[2]);
	int fd = probe_socket(&a, SOCK_NONBLOCK);
	before(fd);
	CHECK(!connect(fd, &a.sa, a.len) || errno == EINPROGRESS,
		"connect %s: %s", probe_str(&a), probe_errno(errno));
	meanwhile();
	wait_writable(fd);
	CHECK(!probe_so_error(fd), "SO_ERROR: not 0");
	CHECK(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK), "file flags %#x",
		fcntl(fd, F_GETFL));
	check_data(fd);
	return 0;
}
