/*
 * The dynamic linker's functions that lead around the hooks: RTLD_DEEPBIND
 * lets a library find libc before us, dlmopen() loads another libc, and
 * dlsym() finds libc's own functions.
 *
 * dlopen() and dlsym() judge by the address they were called from, where
 * $ORIGIN and RTLD_NEXT are meant from. So the real ones are jumped to, not
 * called: the caller stays the caller. In C that is a call in tail position,
 * which optimised code turns into a jump.
 *
 * The runtimes of sanitizers call dlsym() before they can serve anybody, the
 * functions of libc that they stand in for included: nothing here calls such a
 * function for a name that is none of ours, or is instrumented.
 */
#include "hook/hook.h"
#include "hook/real.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <stddef.h>

#if defined(__clang__)
#define TAIL_CALL SX_EARLY __attribute__((noinline))
#else
#define TAIL_CALL SX_EARLY __attribute__((noinline, optimize("O2")))
#endif

/* What the library exports, by its symbols, whatever their types. */
#define SX_HOOK(name)        extern const char export_##name[] __asm__(#name);
#define SX_EXPORT_ONLY(name) SX_HOOK(name)
#include "hook/hooks.def"
#undef SX_HOOK

SX_EARLY static bool is_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Ours of that name, or NULL. No table: its pointers would have to be
 * relocated at each start of a program. */
SX_EARLY static const void *find(const char *name)
{
#define SX_HOOK(hook)                                                          \
	if (is_same(#hook, name))                                              \
		return export_##hook;
#include "hook/hooks.def"
#undef SX_HOOK
#undef SX_EXPORT_ONLY
	return NULL;
}

SX_EARLY static const void *object_of(const void *address)
{
	Dl_info info;

	return dladdr(address, &info) ? info.dli_fbase : NULL;
}

/*
 * Ours for one of our names that would be found in libc, NULL for the rest.
 * RTLD_NEXT from the very object that comes next to us (another library that
 * interposes the name) means the one after it: with ours the two would call
 * each other for ever. Not to be inlined: a variable whose address is taken
 * would keep its caller from jumping.
 */
SX_EARLY __attribute__((noinline)) static const void *interposed(
	void *handle, const char *name, const void *caller)
{
	const void *ours = name ? find(name) : NULL, *found;

	if (!ours || handle == RTLD_DEFAULT)
		return NULL;
	found = real_dlsym(handle, name);
	if (handle == RTLD_NEXT)
		return object_of(caller) == object_of(found) ||
				       object_of(caller) == object_of(ours)
			       ? NULL
			       : ours;
	return found && object_of(found) ==
				       object_of((void *)gnu_get_libc_version)
		       ? ours
		       : NULL;
}

SX_EXPORT TAIL_CALL void *dlsym(
	void *restrict handle, const char *restrict name)
{
	const void *ours =
		interposed(handle, name, __builtin_return_address(0));

	if (ours)
		return (void *)ours;
	return real_dlsym(handle, name);
}

SX_EXPORT TAIL_CALL void *dlopen(const char *file, int mode)
{
	return real_dlopen(file, mode & ~RTLD_DEEPBIND);
}

/* dlerror() is to say something: a file that cannot be there makes it. */
SX_EXPORT TAIL_CALL void *dlmopen(Lmid_t space, const char *file, int mode)
{
	if (space == LM_ID_BASE)
		return real_dlopen(file, mode & ~RTLD_DEEPBIND);
	sx_hook_refuse(
		EPERM, "dlmopen() in a name space of its own", NULL, NULL);
	return real_dlopen("/dlmopen() is refused by socksify", RTLD_NOW);
}
