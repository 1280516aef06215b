/*
 * close(2), dup(2), fcntl(2), shutdown(2) and their relatives: descriptors of
 * our own are not the program's to close, and the numbers of a pending
 * connection are followed. While there is none of either all of them pass.
 */
#include "hook/copies.h"
#include "hook/hook.h"
#include "hook/pending.h"
#include "hook/real.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>

static int bad(int err)
{
	errno = err;
	return -1;
}

static int hook_close(int fd)
{
	struct sx_pending *p = sx_fdtab_get(fd);

	if (!p)
		return real_close(fd);
	if (p == SX_FD_PRIVATE)
		return bad(EBADF);
	p = sx_pending_lock(fd);
	int r = real_close(fd);
	if (p) {
		sx_pending_leave(p, fd);
		sx_pending_unlock();
	}
	return r;
}

/* to shows what fd shows now, by make(); a number that was to be had for it
 * before is not fd's. */
static int copied(struct sx_pending *p, int fd, int to)
{
	if (to < 0)
		return to;
	if (!p) {
		sx_copies_note(fd, to);
		return to;
	}
	if (sx_pending_join(p, to))
		return to;
	real_close(to);
	return bad(EMFILE);
}

static int hook_dup(int fd)
{
	struct sx_pending *p = sx_pending_lock(fd);
	int r = copied(p, fd, real_dup(fd));

	if (p)
		sx_pending_unlock();
	return r;
}

/* What the number to showed is closed. */
static int dup_over(int fd, int to, int flags)
{
	struct sx_pending *old = sx_fdtab_get(to), *p = sx_fdtab_get(fd);

	if (old == SX_FD_PRIVATE || p == SX_FD_PRIVATE)
		return bad(EBADF);
	int r = real_dup3(fd, to, flags);
	if (r >= 0 && old)
		sx_pending_leave(old, to);
	return copied(p, fd, r);
}

static int hook_dup3(int fd, int to, int flags)
{
	if (!sx_fdtab_get(fd) && !sx_fdtab_get(to))
		return copied(NULL, fd, real_dup3(fd, to, flags));
	sx_pending_lock_all();
	int r = dup_over(fd, to, flags);
	sx_pending_unlock();
	return r;
}

static int hook_dup2(int fd, int to)
{
	if (fd != to)
		return hook_dup3(fd, to, 0);
	return real_dup2(fd, to);
}

static int hook_fcntl(int fd, int cmd, long arg)
{
	if (cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC)
		return real_fcntl(fd, cmd, arg);
	struct sx_pending *p = sx_pending_lock(fd);
	int r = copied(p, fd, real_fcntl(fd, cmd, arg));
	if (p)
		sx_pending_unlock();
	return r;
}

/* In SYN_SENT the kernel gives the connection up. */
static int hook_shutdown(int fd, int how)
{
	if (!sx_pending_is(fd))
		return real_shutdown(fd, how);
	if (how < SHUT_RD || how > SHUT_RDWR)
		return bad(EINVAL);
	sx_pending_abort(fd);
	return 0;
}

/* Up to and without the first of our own; returns where to go on. */
static unsigned close_up_to(unsigned first, unsigned last, int flags, int *r)
{
	int own = sx_fdtab_next(first);

	while (own >= 0 && sx_fdtab_get(own) != SX_FD_PRIVATE)
		own = sx_fdtab_next((unsigned)own + 1);
	if (own < 0 || (unsigned)own > last)
		own = -1;
	unsigned end = own < 0 ? last : (unsigned)own - 1;
	if (end + 1 > first || end == UINT_MAX)
		*r = real_close_range(first, end, flags);
	return own < 0 ? UINT_MAX : (unsigned)own + 1;
}

static void leave_all(unsigned first, unsigned last)
{
	for (int fd = sx_fdtab_next(first); fd >= 0 && (unsigned)fd <= last;
		fd = sx_fdtab_next((unsigned)fd + 1)) {
		struct sx_pending *p = sx_fdtab_get(fd);
		if (p && p != SX_FD_PRIVATE)
			sx_pending_leave(p, fd);
	}
}

static int hook_close_range(unsigned first, unsigned last, int flags)
{
	bool closes = !((unsigned)flags & CLOSE_RANGE_CLOEXEC);
	int r = 0, own = closes && atomic_load(&sx_fdtab_n) && first <= last
				 ? sx_fdtab_next(first)
				 : -1;

	if (own < 0 || !sx_fdtab_get(own))
		return real_close_range(first, last, flags);
	sx_pending_lock_all();
	for (unsigned at = first; at <= last && at != UINT_MAX && r == 0;)
		at = close_up_to(at, last, flags, &r);
	if (r == 0)
		leave_all(first, last);
	sx_pending_unlock();
	return r;
}

SX_EARLY SX_EXPORT int close(int fd)
{
	return hook_close(fd);
}

SX_EXPORT int dup(int fd)
{
	return hook_dup(fd);
}

SX_EXPORT int dup2(int fd, int to)
{
	return hook_dup2(fd, to);
}

SX_EXPORT int dup3(int fd, int to, int flags)
{
	return hook_dup3(fd, to, flags);
}

SX_EXPORT int shutdown(int fd, int how)
{
	return hook_shutdown(fd, how);
}

SX_EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	return hook_close_range(first, last, flags);
}

SX_EXPORT void closefrom(int first)
{
	hook_close_range(first < 0 ? 0 : (unsigned)first, UINT_MAX, 0);
}

/* The third argument is a number or a pointer, or missing. */
#define FCNTL(name)                                                            \
	SX_EARLY SX_EXPORT int name(int fd, int cmd, ...)                      \
	{                                                                      \
		va_list ap;                                                    \
		va_start(ap, cmd);                                             \
		long arg = va_arg(ap, long);                                   \
		va_end(ap);                                                    \
		return hook_fcntl(fd, cmd, arg);                               \
	}

/* With files of 64 bits the headers make fcntl64() of fcntl() */
int sx_fcntl32(int fd, int cmd, ...) __asm__("fcntl");
int sx_fcntl64(int fd, int cmd, ...) __asm__("fcntl64");

FCNTL(sx_fcntl32)
FCNTL(sx_fcntl64)
