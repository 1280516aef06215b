/*
 * Descriptors of our own in the program's table: under numbers that it does
 * not use, close-on-exec, and kept from being closed by it (hook/fds.c).
 *
 * Where the limit can be raised they are above it: no number is taken from
 * the program, and its own can never be one of them. The lock of
 * hook/pending.h is held.
 */
#ifndef SX_HOOK_OWNFD_H
#define SX_HOOK_OWNFD_H

#include "hook/fdtab.h"

#include <sys/resource.h>

/* Their numbers; what they mean is not NULL. */
extern struct sx_fdtab sx_ownfds;

/* While some are made. */
struct sx_ownfd {
	struct rlimit limit; /* as the program has it */
	int from;            /* the lowest number */
	int is_raised;
};

void sx_ownfd_begin(struct sx_ownfd *o);

/* Another number for what fd shows: it, or -errno. */
int sx_ownfd_dup(const struct sx_ownfd *o, int fd);

/* The same, and fd is closed, in any case; a negative one is handed on. */
int sx_ownfd_move(const struct sx_ownfd *o, int fd);

void sx_ownfd_end(const struct sx_ownfd *o);

/* dup3() onto a number of the program's, be it above the limit, which was
 * lowered since. */
int sx_ownfd_dup3(int fd, int to, int flags);

/* Closes one of them; -1 is harmless. */
void sx_ownfd_close(int fd);

#endif
