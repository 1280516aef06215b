/*
 * Signals and connect: connect() is on POSIX's list of what a handler may
 * call, and a handler with SA_RESTART does not disturb a connect under way.
 *
 * connect_signal HOST PORT MODE
 * HOST PORT	an echo
 * MODE		restart: signals rain, with SA_RESTART; every connect works
 *		handler: as restart, and the handler connects too
 *		eintr: HOST is slow to connect (over a second); a signal
 *		without SA_RESTART ends connect with EINTR at once
 *		resume: as eintr, HOST does answer in the end: the connect has
 *		gone on meanwhile, as Linux has it
 *		jump: as resume, but the handler leaves with siglongjmp(), as
 *		programs do for a timeout: the next connect is none the worse
 */
#include "probe.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>

#define ARGS "HOST PORT restart|handler|eintr|resume|jump"

static struct probe_addr a;
static pthread_t target;
static atomic_bool done;
static atomic_int handled;
static bool connects, jumps;
static sigjmp_buf place;

static void handler(int sig)
{
	int was = errno;

	(void)sig;
	if (jumps)
		siglongjmp(place, 1);
	if (connects) {
		char c = 0;
		int fd = probe_connected(&a);
		CHECK(send(fd, "h", 1, MSG_NOSIGNAL) == 1 &&
				probe_recv(fd, &c, 1, 20000) == 1 && c == 'h',
			"in the handler: no echo");
		close(fd);
	}
	atomic_fetch_add(&handled, 1);
	errno = was;
}

/* A handler that connects is let through before the next signal comes. */
static void *rain(void *arg)
{
	(void)arg;
	for (int n = 0; !atomic_load(&done);) {
		poll(NULL, 0, connects ? 7 : 1);
		if (connects && atomic_load(&handled) < n)
			continue;
		pthread_kill(target, SIGUSR1);
		n++;
	}
	return NULL;
}

static void *drop(void *arg)
{
	(void)arg;
	poll(NULL, 0, 100);
	pthread_kill(target, SIGUSR1);
	return NULL;
}

static void in_the_rain(pthread_t *thread)
{
	pthread_create(thread, NULL, rain, NULL);
	for (int i = 0; i < 50 || atomic_load(&handled) < 20; i++) {
		int fd = probe_socket(&a, 0);
		CHECK(!connect(fd, &a.sa, a.len), "connect %d: %s", i,
			probe_errno(errno));
		probe_echo(fd);
		close(fd);
	}
	atomic_store(&done, true);
}

static void interrupted(pthread_t *thread, bool resume)
{
	int fd = probe_socket(&a, 0);
	long start = probe_now_ms();

	pthread_create(thread, NULL, drop, NULL);
	CHECK_ERR(connect(fd, &a.sa, a.len), EINTR);
	long took = probe_now_ms() - start;
	CHECK(took < 900, "EINTR after %ld ms", took);
	if (resume) {
		int events = probe_wait(fd, POLLOUT, 30000);
		CHECK(events == POLLOUT, "afterwards: events %#x", events);
		CHECK(!probe_so_error(fd), "SO_ERROR afterwards");
		probe_echo(fd);
	}
	close(fd);
}

static void jumped(pthread_t *thread)
{
	volatile int fd = probe_socket(&a, 0);

	if (!sigsetjmp(place, 1)) {
		pthread_create(thread, NULL, drop, NULL);
		connect(fd, &a.sa, a.len);
		CHECK(0, "connect has come back");
	}
	CHECK(fcntl(fd, F_GETFL) == O_RDWR, "file flags: %#x",
		fcntl(fd, F_GETFL));
	close(fd);
	int next = probe_connected(&a);
	probe_echo(next);
	close(next);
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = handler};
	pthread_t thread;

	probe_positional(argc, argv, 3, 3, ARGS);
	jumps = !strcmp(argv[3], "jump");
	bool resume = !strcmp(argv[3], "resume");
	bool slow = jumps || resume || !strcmp(argv[3], "eintr");
	connects = !strcmp(argv[3], "handler");
	if (!slow && !connects && strcmp(argv[3], "restart"))
		probe_usage(ARGS);
	probe_watchdog(60);
	probe_resolve(&a, argv[1], argv[2]);
	target = pthread_self();
	act.sa_flags = slow ? 0 : SA_RESTART;
	sigaction(SIGUSR1, &act, NULL);
	if (jumps)
		jumped(&thread);
	else if (slow)
		interrupted(&thread, resume);
	else
		in_the_rain(&thread);
	pthread_join(thread, NULL);
	return 0;
}
