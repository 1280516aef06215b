/*
 * What descriptor numbers mean to us, for the few that mean anything: those
 * of the program that stand for a pending connection (hook/pending.h), and
 * those of our own, which the program shall not close.
 *
 * A look costs one load while there is none. Changes are made under the lock
 * of hook/pending.h; looks need none, and are made again under it where they
 * decide.
 */
#ifndef SX_HOOK_FDTAB_H
#define SX_HOOK_FDTAB_H

#include <stdatomic.h>
#include <stddef.h>

struct sx_pending;

/* A number of our own; not a pointer to look behind. */
#define SX_FD_PRIVATE ((struct sx_pending *)1)

/* How many numbers mean something. */
extern atomic_uint sx_fdtab_n;

/* What the number stands for in this very process, or NULL: a child of
 * vfork() sees the parent's table, and it is not its own. */
struct sx_pending *sx_fdtab_find(int fd);

/* The same, for all descriptors of all programs. [any thread] [signal-safe]
 * [after fork] */
static inline struct sx_pending *sx_fdtab_get(int fd)
{
	return atomic_load_explicit(&sx_fdtab_n, memory_order_relaxed)
		       ? sx_fdtab_find(fd)
		       : NULL;
}

/* NULL forgets. 0 or -ENOMEM; forgetting always works. */
int sx_fdtab_set(int fd, struct sx_pending *p);

/* The first number from fd on that means something, or -1. */
int sx_fdtab_next(unsigned fd);

/* Nothing means anything any more: in a child of fork(). */
void sx_fdtab_clear(void);

#endif
