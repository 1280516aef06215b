/*
 * Many threads look up many names at a time and connect, while children are
 * forked that do the same: each connection leads to the name it was made for.
 *
 * names_threads SUFFIX PORT [--threads N] [--names N] [--seconds N]
 *	[--no-fork] [--proxied]
 * SUFFIX	the names are n-NUMBER SUFFIX (.example.org)
 * PORT		where each answers one line "HOST PORT" and then echoes, as with
 *		knobd.py --knob echo_dest
 * --threads N	default 32
 * --names N	for each thread; default 200
 * --seconds N	the watchdog's time; default 120; a child's is a quarter of it
 * --no-fork	without the children: for sanitizers whose allocator does not
 *		survive the fork of a process with threads (gcc 12's, clang
 *14's)
 * --proxied	HOST is the name; without, it may be the address instead
 */
#include "probe.h"

#include <pthread.h>
#include <stdatomic.h>

#define ARGS                                                                   \
	"SUFFIX PORT [--threads N] [--names N] [--seconds N] "                 \
	"[--no-fork] [--proxied]"

static const char *suffix, *port;
static bool proxied;
static int n_names, seconds;
static atomic_int running;

/* By either way that is safe in threads. */
static void look_up(struct probe_addr *a, const char *name, int turn)
{
	struct hostent h, *result = NULL;
	char buffer[2048];
	int herr = 0;

	if (turn % 4) {
		probe_resolve_as(a, name, port, AF_INET);
		return;
	}
	int e = gethostbyname_r(
		name, &h, buffer, sizeof(buffer), &result, &herr);
	CHECK(!e && result, "gethostbyname_r %s: %d, h_errno %d", name, e,
		herr);
	memset(a, 0, sizeof(*a));
	a->len = sizeof(a->in);
	a->in.sin_family = AF_INET;
	a->in.sin_port = htons(atoi(port));
	memcpy(&a->in.sin_addr, h.h_addr_list[0], 4);
}

static void one(int number)
{
	struct probe_addr a;
	char name[300], by_name[320], ip[80] = "", by_addr[100], line[320];
	size_t n = 0;

	snprintf(name, sizeof(name), "n-%d%s", number, suffix);
	look_up(&a, name, number);
	inet_ntop(AF_INET, &a.in.sin_addr, ip, sizeof(ip));
	snprintf(by_name, sizeof(by_name), "%s %s", name, port);
	snprintf(by_addr, sizeof(by_addr), "%s %s", ip, port);
	CHECK(probe_is_fake(&a.sa) == proxied, "%s: %s", name, ip);
	int fd = probe_connected(&a);
	while (n + 1 < sizeof(line) && probe_recv(fd, line + n, 1, 20000) &&
		line[n] != '\n')
		n++;
	line[n] = 0;
	CHECK(!strcmp(line, by_name) || (!proxied && !strcmp(line, by_addr)),
		"%s (%s) led to '%s'", name, ip, line);
	probe_echo(fd);
	close(fd);
}

static void *thread(void *arg)
{
	int first = *(int *)arg * n_names;

	for (int i = first; i < first + n_names; i++)
		one(i);
	atomic_fetch_sub(&running, 1);
	return NULL;
}

/* As long as the threads run, and some more: a child at a time. */
static void *forker(void *arg)
{
	int first = *(int *)arg * n_names;

	for (int i = 0; atomic_load(&running) || i < 20; i++) {
		pid_t child = fork();
		if (child == 0) {
			probe_watchdog(seconds / 4);
			one(first + i);
			one(i); /* which a thread looks up too */
			_exit(0);
		}
		probe_reap(child, "child");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int n_threads = probe_number(&argc, argv, "--threads", 32);
	bool no_fork = probe_flag(&argc, argv, "--no-fork");
	pthread_t threads[257];
	int numbers[257];

	n_names = probe_number(&argc, argv, "--names", 200);
	seconds = probe_number(&argc, argv, "--seconds", 120);
	proxied = probe_flag(&argc, argv, "--proxied");
	probe_positional(argc, argv, 2, 2, ARGS);
	if (n_threads > 256)
		probe_usage(ARGS);
	suffix = argv[1];
	port = argv[2];
	probe_watchdog(seconds);
	running = n_threads;
	for (int i = 0; i <= n_threads; i++) {
		numbers[i] = i;
		if (i == n_threads && no_fork)
			continue;
		int e = pthread_create(threads + i, NULL,
			i < n_threads ? thread : forker, numbers + i);
		CHECK(!e, "pthread_create: %s", probe_errno(e));
	}
	for (int i = 0; i < n_threads + !no_fork; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
