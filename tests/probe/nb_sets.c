/*
 * Pending connects and epoll sets that stand in other sets, have other numbers,
 * are many, or are waited for by threads already.
 *
 * Arguments: see probe_gate.h
 */
#include "probe_epoll.h"
#include "probe_gate.h"

#include <sys/eventfd.h>

#define TAG       0x1122334455667788
#define OTHER_TAG 0x8877665544332211
#define BOTH      (EPOLLIN | EPOLLOUT)
#define MANY      50
#define OLD       16
#define LIMIT_MS  20000

static struct gate g;

static void two_sets(void)
{
	int one = set_new(), two = set_new();

	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	set_control(one, EPOLL_CTL_ADD, fd, BOTH, TAG);
	gate_connect(&g, fd);
	set_control(two, EPOLL_CTL_ADD, fd, BOTH | EPOLLET, OTHER_TAG);
	set_quiet(one, 0);
	set_quiet(two, 0);
	gate_go(&g);
	set_expect(one, EPOLLOUT, TAG);
	set_expect(two, EPOLLOUT, OTHER_TAG);
	set_expect(one, EPOLLOUT, TAG);
	set_quiet(two, 0);
	gate_check(&g, fd);
	close(fd);
}

/* A copy of the number, registered beside it. */
static void copy_beside(void)
{
	struct epoll_event e[3];
	int set = set_new();

	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK), copy = dup(fd);
	set_control(set, EPOLL_CTL_ADD, fd, BOTH, TAG);
	set_control(set, EPOLL_CTL_ADD, copy, BOTH, OTHER_TAG);
	gate_connect(&g, fd);
	set_quiet(set, 0);
	gate_go(&g);
	CHECK(probe_wait(copy, POLLOUT, LIMIT_MS) == POLLOUT, "poll");
	CHECK(epoll_wait(set, e, 3, LIMIT_MS) == 2 && e[0].events == EPOLLOUT &&
			e[1].events == EPOLLOUT,
		"not both: %#x, %#x", e[0].events, e[1].events);
	CHECK(e[0].data.u64 != e[1].data.u64, "one registration twice");
	set_control(set, EPOLL_CTL_DEL, fd, 0, 0);
	set_expect(set, EPOLLOUT, OTHER_TAG);
	gate_check(&g, copy);
	close(copy);
	close(fd);
}

static void set_in_a_set(void)
{
	int outer = set_new(), inner = set_new();

	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	set_control(outer, EPOLL_CTL_ADD, inner, EPOLLIN, OTHER_TAG);
	set_control(inner, EPOLL_CTL_ADD, fd, BOTH, TAG);
	gate_connect(&g, fd);
	set_quiet(outer, 0);
	gate_go(&g);
	set_expect(outer, EPOLLIN, OTHER_TAG);
	set_expect(inner, EPOLLOUT, TAG);
	gate_check(&g, fd);
	close(fd);
	set_quiet(outer, 0);
}

/* The set is known by another number than when the socket went in. */
static void set_moved(void)
{
	int set = set_new();

	gate_new(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	set_control(set, EPOLL_CTL_ADD, fd, BOTH | EPOLLET, TAG);
	int moved = dup(set);
	close(set);
	gate_connect(&g, fd);
	set_quiet(moved, 0);
	gate_go(&g);
	set_expect(moved, EPOLLOUT, TAG);
	gate_check(&g, fd);
	close(fd);
}

/* Other files that were registered by the number are in the set still, since
 * somebody has copies of them. */
static void old_files_of_the_number(void)
{
	int set = set_new(), fd = -1;

	gate_new(&g);
	for (int i = 0; i < OLD; i++) {
		int old = eventfd(0, 0);
		CHECK(fd < 0 || old == fd, "number %d, not %d", old, fd);
		fd = old;
		set_control(set, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, i);
		CHECK(fcntl(fd, F_DUPFD, fd + OLD) > fd, "no copy");
		close(fd);
	}
	CHECK(probe_socket(&g.addr, SOCK_NONBLOCK) == fd, "another number");
	set_control(set, EPOLL_CTL_ADD, fd, BOTH | EPOLLONESHOT, TAG);
	gate_connect(&g, fd);
	gate_go(&g);
	set_expect(set, EPOLLOUT, TAG);
	gate_check(&g, fd);
}

/* So many that the connect may be over when connect() returns. */
static void many_sets(void)
{
	int sets[MANY];

	gate_new(&g);
	gate_go(&g);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	for (int i = 0; i < MANY; i++) {
		sets[i] = set_new();
		set_control(sets[i], EPOLL_CTL_ADD, fd, BOTH | EPOLLET, i);
	}
	int r = connect(fd, &g.addr.sa, g.addr.len);
	CHECK(!r || errno == EINPROGRESS, "connect: %s", probe_errno(errno));
	for (int i = 0; i < MANY; i++)
		set_expect(sets[i], EPOLLOUT, i);
	gate_check(&g, fd);
	close(fd);
}

struct blocked {
	struct waiter w;
	struct epoll_event event;
};

static void wait_for_event(struct waiter *w)
{
	struct blocked *b = (struct blocked *)w;

	b->w.result = epoll_wait(w->fd, &b->event, 1, -1);
}

static void thread_waits(unsigned int events, bool words, bool nested)
{
	int set = set_new(), outer = set_new();
	struct blocked b = {
		.w = {.fd = nested ? outer : set, .run = wait_for_event}};
	unsigned int expected = nested || words ? EPOLLIN : EPOLLOUT;

	gate_new(&g);
	set_control(outer, EPOLL_CTL_ADD, set, EPOLLIN, TAG);
	int fd = probe_socket(&g.addr, SOCK_NONBLOCK);
	set_control(set, EPOLL_CTL_ADD, fd, events, TAG);
	gate_connect(&g, fd);
	check_thread(&b.w);
	if (words)
		gate_go_saying(&g, "hello");
	else
		gate_go(&g);
	check_join(&b.w);
	CHECK(b.w.result == 1 && b.event.events == expected &&
			b.event.data.u64 == TAG,
		"epoll_wait: %d, events %#x", b.w.result, b.event.events);
	if (!words)
		gate_check(&g, fd);
	else
		CHECK(recv(fd, &(char){0}, 1, 0) == 1, "nothing to read: %s",
			probe_errno(errno));
	close(fd);
}

static void thread_level(void)
{
	thread_waits(BOTH, false, false);
}

static void thread_edge(void)
{
	thread_waits(BOTH | EPOLLET, false, false);
}

static void thread_for_words(void)
{
	thread_waits(EPOLLIN, true, false);
}

static void thread_for_words_edge(void)
{
	thread_waits(EPOLLIN | EPOLLET, true, false);
}

static void thread_in_outer_set(void)
{
	thread_waits(BOTH, false, true);
}

/* Each of many says it once. */
static void many(void)
{
	int set = set_new(), fds[MANY], n_told = 0;
	bool told[MANY] = {false};
	struct epoll_event e;

	gate_new(&g);
	for (int i = 0; i < MANY; i++) {
		fds[i] = gate_begin(&g);
		set_control(set, EPOLL_CTL_ADD, fds[i], BOTH | EPOLLET, i);
	}
	set_quiet(set, 0);
	gate_go(&g);
	while (n_told < MANY) {
		CHECK(epoll_wait(set, &e, 1, LIMIT_MS) == 1,
			"%d of %d have "
			"been told",
			n_told, MANY);
		CHECK(e.events == EPOLLOUT && e.data.u64 < MANY &&
				!told[e.data.u64],
			"%d: events %#x", (int)e.data.u64, e.events);
		told[e.data.u64] = true;
		n_told++;
	}
	set_quiet(set, 20);
	for (int i = 0; i < MANY; i++) {
		gate_check(&g, fds[i]);
		close(fds[i]);
	}
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "two-sets", .run = two_sets},
		{.name = "copy-beside", .run = copy_beside},
		{.name = "set-in-a-set", .run = set_in_a_set},
		{.name = "set-moved", .run = set_moved},
		{.name = "old-files-of-the-number",
			.run = old_files_of_the_number},
		{.name = "many-sets", .run = many_sets},
		{.name = "thread-level", .run = thread_level},
		{.name = "thread-edge", .run = thread_edge},
		{.name = "thread-for-words", .run = thread_for_words},
		{.name = "thread-for-words-edge", .run = thread_for_words_edge},
		{.name = "thread-in-outer-set", .run = thread_in_outer_set},
		{.name = "many", .run = many},
	};

	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}
