/*
 * What poll, ppoll, select and pselect say of a pending connect: nothing, and
 * then that it is writable, also to threads that wait already.
 *
 * Arguments: see probe_gate.h
 */
#include "probe_gate.h"

#include <signal.h>
#include <sys/select.h>

#define ALL (POLLIN | POLLOUT | POLLPRI | POLLHUP | POLLERR | POLLRDHUP)
/* What poll() says of a connect that has failed, of all that. */
#define FAILED (POLLIN | POLLOUT | POLLHUP | POLLERR | POLLRDHUP)

#define BANNER "220 hello\r\n"

static struct gate g;

static int begin(void)
{
	gate_new(&g);
	return gate_begin(&g);
}

/* What ppoll() reports within so many ms; negative: without limit. */
static int by_ppoll(int fd, int events, int ms)
{
	struct pollfd p = {.fd = fd, .events = events};
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};
	sigset_t none;

	sigemptyset(&none);
	int n = ppoll(&p, 1, ms < 0 ? NULL : &ts, &none);
	CHECK(n >= 0, "ppoll: %s", probe_errno(errno));
	return n ? p.revents : 0;
}

/* The sets are given and told as poll()'s events. */
static int by_select(int fd, int events, int ms, bool masked)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};
	sigset_t none;
	fd_set r, w, x;

	sigemptyset(&none);
	FD_ZERO(&r);
	w = x = r;
	if (events & POLLIN)
		FD_SET(fd, &r);
	if (events & POLLOUT)
		FD_SET(fd, &w);
	if (events & POLLPRI)
		FD_SET(fd, &x);
	int n = masked ? pselect(fd + 1, &r, &w, &x, ms < 0 ? NULL : &ts, &none)
		       : select(fd + 1, &r, &w, &x, ms < 0 ? NULL : &tv);
	CHECK(n >= 0, "select: %s", probe_errno(errno));
	if (n == 0)
		return 0;
	return (FD_ISSET(fd, &r) ? POLLIN : 0) |
	       (FD_ISSET(fd, &w) ? POLLOUT : 0) |
	       (FD_ISSET(fd, &x) ? POLLPRI : 0);
}

static void nothing_is_ready(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = ALL};

	CHECK(poll(&p, 1, ms) == 0, "poll: events %#x", p.revents);
	int events = by_ppoll(fd, ALL, ms);
	CHECK(!events, "ppoll: events %#x", events);
	events = by_select(fd, ALL, ms, false);
	CHECK(!events, "select: events %#x", events);
	events = by_select(fd, ALL, ms, true);
	CHECK(!events, "pselect: events %#x", events);
}

static void pending(void)
{
	int fd = begin();

	nothing_is_ready(fd, 0);
	nothing_is_ready(fd, 20);
	gate_finish(&g, fd);
	close(fd);
}

static void connected(void)
{
	int fd = begin();

	gate_go(&g);
	int events = probe_wait(fd, ALL, 20000);
	CHECK(events == POLLOUT, "poll: events %#x", events);
	events = by_ppoll(fd, ALL, 0);
	CHECK(events == POLLOUT, "ppoll: events %#x", events);
	events = by_select(fd, ALL, 0, false);
	CHECK(events == POLLOUT, "select: events %#x", events);
	events = by_select(fd, ALL, 0, true);
	CHECK(events == POLLOUT, "pselect: events %#x", events);
	CHECK(!probe_wait(fd, POLLIN | POLLRDHUP, 0), "readable");
	gate_check(&g, fd);
	close(fd);
}

/* The state itself is seen before anybody has asked for it. */
static void refused(void)
{
	int fd = begin();

	gate_refuse(&g);
	int events = probe_wait(fd, ALL, 20000);
	CHECK(events == FAILED, "poll: events %#x", events);
	events = by_ppoll(fd, ALL, 0);
	CHECK(events == FAILED, "ppoll: events %#x", events);
	events = by_select(fd, ALL, 0, false);
	CHECK(events == (POLLIN | POLLOUT), "select: events %#x", events);
	int e = probe_so_error(fd);
	CHECK(e == ECONNREFUSED, "SO_ERROR %s", probe_errno(e));
	events = probe_wait(fd, ALL, 0);
	CHECK(events == (FAILED & ~POLLERR), "SO_ERROR was read: events %#x",
		events);
	close(fd);
}

/* ---- threads that wait already */

static void wait_poll_out(struct waiter *w)
{
	struct pollfd p = {.fd = w->fd, .events = POLLOUT};

	CHECK(poll(&p, 1, -1) == 1, "poll: %s", probe_errno(errno));
	w->result = p.revents;
}

static void wait_poll_in(struct waiter *w)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};

	CHECK(poll(&p, 1, -1) == 1, "poll: %s", probe_errno(errno));
	w->result = p.revents;
}

static void wait_ppoll_out(struct waiter *w)
{
	w->result = by_ppoll(w->fd, POLLOUT, -1);
}

static void wait_select_out(struct waiter *w)
{
	w->result = by_select(w->fd, POLLIN | POLLOUT | POLLPRI, -1, false);
}

static void wait_select_in(struct waiter *w)
{
	w->result = by_select(w->fd, POLLIN, -1, false);
}

static void wait_pselect_out(struct waiter *w)
{
	w->result = by_select(w->fd, POLLOUT, -1, true);
}

static void wakes_when_connected(void (*run)(struct waiter *))
{
	struct waiter w = {.fd = begin(), .run = run};

	check_thread(&w);
	gate_go(&g);
	check_join(&w);
	CHECK(w.result == POLLOUT, "events %#x", w.result);
	gate_check(&g, w.fd);
	close(w.fd);
}

/* Nothing but the destination's first words ends the wait. */
static void wakes_to_words(void (*run)(struct waiter *))
{
	struct waiter w = {.fd = begin(), .run = run};
	char in[sizeof(BANNER)] = "";

	check_thread(&w);
	gate_go_saying(&g, BANNER);
	check_join(&w);
	CHECK(w.result == POLLIN, "events %#x", w.result);
	CHECK(recv(w.fd, in, 1, MSG_PEEK) == 1, "nothing to read: %s",
		probe_errno(errno));
	CHECK(probe_recv(w.fd, in, strlen(BANNER), 20000) == strlen(BANNER) &&
			!strcmp(in, BANNER),
		"not the first words: '%s'", in);
	close(w.fd);
}

/* The words come when the thread has slept through the connect's end. */
static void wakes_to_late_words(void (*run)(struct waiter *))
{
	struct waiter w = {.fd = begin(), .run = run};
	char c = 0;

	check_thread(&w);
	gate_go(&g);
	CHECK(probe_wait(w.fd, POLLOUT, 20000) == POLLOUT, "poll");
	check_blocked(w.tid);
	probe_send(w.fd, "x", 1);
	check_join(&w);
	CHECK(w.result == POLLIN, "events %#x", w.result);
	CHECK(recv(w.fd, &c, 1, 0) == 1 && c == 'x', "nothing to read");
	close(w.fd);
}

static void wakes_when_refused(void (*run)(struct waiter *), int expected)
{
	struct waiter w = {.fd = begin(), .run = run};

	check_thread(&w);
	gate_refuse(&g);
	check_join(&w);
	CHECK(w.result == expected, "events %#x, not %#x", w.result, expected);
	int e = probe_so_error(w.fd);
	CHECK(e == ECONNREFUSED, "SO_ERROR %s", probe_errno(e));
	close(w.fd);
}

static void in_poll(void)
{
	wakes_when_connected(wait_poll_out);
}

static void in_ppoll(void)
{
	wakes_when_connected(wait_ppoll_out);
}

static void in_select(void)
{
	wakes_when_connected(wait_select_out);
}

static void in_pselect(void)
{
	wakes_when_connected(wait_pselect_out);
}

static void in_poll_for_words(void)
{
	wakes_to_words(wait_poll_in);
}

static void in_select_for_words(void)
{
	wakes_to_words(wait_select_in);
}

static void in_poll_for_late_words(void)
{
	wakes_to_late_words(wait_poll_in);
}

static void in_select_for_late_words(void)
{
	wakes_to_late_words(wait_select_in);
}

static void in_poll_refused(void)
{
	wakes_when_refused(wait_poll_out, POLLOUT | POLLERR | POLLHUP);
}

static void in_poll_for_words_refused(void)
{
	wakes_when_refused(wait_poll_in, POLLIN | POLLERR | POLLHUP);
}

static void in_select_refused(void)
{
	wakes_when_refused(wait_select_in, POLLIN);
}

static void two_threads(void)
{
	struct waiter in = {.fd = begin(), .run = wait_poll_in};
	struct waiter out = {.fd = in.fd, .run = wait_select_out};

	check_thread(&in);
	check_thread(&out);
	gate_go(&g);
	check_join(&out);
	CHECK(out.result == POLLOUT, "select: events %#x", out.result);
	probe_send(out.fd, "x", 1);
	check_join(&in);
	CHECK(in.result == POLLIN, "poll: events %#x", in.result);
	close(out.fd);
}

/* Another one has read what woke the thread: it sleeps on. */
static void woken_in_vain(void)
{
	struct waiter w = {.fd = begin(), .run = wait_poll_in};

	check_thread(&w);
	gate_finish(&g, w.fd);
	probe_send(w.fd, "x", 1);
	check_join(&w);
	CHECK(w.result == POLLIN, "poll: events %#x", w.result);
	close(w.fd);
}

/* With another descriptor that becomes ready in between. */
static void other_descriptor(void)
{
	int fd = begin(), ends[2];

	CHECK(!pipe(ends), "pipe: %s", probe_errno(errno));
	struct pollfd p[2] = {{.fd = ends[0], .events = POLLIN},
		{.fd = fd, .events = POLLOUT}};
	CHECK(write(ends[1], "x", 1) == 1, "write: %s", probe_errno(errno));
	CHECK(poll(p, 2, -1) == 1 && p[0].revents == POLLIN && !p[1].revents,
		"poll: %#x and %#x", p[0].revents, p[1].revents);
	gate_finish(&g, fd);
	CHECK(poll(p, 2, -1) == 2 && p[1].revents == POLLOUT,
		"poll: %#x and %#x", p[0].revents, p[1].revents);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "pending", .run = pending},
		{.name = "connected", .run = connected},
		{.name = "refused", .run = refused},
		{.name = "in-poll", .run = in_poll},
		{.name = "in-ppoll", .run = in_ppoll},
		{.name = "in-select", .run = in_select},
		{.name = "in-pselect", .run = in_pselect},
		{.name = "in-poll-for-words", .run = in_poll_for_words},
		{.name = "in-select-for-words", .run = in_select_for_words},
		{.name = "in-poll-for-late-words",
			.run = in_poll_for_late_words},
		{.name = "in-select-for-late-words",
			.run = in_select_for_late_words},
		{.name = "in-poll-refused", .run = in_poll_refused},
		{.name = "in-poll-for-words-refused",
			.run = in_poll_for_words_refused},
		{.name = "in-select-refused", .run = in_select_refused},
		{.name = "two-threads", .run = two_threads},
		{.name = "woken-in-vain", .run = woken_in_vain},
		{.name = "other-descriptor", .run = other_descriptor},
	};

	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}
