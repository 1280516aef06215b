/*
 * Processes that have nothing in common but their user look names up and
 * connect to what others of them have found, while some are killed: each
 * connection leads to the name that the address was found for.
 *
 * names_shared SUFFIX PORT [--names N] [--processes N] [--threads N]
 *	[--kills N] [--seconds N] [--proxied]
 * SUFFIX	the names are n-NUMBER SUFFIX (.example.org)
 * PORT		where each answers one line "HOST PORT", as with knobd.py
 *		--knob echo_dest
 * --names N	default 5000; one in --every N (8) is connected to
 * --processes N, --threads N	default 8, 8; every other process is another
 *		image of this program, which starts with --worker FD
 * --kills N	default 20
 * --seconds N	the watchdog's time; default 60
 * --proxied	HOST is the name; without, it may be the address instead
 */
#include "probe.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define ARGS                                                                   \
	"SUFFIX PORT [--names N] [--every N] [--processes N] [--threads N] "   \
	"[--kills N] [--seconds N] [--proxied]"
#define MAX_NAMES     20000
#define MAX_PROCESSES 64
#define MAX_THREADS   64

/* What the processes tell each other. */
static struct shared {
	atomic_bool is_over;               /* nobody will be killed any more */
	atomic_int next;                   /* name to be looked up */
	_Atomic uint32_t found[MAX_NAMES]; /* address; 0: none yet */
} * shared;

static const char *suffix, *port;
static bool proxied;
static int n_names, every, n_threads, seconds, shared_fd;

static void name_of(int number, char name[300])
{
	snprintf(name, 300, "n-%d%s", number, suffix);
}

static struct probe_addr address_of(uint32_t found)
{
	struct probe_addr a = {.len = sizeof(a.in)};

	a.in.sin_family = AF_INET;
	a.in.sin_port = htons(atoi(port));
	a.in.sin_addr.s_addr = found;
	return a;
}

static void look_up(int number)
{
	struct probe_addr a;
	char name[300];

	name_of(number, name);
	probe_resolve_as(&a, name, port, AF_INET);
	CHECK(probe_is_fake(&a.sa) == proxied, "%s: %s", name, probe_str(&a));
	atomic_store(&shared->found[number], a.in.sin_addr.s_addr);
}

/* Whoever has found the address. */
static void connect_to(int number)
{
	struct probe_addr a = address_of(atomic_load(&shared->found[number]));
	char name[300], line[400], by_name[400], by_addr[400];
	size_t n = 0;

	if (!a.in.sin_addr.s_addr)
		return; /* not looked up yet */
	name_of(number, name);
	snprintf(by_name, sizeof(by_name), "%s %s", name, port);
	snprintf(by_addr, sizeof(by_addr), "%s %s", inet_ntoa(a.in.sin_addr),
		port);
	int fd = probe_connected(&a);
	while (n + 1 < sizeof(line) && probe_recv(fd, line + n, 1, 20000) &&
		line[n] != '\n')
		n++;
	line[n] = 0;
	CHECK(!strcmp(line, by_name) || (!proxied && !strcmp(line, by_addr)),
		"%s (%s) led to '%s'", name, probe_str(&a), line);
	close(fd);
}

/* The name of an address, without a connection. */
static void ask_back(int number)
{
	struct probe_addr a = address_of(atomic_load(&shared->found[number]));
	char name[300], back[NI_MAXHOST] = "";

	name_of(number, name);
	int e = getnameinfo(
		&a.sa, a.len, back, sizeof(back), NULL, 0, NI_NAMEREQD);
	CHECK(!proxied || (!e && !strcmp(name, back)), "%s (%s) is '%s' (%d)",
		name, probe_str(&a), back, e);
}

/* What is looked up by one is connected to by all. */
static void *thread(void *arg)
{
	int number;

	(void)arg;
	while ((number = atomic_fetch_add(&shared->next, 1)) < n_names) {
		look_up(number);
		if (number % every == 0)
			connect_to((int)((unsigned)number * 7919U %
					 (unsigned)n_names));
	}
	while (!atomic_load(&shared->is_over))
		usleep(1000);
	return NULL;
}

static void work(void)
{
	pthread_t threads[MAX_THREADS];

	probe_watchdog(seconds);
	for (int i = 0; i < n_threads; i++) {
		int e = pthread_create(threads + i, NULL, thread, NULL);
		CHECK(!e, "pthread_create: %s", probe_errno(e));
	}
	for (int i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	_exit(0);
}

static pid_t start(char **argv, bool anew)
{
	char fd[16], option[] = "--worker", exe[] = "/proc/self/exe";
	char *more[64] = {exe};
	int n = 1;
	pid_t child = fork();

	CHECK(child >= 0, "fork: %s", probe_errno(errno));
	if (child)
		return child;
	if (!anew)
		work();
	while (argv[n] && n < 60) {
		more[n] = argv[n];
		n++;
	}
	snprintf(fd, sizeof(fd), "%d", shared_fd);
	more[n++] = option;
	more[n] = fd;
	execv(exe, more);
	_exit(127);
}

/* Each time that a part of the names has been looked up, one dies and another
 * takes its place. */
static void run(char **argv, int n_processes, int n_kills)
{
	pid_t children[MAX_PROCESSES];
	int status;

	for (int i = 0; i < n_processes; i++)
		children[i] = start(argv, i % 2);
	for (int i = 0; i < n_kills; i++) {
		pid_t *victim = children + i % n_processes;
		int until = (int)((long)n_names * (i + 1) / (n_kills + 2));
		while (atomic_load(&shared->next) < until)
			usleep(100);
		kill(*victim, SIGKILL);
		CHECK(waitpid(*victim, &status, 0) == *victim, "waitpid");
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
			"a child ended with status %x", status);
		*victim = start(argv, i % 2);
	}
	atomic_store(&shared->is_over, true);
	for (int i = 0; i < n_processes; i++)
		probe_reap(children[i], "child");
}

static void *shared_memory(int fd)
{
	void *map = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED, fd, 0);

	CHECK(map != MAP_FAILED, "mmap: %s", probe_errno(errno));
	return map;
}

int main(int argc, char **argv)
{
	char **all = calloc((size_t)argc + 1, sizeof(*all));

	for (int i = 0; i < argc; i++)
		all[i] = argv[i];
	int worker = probe_number(&argc, argv, "--worker", -1);
	int n_processes = probe_number(&argc, argv, "--processes", 8);
	int n_kills = probe_number(&argc, argv, "--kills", 20);
	n_names = probe_number(&argc, argv, "--names", 5000);
	every = probe_number(&argc, argv, "--every", 8);
	n_threads = probe_number(&argc, argv, "--threads", 8);
	seconds = probe_number(&argc, argv, "--seconds", 60);
	proxied = probe_flag(&argc, argv, "--proxied");
	probe_positional(argc, argv, 2, 2, ARGS);
	if (n_names > MAX_NAMES || n_processes > MAX_PROCESSES ||
		n_threads > MAX_THREADS || every < 1)
		probe_usage(ARGS);
	suffix = argv[1];
	port = argv[2];
	probe_watchdog(seconds);
	shared_fd = worker >= 0 ? worker : memfd_create("names", 0);
	CHECK(worker >= 0 || !ftruncate(shared_fd, sizeof(*shared)),
		"memfd: %s", probe_errno(errno));
	shared = shared_memory(shared_fd);
	if (worker >= 0)
		work();
	run(all, n_processes, n_kills);
	free(all);
	/* this process has looked nothing up until now */
	for (int i = 0; i < n_names; i++) {
		if (!atomic_load(&shared->found[i]))
			look_up(i); /* whoever was at it was killed */
		ask_back(i);
		if (i % (100 * every) == 0)
			connect_to(i);
	}
	return 0;
}
