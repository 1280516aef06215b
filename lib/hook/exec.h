/*
 * What the hooks that start programs share. Between vfork() and exec the
 * child has its parent's memory: nothing here writes anything but the stack,
 * one word that says which refusal was logged last, and errno; nothing
 * allocates or takes a lock.
 */
#ifndef SX_HOOK_EXEC_H
#define SX_HOOK_EXEC_H

#include "core/program.h"

/*
 * What the configuration says of children. Set once, before any thread starts
 * a program; direct is borrowed for ever.
 */
struct sx_exec_policy {
	bool allow_leaks;
	char *const *direct; /* names of programs that run without us */
	unsigned n_direct;
};
void sx_exec_configure(const struct sx_exec_policy *policy);

/*
 * Prepares for a program with this environment. Positive: the bytes of room
 * that sx_exec_env() needs for it; 0: its environment stays as it is.
 * Negative errno: it must not run, which was logged. *is_direct: it is to run
 * without us. [any thread] [signal-safe] [after fork]
 */
long sx_exec_judge(const struct sx_program_file *file, char *const envp[],
	bool *is_direct);

/* The environment for it, in room, aligned for a pointer. */
char **sx_exec_env(char *const envp[], bool is_direct, void *room);

/*
 * Room on the stack where that is little, else a mapping (which a child of
 * vfork() leaves to its parent when it succeeds), for a call of the function
 * it is used in. NULL: there is none.
 */
#define SX_EXEC_STACK_MAX 65536L
#define SX_EXEC_ROOM(size)                                                     \
	((size) <= SX_EXEC_STACK_MAX ? alloca((size_t)(size))                  \
				     : sx_exec_map((size_t)(size)))
void *sx_exec_map(size_t size);

/* Gives a mapping back; nothing for room on the stack or none. */
void sx_exec_unmap(void *room, long size);

/* execve(2) as the program sees it, for the hooks that end in it. */
int hook_execve(const char *path, char *const argv[], char *const envp[]);

/* execvpe(3): PATH is that of this process. */
int hook_execvpe(const char *file, char *const argv[], char *const envp[]);

#endif
