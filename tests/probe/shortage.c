/*
 * A connect where a program is short of something: no free descriptors, high
 * numbers only, none of the usual ones, a small stack.
 *
 * shortage HOST PORT [--only PART]
 * HOST PORT	an echo; a name is looked up again in most parts
 * --only PART	one of the names in the table at the end
 */
#include "probe.h"

#include <pthread.h>
#include <sys/resource.h>

#define ARGS "HOST PORT [--only PART]"

static const char *host, *port;
static struct probe_addr known; /* looked up before anything happened */

static void by_address(void)
{
	int fd = probe_connected(&known);

	probe_echo(fd);
	close(fd);
}

static void by_name(void)
{
	struct probe_addr a;

	probe_resolve(&a, host, port);
	int fd = probe_connected(&a);
	probe_echo(fd);
	close(fd);
}

static void both(void)
{
	by_address();
	by_name();
}

static void *in_thread(void *arg)
{
	(void)arg;
	both();
	return NULL;
}

static void small_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	CHECK(!pthread_attr_setstacksize(&attr, 64 * 1024), "stack size");
	for (int i = 0; i < 3; i++) {
		int e = pthread_create(&thread, &attr, in_thread, NULL);
		CHECK(!e, "pthread_create: %s", probe_errno(e));
		pthread_join(thread, NULL);
	}
}

static void closed(void)
{
	closefrom(3);
	both();
	closefrom(3);
	both();
}

/* The socket becomes descriptor 0; no word may go to 1 or 2. */
static void none_open(void)
{
	closefrom(0);
	int fd = probe_connected(&known);
	CHECK(fd == 0, "fd %d", fd);
	CHECK(dup(fd) == 1 && dup(fd) == 2, "dup");
	probe_echo(fd);
	close(fd);
	close(1);
	close(2);
	by_name();
}

static void limit(rlim_t n)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = n;
	CHECK(!setrlimit(RLIMIT_NOFILE, &r), "setrlimit: %s",
		probe_errno(errno));
}

static void few_fds(void)
{
	closefrom(3);
	limit(8);
	both();
}

/* Not one is free while the socket is connected. */
static void no_fds(void)
{
	limit(64);
	int fd = probe_socket(&known, 0);
	while (dup(1) >= 0)
		;
	probe_connect(fd, &known);
	probe_echo(fd);
}

/* Beyond what fits into an fd_set, below RLIMIT_NOFILE and above it. */
static void high_fd(void)
{
	limit(1600);
	int fd = probe_socket(&known, 0);
	CHECK(dup2(fd, 1500) == 1500, "dup2: %s", probe_errno(errno));
	close(fd);
	limit(256);
	probe_connect(1500, &known);
	probe_echo(1500);
	while (dup(1) >= 0 && dup(1) < 250)
		;
	by_address();
}

static const struct part {
	const char *name;
	void (*run)(void);
} parts[] = {
	{"small-stack", small_stack},
	{"closed", closed},
	{"none-open", none_open},
	{"few-fds", few_fds},
	{"no-fds", no_fds},
	{"high-fd", high_fd},
};

int main(int argc, char **argv)
{
	const char *only = probe_value(&argc, argv, "--only", NULL);

	probe_positional(argc, argv, 2, 2, ARGS);
	probe_watchdog(120);
	host = argv[1];
	port = argv[2];
	probe_resolve(&known, host, port);
	for (const struct part *p = parts; p < parts + PROBE_LEN(parts); p++) {
		if (only && strcmp(only, p->name))
			continue;
		pid_t child = fork();
		if (child == 0) {
			probe_watchdog(60);
			p->run();
			_exit(0);
		}
		probe_reap(child, p->name);
	}
	return 0;
}
