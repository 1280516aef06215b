/*
 * Blocking connects that are left while they are pending: by a signal, by
 * SO_SNDTIMEO, or because the socket was not blocking when it began. They go
 * on, and whatever the program calls next waits for them.
 *
 * Arguments: see probe_gate.h
 */
#include "probe_gate.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#define BANNER "220 hello\r\n"

static struct gate g;
static atomic_int handled;
static atomic_bool done;
static pthread_t target;

static void handler(int sig)
{
	(void)sig;
	atomic_fetch_add(&handled, 1);
}

static void handle(int flags)
{
	struct sigaction act = {.sa_handler = handler, .sa_flags = flags};

	sigaction(SIGUSR1, &act, NULL);
}

/* Until connect() is back; the first ones may come before it has begun. */
static void *interrupt(void *arg)
{
	(void)arg;
	gate_held(&g);
	while (!atomic_load(&done)) {
		pthread_kill(target, SIGUSR1);
		poll(NULL, 0, 10);
	}
	return NULL;
}

/* A blocking socket whose connect has been interrupted, and goes on. */
static int interrupted(void)
{
	pthread_t thread;

	gate_new(&g);
	handle(0);
	target = pthread_self();
	int fd = probe_socket(&g.addr, 0);
	CHECK(!pthread_create(&thread, NULL, interrupt, NULL), "thread");
	CHECK_ERR(connect(fd, &g.addr.sa, g.addr.len), EINTR);
	atomic_store(&done, true);
	pthread_join(thread, NULL);
	CHECK(fcntl(fd, F_GETFL) == O_RDWR, "file flags %#x",
		fcntl(fd, F_GETFL));
	CHECK(!probe_wait(fd, POLLIN | POLLOUT, 0), "ready by now");
	return fd;
}

/* What is asked for twice is two connections; nobody wanted that. */
static void came_once(int fd)
{
	gate_check(&g, fd);
	CHECK(fcntl(fd, F_GETFL) == O_RDWR, "file flags %#x",
		fcntl(fd, F_GETFL));
	close(fd);
	CHECK(gate_seen(&g) == 1, "asked for %d times", gate_seen(&g));
	gate_gone(&g);
}

static void polled(void)
{
	int fd = interrupted();

	gate_go(&g);
	came_once(fd);
}

static void polled_refused(void)
{
	int fd = interrupted();

	gate_refuse(&g);
	int events = probe_wait(fd, POLLOUT, 20000);
	CHECK(events == (POLLOUT | POLLERR | POLLHUP), "events %#x", events);
	int e = probe_so_error(fd);
	CHECK(e == ECONNREFUSED, "SO_ERROR %s", probe_errno(e));
	close(fd);
}

static void closed(void)
{
	int fd = interrupted();

	close(fd);
	gate_gone(&g);
}

/* ---- calls that wait for the end of what is pending */

static void wait_connect(struct waiter *w)
{
	w->result = connect(w->fd, &g.addr.sa, g.addr.len) ? errno : 0;
}

static void wait_send(struct waiter *w)
{
	w->result = send(w->fd, "x", 1, MSG_NOSIGNAL) == 1 ? 0 : errno;
}

static void wait_write(struct waiter *w)
{
	w->result = write(w->fd, "x", 1) == 1 ? 0 : errno;
}

static void wait_recv(struct waiter *w)
{
	char c = 0;
	ssize_t n = recv(w->fd, &c, 1, 0);

	w->result = n == 1 && c == BANNER[0] ? 0 : n < 0 ? errno : -1;
}

static void wait_read(struct waiter *w)
{
	char c = 0;
	ssize_t n = read(w->fd, &c, 1);

	w->result = n == 1 && c == BANNER[0] ? 0 : n < 0 ? errno : -1;
}

/* Not blocking when it began, and blocking now. */
static int made_blocking(void)
{
	int off = 0;

	gate_new(&g);
	int fd = gate_begin(&g);
	CHECK(!ioctl(fd, FIONBIO, &off), "FIONBIO: %s", probe_errno(errno));
	return fd;
}

/* Calls run() and lets the connect succeed when that waits. */
static void waits(int fd, void (*run)(struct waiter *), const char *words)
{
	struct waiter w = {.fd = fd, .run = run, .result = -2};

	check_thread(&w);
	if (words)
		gate_go_saying(&g, words);
	else
		gate_go(&g);
	check_join(&w);
	CHECK(w.result == 0, "%s",
		w.result < 0 ? "other bytes" : probe_errno(w.result));
}

static void waits_to_send(int fd, void (*run)(struct waiter *))
{
	char c = 0;

	waits(fd, run, NULL);
	CHECK(probe_recv(fd, &c, 1, 20000) == 1 && c == 'x',
		"what was sent is not there: '%c'", c);
	came_once(fd);
}

static void waits_to_receive(int fd, void (*run)(struct waiter *))
{
	char in[sizeof(BANNER)] = "";
	const size_t n = strlen(BANNER) - 1;

	waits(fd, run, BANNER);
	CHECK(probe_recv(fd, in, n, 20000) == n && !strcmp(in, &BANNER[1]),
		"the rest of the words is '%s'", in);
	came_once(fd);
}

static void again(void)
{
	int fd = interrupted();

	waits(fd, wait_connect, NULL);
	CHECK_ERR(connect(fd, &g.addr.sa, g.addr.len), EISCONN);
	came_once(fd);
}

static void again_refused(void)
{
	struct waiter w = {.fd = interrupted(), .run = wait_connect};

	check_thread(&w);
	gate_refuse(&g);
	check_join(&w);
	CHECK(w.result == ECONNREFUSED, "connect: %s", probe_errno(w.result));
	int e = probe_so_error(w.fd);
	CHECK(!e, "SO_ERROR %s", probe_errno(e));
	close(w.fd);
}

static void again_when_over(void)
{
	int fd = interrupted();

	gate_go(&g);
	CHECK(probe_wait(fd, POLLOUT, 20000) == POLLOUT, "poll");
	/* Linux: the first one learns of the success, and is told 0. */
	int r = connect(fd, &g.addr.sa, g.addr.len);
	CHECK(!r || errno == EISCONN, "connect: %s", probe_errno(errno));
	CHECK_ERR(connect(fd, &g.addr.sa, g.addr.len), EISCONN);
	came_once(fd);
}

static void then_send(void)
{
	waits_to_send(interrupted(), wait_send);
}

static void then_read(void)
{
	waits_to_receive(interrupted(), wait_read);
}

static void blocking_connect(void)
{
	int fd = made_blocking();

	waits(fd, wait_connect, NULL);
	CHECK_ERR(connect(fd, &g.addr.sa, g.addr.len), EISCONN);
	came_once(fd);
}

static void blocking_send(void)
{
	waits_to_send(made_blocking(), wait_send);
}

static void blocking_write(void)
{
	waits_to_send(made_blocking(), wait_write);
}

static void blocking_recv(void)
{
	waits_to_receive(made_blocking(), wait_recv);
}

static void blocking_read(void)
{
	waits_to_receive(made_blocking(), wait_read);
}

/* ---- SO_SNDTIMEO */

static void set_timeout(int fd, int ms)
{
	struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	CHECK(!setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)),
		"SO_SNDTIMEO: %s", probe_errno(errno));
}

static int timed_out(void)
{
	gate_new(&g);
	int fd = probe_socket(&g.addr, 0);
	set_timeout(fd, 100);
	CHECK_ERR(connect(fd, &g.addr.sa, g.addr.len), EINPROGRESS);
	CHECK(!probe_wait(fd, POLLIN | POLLOUT, 0), "ready by now");
	gate_held(&g);
	return fd;
}

static void timeout(void)
{
	int fd = timed_out();

	gate_go(&g);
	came_once(fd);
}

static void timeout_twice(void)
{
	int fd = timed_out();

	CHECK_ERR(connect(fd, &g.addr.sa, g.addr.len), EALREADY);
	set_timeout(fd, 0);
	waits(fd, wait_connect, NULL);
	came_once(fd);
}

static void timeout_refused(void)
{
	int fd = timed_out();

	gate_refuse(&g);
	CHECK(probe_wait(fd, POLLOUT, 20000) & POLLERR, "poll: no error");
	int e = probe_so_error(fd);
	CHECK(e == ECONNREFUSED, "SO_ERROR %s", probe_errno(e));
	close(fd);
}

/* ---- handlers with SA_RESTART do not disturb */

static void *go_after_ten(void *arg)
{
	(void)arg;
	gate_held(&g);
	while (atomic_load(&handled) < 10)
		poll(NULL, 0, 1);
	gate_go(&g);
	return NULL;
}

static void timer_rings(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec each = {{0, 10000000}, {0, 10000000}};
	pthread_t thread;
	sigset_t usr1;
	timer_t timer;

	gate_new(&g);
	handle(SA_RESTART);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	CHECK(!pthread_create(&thread, NULL, go_after_ten, NULL), "thread");
	pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	CHECK(!timer_create(CLOCK_MONOTONIC, &event, &timer) &&
			!timer_settime(timer, 0, &each, NULL),
		"timer: %s", probe_errno(errno));
	int fd = probe_socket(&g.addr, 0);
	CHECK(!connect(fd, &g.addr.sa, g.addr.len), "connect: %s",
		probe_errno(errno));
	timer_delete(timer);
	pthread_join(thread, NULL);
	came_once(fd);
}

/* Handlers of any kind do not disturb what is not waited for in connect():
 * they run in the program's own threads alone. */
static void handlers_elsewhere(void)
{
	sigset_t usr1;

	gate_new(&g);
	handle(0);
	int fd = gate_begin(&g);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, NULL);
	kill(getpid(), SIGUSR1);
	poll(NULL, 0, 20);
	CHECK(!atomic_load(&handled), "a thread that is not the program's own "
				      "has run its handler");
	pthread_sigmask(SIG_UNBLOCK, &usr1, NULL);
	CHECK(atomic_load(&handled) == 1, "handled %d times",
		atomic_load(&handled));
	gate_finish(&g, fd);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{.name = "polled", .run = polled},
		{.name = "polled-refused", .run = polled_refused},
		{.name = "closed", .run = closed},
		{.name = "again", .run = again},
		{.name = "again-refused", .run = again_refused},
		{.name = "again-when-over", .run = again_when_over},
		{.name = "then-send", .run = then_send},
		{.name = "then-read", .run = then_read},
		{.name = "blocking-connect", .run = blocking_connect},
		{.name = "blocking-send", .run = blocking_send},
		{.name = "blocking-write", .run = blocking_write},
		{.name = "blocking-recv", .run = blocking_recv},
		{.name = "blocking-read", .run = blocking_read},
		{.name = "timeout", .run = timeout},
		{.name = "timeout-twice", .run = timeout_twice},
		{.name = "timeout-refused", .run = timeout_refused},
		{.name = "timer-rings", .run = timer_rings},
		{.name = "handlers-elsewhere", .run = handlers_elsewhere},
	};

	return checks_run(argc, argv, checks, PROBE_LEN(checks));
}
