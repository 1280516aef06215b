/*
 * close(2), dup(2), fcntl(2), shutdown(2) and their relatives: descriptors of
 * our own are not the program's to close, and the numbers of a pending
 * connection are followed. While there is none of either all of them pass.
 */
#include "hook/carried.h"
#include "hook/copies.h"
#include "hook/ownfd.h"
#include "hook/pending.h"
#include "hook/real.h"
#include "hook/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>

static int bad(int err)
{
	errno = err;
	return -1;
}

static bool is_own(int fd)
{
	return sx_fdtab_own(&sx_ownfds, fd) != NULL;
}

/* The program lets go of the number. It is forgotten first: another thread may
 * get it as soon as it is closed. What is returned is for let_go_end(). */
static struct sx_pending *let_go(int fd)
{
	sx_carried_closed(fd);
	struct sx_pending *p = sx_pending_lock(fd);
	sx_watches_closed(fd);
	if (p)
		sx_pending_leave(p, fd);
	return p;
}

static void let_go_end(const struct sx_pending *p)
{
	if (p)
		sx_pending_unlock();
}

static int hook_close(int fd)
{
	if (sx_fdtab_is_apart)
		return real_close(fd);
	if (is_own(fd))
		return bad(EBADF);
	struct sx_pending *p = let_go(fd);
	int r = real_close(fd);
	let_go_end(p);
	return r;
}

/* libc closes the number inside of it, after what is not written yet. */
static int hook_fclose(FILE *f)
{
	int fd = fileno(f);

	if (sx_fdtab_is_apart)
		return real_fclose(f);
	sx_pending_wait_to_block(fd, 0);
	struct sx_pending *p = let_go(fd);
	int r = real_fclose(f);
	let_go_end(p);
	return r;
}

/* to shows what fd shows now. p: what that is, and the lock is held. */
static int copied(struct sx_pending *p, int fd, int to)
{
	if (to < 0)
		return to;
	if (!p) {
		sx_copies_note(fd, to);
		sx_watches_copied(fd, to);
		sx_carried_copied(fd, to);
		return to;
	}
	if (sx_pending_join(p, to))
		return to;
	real_close(to);
	return bad(EMFILE);
}

/* The same, and to showed something before. */
static int copied_over(struct sx_pending *p, int fd, int to)
{
	if (to >= 0 && to != fd)
		sx_watches_closed(to);
	return copied(p, fd, to);
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
	struct sx_pending *old = sx_fdtab_get(&sx_pending_fds, to);
	int r = real_dup3(fd, to, flags);

	if (r >= 0 && old)
		sx_pending_leave(old, to);
	return copied_over(sx_fdtab_get(&sx_pending_fds, fd), fd, r);
}

static int hook_dup3(int fd, int to, int flags)
{
	if (is_own(fd) || is_own(to))
		return bad(EBADF);
	if (!sx_pending_is(fd) && !sx_pending_is(to))
		return copied_over(NULL, fd, real_dup3(fd, to, flags));
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

static void leave_all(unsigned first, unsigned last)
{
	for (int fd = sx_fdtab_next(&sx_pending_fds, first);
		fd >= 0 && (unsigned)fd <= last;
		fd = sx_fdtab_next(&sx_pending_fds, (unsigned)fd + 1))
		sx_pending_leave(sx_fdtab_get(&sx_pending_fds, fd), fd);
}

/* All between our own. */
static int close_others(unsigned first, unsigned last, int flags)
{
	int r = 0, own = sx_fdtab_next(&sx_ownfds, first);

	for (; own >= 0 && (unsigned)own <= last && r == 0;
		own = sx_fdtab_next(&sx_ownfds, first)) {
		if ((unsigned)own > first)
			r = real_close_range(first, (unsigned)own - 1, flags);
		first = (unsigned)own + 1;
	}
	return r || first > last ? r : real_close_range(first, last, flags);
}

static int hook_close_range(unsigned first, unsigned last, int flags)
{
	int own = sx_fdtab_next(&sx_ownfds, 0);
	bool closes = !((unsigned)flags & CLOSE_RANGE_CLOEXEC);

	if (!closes || first > last || own < 0 || !is_own(own))
		return real_close_range(first, last, flags);
	sx_pending_lock_all();
	int r = close_others(first, last, flags);
	if (r == 0)
		leave_all(first, last);
	sx_pending_unlock();
	if (r == 0)
		sx_carried_closed_range(first, last);
	return r;
}

SX_EARLY SX_EXPORT int close(int fd)
{
	return hook_close(fd);
}

SX_EARLY SX_EXPORT int fclose(FILE *f)
{
	return hook_fclose(f);
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
