/*
 * Children: what they inherit, and what is kept from them.
 */
#include "leak_probe.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_ARGS 8

static char *const nothing[] = {NULL};

/* Our own command line, for the plain way. It goes by the name we go by. */
static const char *again(const struct probe *p, char **argv)
{
	memcpy(argv, p->argv, N_ARGS * sizeof(*argv)); /* with its NULL */
	argv[1] = (char *)"tcp4";
	return probe_file("");
}

/* The statuses 0 and 1 are those of a child that has said something. */
static int status_of(int r)
{
	return r == EPERM ? EACCES : r > UCHAR_MAX ? UCHAR_MAX : r;
}

int probe_fork(const struct probe *p)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(status_of(probe_dial(&p->v4, sizeof(p->v4))));
	int r = probe_reap(pid);
	return r == PROBE_SAID ? 0 : r;
}

int probe_vfork_exec(const struct probe *p)
{
	char *argv[N_ARGS];
	const char *path = again(p, argv);
	pid_t pid = vfork();

	if (pid == 0) {
		execv(path, argv);
		_exit(status_of(errno));
	}
	return probe_reap(pid);
}

int probe_exec_empty(const struct probe *p)
{
	char *argv[N_ARGS];

	execve(again(p, argv), argv, nothing);
	return errno;
}

int probe_spawn_empty(const struct probe *p)
{
	char *argv[N_ARGS];
	pid_t pid;
	int r = posix_spawn(&pid, again(p, argv), NULL, NULL, argv, nothing);

	return r ? r : probe_reap(pid);
}

/* Its path may hold anything but a quote. */
int probe_shell_clearenv(const struct probe *p)
{
	int (*const shell)(const char *) = system;
	char *argv[N_ARGS], line[PATH_MAX + 512];
	int n = snprintf(line, sizeof(line), "'%s'", again(p, argv));

	for (char **arg = argv + 1; *arg; arg++)
		n += snprintf(
			line + n, sizeof(line) - (size_t)n, " '%s'", *arg);
	clearenv();
	int status = shell(line);
	if (status < 0)
		return errno;
	return WIFEXITED(status) && WEXITSTATUS(status) <= 1 ? PROBE_SAID
							     : EACCES;
}

int probe_static_child(const struct probe *p)
{
	const char *path = probe_file("-static");
	char *argv[] = {
		(char *)path, (char *)p->v4_text, (char *)p->port_text, NULL};
	pid_t pid;
	int r = posix_spawn(&pid, path, NULL, NULL, argv, environ);

	return r ? r : probe_reap(pid);
}
