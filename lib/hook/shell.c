/*
 * system(3), popen(3): a shell, whose environment is `environ`.
 *
 * libc starts it inside itself. What a program has taken out of its
 * environment is therefore put back into it, for good: taken out again behind
 * the call, it would be gone for another thread that is in such a call just
 * then. The new environment appears at once, as one pointer; the old one is
 * left as it is, since another thread may be reading it, so the memory of the
 * new one is not freed. A thread that changes the environment at the same
 * moment races with us as it would with any other that does.
 */
#include "hook/env.h"
#include "hook/exec.h"
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define SHELL "/bin/sh"

/* 0, or -errno. */
static int mend_environ(void)
{
	const struct sx_childenv *env = sx_env_of_children();

	for (;;) {
		char **old = __atomic_load_n(&environ, __ATOMIC_ACQUIRE);
		size_t size = sx_childenv_room(env, old);
		if (!size)
			return 0;
		void *room = malloc(size);
		if (!room)
			return -ENOMEM;
		if (__atomic_compare_exchange_n(&environ, &old,
			    sx_childenv_make(env, old, room), false,
			    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			return 0;
		free(room); /* nobody has seen it */
	}
}

/* 0; -1 and errno when no shell may be started. */
static int prepare(void)
{
	struct sx_program_file file = {AT_FDCWD, SHELL, false};
	bool is_direct;
	int saved = errno;
	long r = sx_exec_judge(&file, environ, &is_direct);

	if (r > 0)
		r = is_direct ? 0 : mend_environ();
	errno = r < 0 ? (int)-r : saved;
	return r < 0 ? -1 : 0;
}

SX_EXPORT int system(const char *command)
{
	if (command && prepare())
		return -1;
	return real_system(command);
}

SX_EXPORT FILE *popen(const char *command, const char *mode)
{
	if (prepare())
		return NULL;
	return real_popen(command, mode);
}
