#include "probe.h"

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

void probe_fail(int line, const char *fmt, ...)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;
	char text[600];
	const char *name = program_invocation_short_name;
	int n = snprintf(
		text, sizeof(text), "%s:%d: ", *name ? name : "probe", line);
	va_list ap;

	/* Of several threads that fail, one speaks, and ends them all. */
	while (atomic_flag_test_and_set(&told))
		pause();
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n - 1, fmt, ap);
	va_end(ap);
	strcat(text, "\n");
	/* Without stdio, so that a child of fork or a handler can use it. */
	if (write(1, text, strlen(text)) < 0)
		_exit(3);
	_exit(1);
}

void probe_usage(const char *arguments)
{
	fprintf(stderr, "usage: %s %s\n", program_invocation_short_name,
		arguments);
	exit(2);
}

static void watchdog_bites(int sig)
{
	static const char hang[] = ": hang: the watchdog's time is over\n";
	char text[200];
	size_t n = strnlen(program_invocation_short_name, 100);

	(void)sig;
	memcpy(text, program_invocation_short_name, n);
	memcpy(text + n, hang, sizeof(hang));
	_exit(write(1, text, n + sizeof(hang) - 1) < 0 ? 3 : 1);
}

void probe_watchdog(int seconds)
{
	signal(SIGALRM, watchdog_bites);
	alarm(seconds);
}

bool probe_flag(int *argc, char **argv, const char *name)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], name))
			continue;
		memmove(argv + i, argv + i + 1, (*argc - i) * sizeof(*argv));
		--*argc;
		return true;
	}
	return false;
}

const char *probe_value(
	int *argc, char **argv, const char *name, const char *fallback)
{
	for (int i = 1; i + 1 < *argc; i++) {
		if (strcmp(argv[i], name))
			continue;
		const char *value = argv[i + 1];
		memmove(argv + i, argv + i + 2,
			(*argc - i - 1) * sizeof(*argv));
		*argc -= 2;
		return value;
	}
	return fallback;
}

long probe_number(int *argc, char **argv, const char *name, long fallback)
{
	const char *text = probe_value(argc, argv, name, NULL);
	if (!text)
		return fallback;
	char *end;
	long n = strtol(text, &end, 10);
	if (end == text || *end)
		probe_usage(name);
	return n;
}

void probe_positional(
	int argc, char **argv, int min, int max, const char *arguments)
{
	if (argc - 1 < min || argc - 1 > max)
		probe_usage(arguments);
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] == '-')
			probe_usage(arguments);
	}
}

int probe_count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	CHECK(d, "/proc/self/fd: %s", probe_errno(errno));
	int n = 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

void probe_settle_fds(int n)
{
	long until = probe_now_ms() + 10000;

	while (probe_count_fds() != n && probe_now_ms() < until)
		usleep(1000);
	CHECK(probe_count_fds() == n, "%d descriptors, not %d",
		probe_count_fds(), n);
}

long probe_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *probe_errno(int number)
{
	const char *name = strerrorname_np(number);
	return name ? name : "unknown";
}

int probe_errno_named(const char *name, size_t n)
{
	for (int e = 1; e < 134; e++) {
		const char *known = strerrorname_np(e);
		if (known && strlen(known) == n && !memcmp(known, name, n))
			return e;
	}
	return 0;
}

void probe_reap(pid_t child, const char *what)
{
	int status = 0;

	CHECK(child > 0, "%s: fork: %s", what, probe_errno(errno));
	while (waitpid(child, &status, 0) < 0)
		CHECK(errno == EINTR, "waitpid: %s", probe_errno(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		_exit(1); /* the child has said why */
	CHECK(WIFEXITED(status), "%s: signal %d", what, WTERMSIG(status));
	CHECK(WEXITSTATUS(status) == 0, "%s: exit status %d", what,
		WEXITSTATUS(status));
}
