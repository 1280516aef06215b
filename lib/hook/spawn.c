/*
 * posix_spawn(3) and posix_spawnp(3): attributes and file actions go through.
 *
 * libc runs the program itself, in a child that has our memory: what it will
 * run is looked for here first. A relative path behind a file action that
 * changes the folder cannot be: then the file that is looked at is another
 * one, or none.
 */
#include "hook/exec.h"
#include "hook/hook.h"
#include "hook/real.h"

#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#define DEFAULT_PATH "/bin:/usr/bin" /* confstr(_CS_PATH) */

struct spawn {
	__typeof__(posix_spawn) *real;
	pid_t *pid;
	const char *file; /* as the program gave it */
	const posix_spawn_file_actions_t *actions;
	const posix_spawnattr_t *attr;
};

static bool resets_ids(const posix_spawnattr_t *attr)
{
	short flags;

	return attr && posix_spawnattr_getflags(attr, &flags) == 0 &&
	       flags & POSIX_SPAWN_RESETIDS;
}

/* path: where the file is. Returns as posix_spawn(). */
static int spawn(const struct spawn *s, const char *path, char *const argv[],
	char *const envp[])
{
	struct sx_program_file file = {AT_FDCWD, path, resets_ids(s->attr)};
	bool is_direct;
	void *room = NULL;
	int saved = errno;
	long size = sx_exec_judge(&file, envp, &is_direct);

	errno = saved;
	if (size < 0)
		return (int)-size;
	if (size) {
		room = SX_EXEC_ROOM(size);
		if (!room)
			return ENOMEM;
		envp = sx_exec_env(envp, is_direct, room);
	}
	int err = s->real(s->pid, s->file, s->actions, s->attr, argv, envp);
	sx_exec_unmap(room, size);
	return err;
}

SX_EXPORT int posix_spawn(pid_t *pid, const char *path,
	const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	struct spawn s = {real_posix_spawn, pid, path, actions, attr};

	return spawn(&s, path, argv, envp);
}

SX_EXPORT int posix_spawnp(pid_t *pid, const char *file,
	const posix_spawn_file_actions_t *actions,
	const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	struct spawn s = {real_posix_spawnp, pid, file, actions, attr};
	const char *dirs = getenv("PATH");
	char path[PATH_MAX + NAME_MAX + 2];

	/* What is not found here libc will not find either: it says why. What
	 * is found is run, and nothing behind it in PATH. */
	if (sx_program_find(
		    file, dirs ? dirs : DEFAULT_PATH, path, sizeof(path)))
		return spawn(&s, file, argv, envp);
	if (*path == '/') {
		s.real = real_posix_spawn;
		s.file = path;
	}
	return spawn(&s, path, argv, envp);
}
