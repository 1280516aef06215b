/*
 * May a program be started, and with which environment.
 */
#include "base/log.h"
#include "conf/values.h"
#include "hook/env.h"
#include "hook/exec.h"
#include "hook/hook.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct sx_exec_policy policy;

void sx_exec_configure(const struct sx_exec_policy *p)
{
	policy = *p;
}

/* The name of the file that is run; buf is for that of a descriptor. */
static const char *name_of(
	const struct sx_program_file *file, char *buf, size_t size)
{
	char link[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

	if (*file->path)
		return sx_program_name(file->path);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file->dirfd);
	ssize_t n = readlink(link, buf, size - 1);
	buf[n < 0 ? 0 : n] = '\0';
	return sx_program_name(buf);
}

static bool is_direct_app(const struct sx_program_file *file)
{
	char buf[512]; /* a longer path has no name that could be told */

	if (!policy.n_direct)
		return false;
	return sx_program_is_listed(policy.direct, policy.n_direct,
		name_of(file, buf, sizeof(buf)));
}

/* What the child is told goes for its start, too. */
static bool allows_leaks(char *const envp[])
{
	const char *value = sx_childenv_get(envp, "SOCKSIFY_ALLOW_LEAKS");
	bool allowed = policy.allow_leaks;

	if (value)
		sx_flag_parse(value, &allowed);
	return allowed;
}

/* A shell may try one file by several paths, one behind the other. */
static bool is_told(const struct sx_program *program)
{
	static _Atomic uint64_t last;
	uint64_t now = ((uint64_t)program->ino * 31 + program->dev) * 31 +
		       (uint64_t)getpid();

	return atomic_exchange(&last, now) == now;
}

static void tell(const struct sx_program_file *file,
	const struct sx_program *program, bool allowed)
{
	char buf[128];
	const char *path =
		*file->path ? file->path : name_of(file, buf, sizeof(buf));
	const char *interpreter = program->interpreter;

	if (is_told(program))
		return;
	sx_log(SX_LOG_WARN, "%s%s%s%s %s; it %s around the proxy",
		allowed ? "" : "refused to run ", path,
		*interpreter ? ": its interpreter " : ", which", interpreter,
		program->text, allowed ? "goes" : "would go");
}

/* 0, or -errno. */
static int inspect(const struct sx_program_file *file, char *const envp[])
{
	const struct sx_program_library library = {
		.entry = sx_env_of_children()->entry,
		.path = sx_env_library(),
	};
	struct sx_program program;
	int err = sx_program_inspect(file, &library, &program);
	bool allowed = allows_leaks(envp);

	if (err)
		return allowed ? 0 : err;
	if (program.obstacle == SX_OBSTACLE_NONE)
		return 0;
	tell(file, &program, allowed);
	return allowed ? 0 : -EACCES;
}

long sx_exec_judge(
	const struct sx_program_file *file, char *const envp[], bool *is_direct)
{
	*is_direct = false;
	if (!sx_hook_start()) /* nothing is known yet of what to give it */
		return -EACCES;
	*is_direct = is_direct_app(file);
	if (*is_direct)
		return (long)sx_childenv_bare_room(envp);
	int err = inspect(file, envp);
	return err ? err : (long)sx_childenv_room(sx_env_of_children(), envp);
}

char **sx_exec_env(char *const envp[], bool is_direct, void *room)
{
	const struct sx_childenv *env = sx_env_of_children();

	return is_direct ? sx_childenv_bare(env->entry, envp, room)
			 : sx_childenv_make(env, envp, room);
}

void *sx_exec_map(size_t size)
{
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return room == MAP_FAILED ? NULL : room;
}

void sx_exec_unmap(void *room, long size)
{
	int saved = errno;

	if (room && size > SX_EXEC_STACK_MAX)
		munmap(room, (size_t)size);
	errno = saved;
}
