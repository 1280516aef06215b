/*
 * What descriptor numbers mean to us, for the few that mean anything: a table
 * from numbers to pointers.
 *
 * A look costs one load while the table is empty. Changes are made under the
 * lock of the table's user; looks need none, and are made again under it
 * where they decide.
 */
#ifndef SX_HOOK_FDTAB_H
#define SX_HOOK_FDTAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define SX_FDTAB_PAGES 4096U

struct sx_fdtab_page;

/* This thread has a table of descriptors of its own (hook/nsthread.c): what
 * the tables here say of the program's numbers is not said of its own. */
extern _Thread_local bool sx_fdtab_is_apart
	__attribute__((tls_model("initial-exec")));

/* Zeroed it is empty. */
struct sx_fdtab {
	atomic_uint n;    /* how many numbers mean something */
	atomic_int owner; /* the process whose numbers they are */
	_Atomic(struct sx_fdtab_page *) pages[SX_FDTAB_PAGES];
};

/* For get() alone. */
void *sx_fdtab_look(const struct sx_fdtab *t, int fd);

/* What the number stands for, or NULL; for all descriptors of all programs.
 * [any thread] [signal-safe] [after fork] */
static inline void *sx_fdtab_get(const struct sx_fdtab *t, int fd)
{
	return atomic_load_explicit(&t->n, memory_order_relaxed)
		       ? sx_fdtab_look(t, fd)
		       : NULL;
}

/* The same in this very process: NULL in a child of vfork(), who sees its
 * parent's table. It asks the kernel who it is. */
void *sx_fdtab_own(const struct sx_fdtab *t, int fd);

/* NULL forgets. 0 or -ENOMEM; forgetting always works. */
int sx_fdtab_set(struct sx_fdtab *t, int fd, void *meaning);

/* The first number from fd on that means something, or -1. */
int sx_fdtab_next(const struct sx_fdtab *t, unsigned fd);

/* In a child of fork(): the numbers are its own now. */
void sx_fdtab_inherit(struct sx_fdtab *t);

#endif
