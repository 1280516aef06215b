/*
 * execl(3), execlp(3), execle(3): the arguments become an array on the stack.
 */
#include "hook/exec.h"
#include "hook/real.h"

#include <alloca.h>
#include <errno.h>
#include <stdarg.h>

enum form {
	FORM_PATH,   /* execl() */
	FORM_SEARCH, /* execlp() */
	FORM_ENV,    /* execle(): an environment behind the NULL */
};

/* counted and args are at the same place. */
static int run(enum form form, const char *file, const char *first,
	va_list *counted, va_list *args)
{
	const long most = SX_EXEC_STACK_MAX / (long)sizeof(char *);
	long n = 1;

	for (const char *arg = first; arg && n <= most; n++)
		arg = va_arg(*counted, const char *);
	if (n > most) {
		errno = E2BIG;
		return -1;
	}
	char **argv = alloca((size_t)n * sizeof(*argv));
	argv[0] = (char *)first;
	for (long i = 1; i < n; i++)
		argv[i] = va_arg(*args, char *);
	if (form == FORM_ENV)
		return hook_execve(file, argv, va_arg(*args, char *const *));
	return form == FORM_PATH ? hook_execve(file, argv, environ)
				 : hook_execvpe(file, argv, environ);
}

#define RUN(form, file, first)                                                 \
	do {                                                                   \
		va_list counted, args;                                         \
		va_start(counted, first);                                      \
		va_start(args, first);                                         \
		int r_ = run(form, file, first, &counted, &args);              \
		va_end(args);                                                  \
		va_end(counted);                                               \
		return r_;                                                     \
	} while (0)

SX_EXPORT int execl(const char *path, const char *arg, ...)
{
	RUN(FORM_PATH, path, arg);
}

SX_EXPORT int execlp(const char *file, const char *arg, ...)
{
	RUN(FORM_SEARCH, file, arg);
}

SX_EXPORT int execle(const char *path, const char *arg, ...)
{
	RUN(FORM_ENV, path, arg);
}
