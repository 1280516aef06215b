/*
 * Children that have their parent's memory (vfork, clone) and connect before
 * they exec, programs started in a signal handler on a small stack of its
 * own, and by many threads at a time.
 *
 * exec_vfork HOST PORT
 * HOST PORT	an echo
 */
#include "probe.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define N_TIMES   20
#define N_THREADS 8
#define N_EACH    10

extern char **environ;

static char exe[] = "/proc/self/exe", child_word[] = "child";
static char *args[] = {exe, NULL, NULL, child_word, NULL};
static char marker[] = "PROBE=mine";
static char *bare[] = {marker, NULL};
static struct probe_addr known;

static void talk(void)
{
	int fd = probe_connected(&known);

	probe_echo(fd);
	close(fd);
}

/* In memory that is the parent's. */
static void talk_and_exec(void)
{
	talk();
	execve(exe, args, bare);
	_exit(127);
}

static void with_vfork(void)
{
	for (int i = 0; i < N_TIMES; i++) {
		pid_t child = vfork();
		if (child == 0)
			talk_and_exec();
		probe_reap(child, "vfork");
		talk();
	}
}

static int cloned(void *unused)
{
	(void)unused;
	talk_and_exec();
	return 127;
}

static void with_clone(void)
{
	const size_t size = 256 * 1024;
	char *stack = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	CHECK(stack != MAP_FAILED, "mmap: %s", probe_errno(errno));
	for (int i = 0; i < N_TIMES; i++) {
		pid_t child = clone(cloned, stack + size,
			CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
		probe_reap(child, "clone");
		talk();
	}
	munmap(stack, size);
}

static void on_signal(int sig)
{
	(void)sig;
	execve(exe, args, bare);
	_exit(127);
}

/* As a program that starts a debugger when it crashes. */
static void in_handler(void)
{
	static char small[8192];
	stack_t stack = {.ss_sp = small, .ss_size = sizeof(small)};
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};

	CHECK(!sigaltstack(&stack, NULL), "%s", probe_errno(errno));
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
}

static pid_t vforked(void)
{
	pid_t child = vfork();

	if (child == 0)
		on_signal(0);
	return child;
}

static pid_t spawned(void)
{
	pid_t child = 0;
	int e = posix_spawn(&child, exe, NULL, NULL, args, bare);

	CHECK(!e, "posix_spawn: %s", probe_errno(e));
	return child;
}

static void *spawn_many(void *form)
{
	for (int i = 0; i < N_EACH; i++)
		probe_reap(form ? spawned() : vforked(), "a thread's child");
	return NULL;
}

static void by_threads(void)
{
	pthread_t threads[N_THREADS];

	for (long i = 0; i < N_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, spawn_many,
			      i & 1 ? child_word : NULL),
			"pthread_create");
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Threads start shells while there is nothing in the environment. */
static void *shell_many(void *command)
{
	for (int i = 0; i < N_EACH; i++) {
		int status = system(command);
		CHECK(status == 0, "system: %#x", (unsigned)status);
	}
	return NULL;
}

static void shells_by_threads(void)
{
	pthread_t threads[N_THREADS];
	char self[3000], line[4096];
	ssize_t n = readlink(exe, self, sizeof(self) - 1);

	CHECK(n > 0, "readlink: %s", probe_errno(errno));
	self[n] = '\0';
	snprintf(
		line, sizeof(line), "'%s' %s %s child", self, args[1], args[2]);
	clearenv();
	environ = bare;
	for (int i = 0; i < N_THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, shell_many, line),
			"pthread_create");
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	CHECK(getenv("PROBE"), "a variable is gone");
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[3], child_word)) {
		probe_watchdog(30);
		CHECK(getenv("PROBE"), "not the variable that was given");
		probe_resolve(&known, argv[1], argv[2]);
		talk();
		return 0;
	}
	probe_positional(argc, argv, 2, 2, "HOST PORT");
	probe_watchdog(120);
	args[1] = argv[1];
	args[2] = argv[2];
	probe_resolve(&known, argv[1], argv[2]);
	with_vfork();
	with_clone();
	pid_t child = fork();
	if (child == 0)
		in_handler();
	probe_reap(child, "the handler's program");
	by_threads();
	shells_by_threads();
	return 0;
}
