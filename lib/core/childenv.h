/*
 * The environment of a child: our entry in LD_PRELOAD and our settings are
 * put back where a program left them out, and taken out for a program that
 * is to run without us.
 *
 * Pure functions over strings. They allocate nothing and write to nothing but
 * the room that the caller gives, so they can be used between vfork() and
 * exec. What they return borrows from envp and from the settings.
 * [any thread] [signal-safe] [after fork]
 */
#ifndef SX_CORE_CHILDENV_H
#define SX_CORE_CHILDENV_H

#include <stdbool.h>
#include <stddef.h>

/* What a child needs, as it was when this process began. */
struct sx_childenv {
	/* Our entry of LD_PRELOAD, an absolute path or one that begins with
	 * "$LIB" and the like; NULL: not known, LD_PRELOAD stays as it is */
	const char *entry;
	/*
	 * Strings NAME=VALUE, each with its NUL, one behind the other, with an
	 * empty one behind the last. They are given to a child whose
	 * environment does not have NAME; but SOCKSIFY_HOME,
	 * SOCKSIFY_XDG_CONFIG_HOME and SOCKSIFY_XDG_RUNTIME_DIR only if what
	 * it has without "SOCKSIFY_" is different (an empty VALUE is the same
	 * as none).
	 */
	const char *items;
};

/* True if the value of LD_PRELOAD, entries with spaces or colons between
 * them, has this one. */
bool sx_preload_has(const char *value, const char *entry);

/*
 * Writes entry before the others of value into out, with strlen(value) +
 * strlen(entry) + 2 bytes of room. A value that has it is copied as it is.
 */
void sx_preload_add(char *out, const char *value, const char *entry);

/* Writes value without this entry into out, with strlen(value) + 1 bytes. */
void sx_preload_remove(char *out, const char *value, const char *entry);

/* The value of name in envp, the first one, as getenv() finds it; NULL: not
 * there. envp may be NULL. */
const char *sx_childenv_get(char *const envp[], const char *name);

/* The value of LD_PRELOAD in envp, the last one, as the dynamic linker takes
 * it; NULL: not there. */
const char *sx_childenv_preload(char *const envp[]);

/*
 * The bytes of room that sx_childenv_make() needs for envp, which may be
 * NULL; 0 when envp can stay as it is.
 */
size_t sx_childenv_room(const struct sx_childenv *env, char *const envp[]);

/*
 * envp with what is missing, in the order it has. room: as many bytes as
 * sx_childenv_room() has said for the same two, aligned for a pointer.
 */
char **sx_childenv_make(
	const struct sx_childenv *env, char *const envp[], void *room);

/* As these two, but for envp without our entry of LD_PRELOAD and without any
 * SOCKSIFY_ variable. Never 0; entry may be NULL. */
size_t sx_childenv_bare_room(char *const envp[]);
char **sx_childenv_bare(const char *entry, char *const envp[], void *room);

#endif
