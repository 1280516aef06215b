/*
 * Connections that go on after connect() has returned: because the socket
 * does not block, or because a signal or its own time-out ended the wait.
 *
 * The program's socket is kept under a number of our own, a stand-in takes
 * its place (hook/standin.h), and one thread dials for all that are pending
 * (hook/dialer.h). When the dial is over the socket goes back to its number,
 * and to those of its copies, with its registrations in epoll sets; whoever
 * polls wakes and finds it connected, or failed as the kernel would leave it.
 *
 * One lock guards the records and what the program's numbers show as long as
 * they are pending; it is held over the system calls of the hooks that change
 * that. Order: the nameservers' lock, this one, the engine's.
 */
#ifndef SX_HOOK_PENDING_H
#define SX_HOOK_PENDING_H

#include "core/connecting.h"
#include "hook/fdtab.h"

#include <stdbool.h>

struct sx_pending;

/* What the program's numbers stand for: struct sx_pending. */
extern struct sx_fdtab sx_pending_fds;

/* Whether it still is, under the lock. */
bool sx_pending_is_still(int fd);

static inline bool sx_pending_is(int fd)
{
	return sx_fdtab_get(&sx_pending_fds, fd) && sx_pending_is_still(fd);
}

/* A connect() of the program's. All of it is borrowed for the call. */
struct sx_pending_start {
	int fd, domain;
	int flags; /* of the file, as F_GETFL says */
	const struct sockaddr *sa;
	socklen_t len;
	const struct sx_verdict *verdict;
	const struct sx_dest *dest;
	struct sx_connecting *under_way; /* NULL: not begun yet */
	int rcvlowat;                    /* what it was before that began */
};

/*
 * False: it cannot be pending, and nothing has changed: the socket is not
 * new, numbers or memory are used up, no thread can be had. The caller waits
 * instead. The same for a dial that is under way.
 */
bool sx_pending_begin(const struct sx_pending_start *start);

void sx_pending_wait_if_it_blocks(int fd, int flags);

struct sx_carried;
struct sx_associating;

/*
 * Lets the dialer go on with an association that is under way, whose control
 * connection is of our own, and tell c. *own: a number of our own for the
 * socket fd meanwhile; the caller's. False: it cannot.
 */
bool sx_pending_associate(
	struct sx_carried *c, struct sx_associating *a, int fd, int *own);

/* Waits until fd is not pending any more: 0; -ETIMEDOUT at the limit; -EINTR
 * when a signal handler ran and interrupted(), which may be NULL, says so. */
int sx_pending_wait(
	int fd, struct sx_deadline limit, bool (*interrupted)(void));

/* A read() or write() with these flags is about to be made: where it would
 * block the kernel waits for the connection first, and so it is here. */
static inline void sx_pending_wait_to_block(int fd, int flags)
{
	if (sx_pending_is(fd))
		sx_pending_wait_if_it_blocks(fd, flags);
}

/* The connection is given up: the socket is back, with ECONNRESET as its
 * error. */
void sx_pending_abort(int fd);

/*
 * The number's record, and the lock is held until unlock(); NULL, and not
 * locked, if it is not pending. A number that shows something else by now,
 * since it was closed where no hook sees it, is not.
 */
struct sx_pending *sx_pending_lock(int fd);
void sx_pending_unlock(void);

/* For those who hold it: */

/* The socket itself. */
int sx_pending_sock(const struct sx_pending *p);

/* SO_RCVLOWAT is ours while it is pending: where its value is kept. */
int *sx_pending_rcvlowat(struct sx_pending *p);

/* The number does not show it any more, or is about not to. */
void sx_pending_leave(struct sx_pending *p, int fd);

/* The number shows it as well: false if that are too many. */
bool sx_pending_join(struct sx_pending *p, int fd);

/* The lock alone, for what changes several numbers. */
void sx_pending_lock_all(void);

/* Before exec: waits for those that the new program will have. */
void sx_pending_before_exec(void);

/* Around fork(), between the nameservers' and the engine's. */
void sx_pending_before_fork(void);
void sx_pending_after_fork(void);
void sx_pending_after_fork_in_child(void);

#endif
