/* The processes' and threads' half of probe_gate.h. */
#include "probe_gate.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ARGS       "HOST CONTROL [--mapped] [--proxied] [--only CHECK]"
#define LIMIT_MS   20000
#define WATCHDOG_S 30
#define MAX_CHECKS 64

static void run_named(const struct check *c)
{
	static char name[80];

	snprintf(name, sizeof(name), "%s %s", program_invocation_short_name,
		c->name);
	program_invocation_short_name = name;
	probe_watchdog(WATCHDOG_S);
	c->run();
}

/* Names a check that has failed without a word of its own. */
static int judge(const struct check *c, pid_t child)
{
	int status = 0;

	CHECK(waitpid(child, &status, 0) == child, "waitpid: %s",
		probe_errno(errno));
	if (!status)
		return 0;
	if (WIFSIGNALED(status))
		printf("%s: signal %d\n", c->name, WTERMSIG(status));
	else if (WEXITSTATUS(status) != 1)
		printf("%s: exit status %d\n", c->name, WEXITSTATUS(status));
	return 1;
}

static int run_all(const struct check *checks, int n)
{
	pid_t child[MAX_CHECKS] = {0};
	int failed = 0;

	CHECK(n <= MAX_CHECKS, "too many checks");
	probe_watchdog(WATCHDOG_S + 10);
	for (int i = 0; i < n; i++) {
		if (checks[i].only_proxied && !gate_proxied)
			continue;
		child[i] = check_fork();
		if (child[i] == 0) {
			run_named(&checks[i]);
			_exit(0);
		}
	}
	for (int i = 0; i < n; i++)
		failed += child[i] ? judge(&checks[i], child[i]) : 0;
	return failed ? 1 : 0;
}

static void run_only(const struct check *checks, int n, const char *name)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(checks[i].name, name))
			continue;
		run_named(&checks[i]);
		return;
	}
	probe_usage(ARGS);
}

int checks_run(int argc, char **argv, const struct check *checks, int n)
{
	static char path[4096], mapped[] = "--mapped", proxied[] = "--proxied";
	const char *only = probe_value(&argc, argv, "--only", NULL);
	int options = 3;

	if (probe_flag(&argc, argv, mapped))
		gate_again[options++] = mapped;
	gate_proxied = probe_flag(&argc, argv, proxied);
	if (gate_proxied)
		gate_again[options++] = proxied;
	probe_positional(argc, argv, 2, 2, ARGS);
	CHECK(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0,
		"/proc/self/exe: %s", probe_errno(errno));
	gate_again[0] = path;
	gate_again[1] = argv[1];
	gate_again[2] = argv[2];
	if (!only)
		return run_all(checks, n);
	run_only(checks, n, only);
	return 0;
}

int check_count_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	CHECK(d, "/proc/self/task: %s", probe_errno(errno));
	int n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void count_down(int (*count)(void), int n, const char *what)
{
	long end = probe_now_ms() + LIMIT_MS;

	while (count() > n) {
		CHECK(probe_now_ms() < end, "%d %s left, not %d", count(), what,
			n);
		poll(NULL, 0, 1);
	}
	CHECK(count() == n, "%d %s, not %d", count(), what, n);
}

void check_threads(int n)
{
	count_down(check_count_threads, n, "threads");
}

void check_fds(int n)
{
	count_down(probe_count_fds, n, "descriptors");
}

/* System calls in which a program waits for a socket, or for a thread that
 * does so. */
static const long waiting[] = {
#ifdef SYS_poll
	SYS_poll,
	SYS_select,
	SYS_epoll_wait,
#endif
	SYS_ppoll,
	SYS_pselect6,
	SYS_epoll_pwait,
	SYS_epoll_pwait2,
	SYS_connect,
	SYS_sendto,
	SYS_recvfrom,
	SYS_read,
	SYS_write,
	SYS_futex,
};

static bool is_blocked(pid_t tid)
{
	char path[64], text[64] = "";

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0, "the thread does not wait, it has ended");
	ssize_t got = read(fd, text, sizeof(text) - 1);
	close(fd);
	char *end;
	long number = strtol(text, &end, 10);
	if (got <= 0 || end == text) /* "running" */
		return false;
	for (int i = 0; i < PROBE_LEN(waiting); i++) {
		if (number == waiting[i])
			return true;
	}
	return false;
}

void check_blocked(pid_t tid)
{
	long end = probe_now_ms() + LIMIT_MS;

	while (!is_blocked(tid)) {
		CHECK(probe_now_ms() < end, "the thread does not wait");
		poll(NULL, 0, 1);
	}
}

static void *thread_main(void *arg)
{
	struct waiter *w = arg;

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
	w->run(w);
	return NULL;
}

void check_thread(struct waiter *w)
{
	w->tid = 0;
	int e = pthread_create(&w->thread, NULL, thread_main, w);
	CHECK(!e, "pthread_create: %s", probe_errno(e));
	while (!__atomic_load_n(&w->tid, __ATOMIC_ACQUIRE))
		sched_yield();
	check_blocked(w->tid);
}

void check_join(struct waiter *w)
{
	pthread_join(w->thread, NULL);
}
