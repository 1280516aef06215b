/*
 * execve(2) and its relatives: whatever environment a program gives, its
 * children have the library and its settings, or do not run (hook/exec.h).
 *
 * All forms end in the one call of execve() or execveat() here, because those
 * of libc call each other inside it. The search through PATH is libc's own,
 * step by step: what execve() says of a candidate decides whether the next one
 * is tried. But a candidate that was refused ends it: the next one would be
 * another program than was meant.
 */
#include "hook/exec.h"

#include "hook/carried.h"
#include "hook/hook.h"
#include "hook/pending.h"
#include "hook/real.h"

#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define DEFAULT_PATH "/bin:/usr/bin" /* confstr(_CS_PATH) */
#define SHELL        "/bin/sh"
#define N_ARGS_MAX   (1L << 22) /* more than the kernel would take */

struct call {
	struct sx_program_file file;
	int flags; /* of execveat() */
	bool is_at;
};

static int call_real(
	const struct call *call, char *const argv[], char *const envp[])
{
	sx_pending_before_exec();
	if (call->is_at)
		return real_execveat(call->file.dirfd, call->file.path, argv,
			envp, call->flags);
	return real_execve(call->file.path, argv, envp);
}

/* As execve(); a refusal is reported in *refused. */
static int run(const struct call *call, char *const argv[], char *const envp[],
	bool *refused)
{
	bool is_direct;
	int saved = errno;
	long size = sx_exec_judge(&call->file, envp, &is_direct);

	*refused = size < 0;
	if (*refused) {
		errno = (int)-size;
		return -1;
	}
	errno = saved;
	if (size == 0)
		return call_real(call, argv, envp);
	void *room = SX_EXEC_ROOM(size);
	if (!room) {
		errno = ENOMEM;
		return -1;
	}
	int r = call_real(call, argv, sx_exec_env(envp, is_direct, room));
	sx_exec_unmap(room, size);
	return r;
}

/* With what the program has to know of the descriptors that it keeps. */
static int run_with_sockets(const struct call *call, char *const argv[],
	char *const envp[], bool *refused)
{
	bool has_sockets = sx_carried_before_exec();
	int r = run(call, argv, envp, refused), saved = errno;

	if (has_sockets)
		sx_carried_after_exec();
	errno = saved;
	return r;
}

static int run_path(
	const char *path, char *const argv[], char *const envp[], bool *refused)
{
	struct call call = {.file = {AT_FDCWD, path, false}};

	return run_with_sockets(&call, argv, envp, refused);
}

int hook_execve(const char *path, char *const argv[], char *const envp[])
{
	bool refused;

	return run_path(path, argv, envp, &refused);
}

/* What the kernel does not know is a text for the shell. */
static int run_by_shell(
	const char *path, char *const argv[], char *const envp[], bool *refused)
{
	long n = 0;

	while (n < N_ARGS_MAX && argv[n])
		n++;
	if (n == N_ARGS_MAX) {
		errno = E2BIG;
		return -1;
	}
	long size = (n + 3) * (long)sizeof(char *);
	char **made = SX_EXEC_ROOM(size);
	if (!made) {
		errno = ENOMEM;
		return -1;
	}
	made[0] = (char *)SHELL;
	made[1] = (char *)path;
	made[2] = NULL;
	if (n > 1) /* with the NULL */
		memcpy(made + 2, argv + 1, (size_t)n * sizeof(*made));
	int r = run_path(SHELL, made, envp, refused);
	sx_exec_unmap(made, size);
	return r;
}

static int run_or_shell(
	const char *path, char *const argv[], char *const envp[], bool *refused)
{
	int r = run_path(path, argv, envp, refused);

	if (errno == ENOEXEC && !*refused)
		r = run_by_shell(path, argv, envp, refused);
	return r;
}

/* Errors that say no more than "not in this folder". */
static bool goes_on(int err)
{
	return err == EACCES || err == ENOENT || err == ESTALE ||
	       err == ENOTDIR || err == ENODEV || err == ETIMEDOUT;
}

/* room holds the longest folder, a slash and the file's name. */
static int search(const char *dirs, const char *file, char *const argv[],
	char *const envp[], char *room)
{
	bool found = false, refused;

	for (;; dirs++) {
		size_t n = strcspn(dirs, ":");
		if (n < PATH_MAX) {
			char *end = mempcpy(room, dirs, n);
			if (n) /* else: this folder */
				*end++ = '/';
			stpcpy(end, file);
			run_or_shell(room, argv, envp, &refused);
			if (refused || !goes_on(errno))
				return -1;
			found |= errno == EACCES;
		}
		dirs += n;
		if (!*dirs)
			break;
	}
	if (found)
		errno = EACCES;
	return -1;
}

int hook_execvpe(const char *file, char *const argv[], char *const envp[])
{
	const char *dirs = getenv("PATH");
	bool refused;

	if (!*file) {
		errno = ENOENT;
		return -1;
	}
	if (strchr(file, '/'))
		return run_or_shell(file, argv, envp, &refused);
	size_t len = strnlen(file, NAME_MAX + 1);
	if (len > NAME_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (!dirs)
		dirs = DEFAULT_PATH;
	return search(dirs, file, argv, envp,
		alloca(strnlen(dirs, PATH_MAX) + len + 2));
}

static int hook_execveat(int dirfd, const char *path, char *const argv[],
	char *const envp[], int flags)
{
	struct call call = {{dirfd, path, false}, flags, true};
	bool refused;

	return run_with_sockets(&call, argv, envp, &refused);
}

SX_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return hook_execve(path, argv, envp);
}

SX_EXPORT int execv(const char *path, char *const argv[])
{
	return hook_execve(path, argv, environ);
}

SX_EXPORT int execvp(const char *file, char *const argv[])
{
	return hook_execvpe(file, argv, environ);
}

SX_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return hook_execvpe(file, argv, envp);
}

SX_EXPORT int execveat(int dirfd, const char *path, char *const argv[],
	char *const envp[], int flags)
{
	return hook_execveat(dirfd, path, argv, envp, flags);
}

SX_EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	if (fd < 0) {
		errno = EINVAL;
		return -1;
	}
	return hook_execveat(fd, "", argv, envp, AT_EMPTY_PATH);
}
