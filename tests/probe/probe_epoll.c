#include "probe_epoll.h"

int set_new(void)
{
	int set = epoll_create1(EPOLL_CLOEXEC);

	CHECK(set >= 0, "epoll_create1: %s", probe_errno(errno));
	return set;
}

void set_control(int set, int op, int fd, unsigned int events, uint64_t tag)
{
	struct epoll_event e = {.events = events, .data.u64 = tag};

	CHECK(!epoll_ctl(set, op, fd, &e), "epoll_ctl %d: %s", op,
		probe_errno(errno));
}

void set_quiet(int set, int ms)
{
	struct epoll_event e = {0};
	int n = epoll_wait(set, &e, 1, ms);

	CHECK(n == 0, "epoll_wait: %d, events %#x", n, e.events);
}

void set_expect(int set, unsigned int events, uint64_t tag)
{
	struct epoll_event e[2] = {{0}};
	int n = epoll_wait(set, e, 2, 20000);

	CHECK(n == 1, "epoll_wait: %d", n);
	CHECK(e[0].events == events, "events %#x, not %#x", e[0].events,
		events);
	CHECK(e[0].data.u64 == tag, "data of another registration");
}
