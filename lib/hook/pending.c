#include "hook/pending.h"

#include "base/io.h"
#include "base/lock.h"
#include "hook/dialer.h"
#include "hook/failure.h"
#include "hook/hook.h"
#include "hook/pendmem.h"
#include "hook/real.h"
#include "hook/watch.h"
#include "hook/watchtab.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

struct sx_fdtab sx_pending_fds;
static struct sx_lock lock = SX_LOCK_INIT;
static struct sx_dialer dialer = {.epoll = -1, .wake = -1};

void sx_pending_lock_all(void)
{
	sx_lock(&lock);
}

void sx_pending_unlock(void)
{
	int saved = errno;

	sx_unlock(&lock);
	errno = saved;
}

static struct sx_pending *get(int fd)
{
	return sx_fdtab_own(&sx_pending_fds, fd);
}

struct sx_pending *sx_pending_lock(int fd)
{
	if (!get(fd))
		return NULL;
	sx_lock(&lock);
	struct sx_pending *p = get(fd);
	if (p && !sx_standin_is_at(&p->standin, fd)) {
		sx_pending_leave(p, fd);
		p = NULL;
	}
	if (!p)
		sx_pending_unlock();
	return p;
}

bool sx_pending_is_still(int fd)
{
	struct sx_pending *p = sx_pending_lock(fd);

	if (p)
		sx_pending_unlock();
	return p != NULL;
}

int sx_pending_sock(const struct sx_pending *p)
{
	return p->sock;
}

int *sx_pending_rcvlowat(struct sx_pending *p)
{
	return &p->rcvlowat;
}

static void give_up(struct sx_pending *p)
{
	atomic_store(&p->is_given_up, true);
	sx_dialer_wake(&dialer);
}

/* It may be another's by now. */
static void forget(const struct sx_pending *p, int fd)
{
	if (get(fd) == p)
		sx_fdtab_set(&sx_pending_fds, fd, NULL);
}

void sx_pending_leave(struct sx_pending *p, int fd)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n_fds; i++)
		if (p->fds[i] != fd)
			p->fds[n++] = p->fds[i];
	p->n_fds = n;
	forget(p, fd);
	if (n == 0)
		give_up(p);
}

bool sx_pending_join(struct sx_pending *p, int fd)
{
	if (p->n_fds == SX_PENDING_NUMBERS ||
		sx_fdtab_set(&sx_pending_fds, fd, p))
		return false;
	p->fds[p->n_fds++] = fd;
	return true;
}

/* Puts another file under a number, with what epoll knows of it. 0, or the
 * number is as it was. */
static int exchange(int fd, int by)
{
	struct sx_watches watches;
	int fd_flags = real_fcntl(fd, F_GETFD);

	if (fd_flags < 0 || sx_watches_take(fd, &watches))
		return -1;
	int r = sx_ownfd_dup3(by, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0);
	sx_watches_put(fd, &watches);
	return r < 0 ? -1 : 0;
}

/* What the program's file is asked for by fcntl(). */
static void copy_file_flags(int from, int to)
{
	struct f_owner_ex owner;

	if (real_fcntl(from, F_GETOWN_EX, (long)&owner) == 0 && owner.pid) {
		real_fcntl(to, F_SETOWN_EX, (long)&owner);
		real_fcntl(to, F_SETSIG, real_fcntl(from, F_GETSIG));
	}
	real_fcntl(to, F_SETFL, real_fcntl(from, F_GETFL));
}

/* Who closes the number waits for the lock as soon as it has joined; until
 * then it may have come to show something else. */
static bool replace_at(struct sx_pending *p, int fd, int standin)
{
	uint64_t cookie;

	if (!sx_pending_join(p, fd))
		return false;
	if (sx_hook_cookie(fd, &cookie) && cookie == p->cookie &&
		exchange(fd, standin) == 0)
		return true;
	p->n_fds--;
	forget(p, fd);
	return false;
}

/* The stand-in takes the place of the socket, at all its numbers. */
static bool replace(struct sx_pending *p, int fd, int standin)
{
	int fds[SX_COPIES_MAX];
	unsigned n = sx_copies_of(fd, fds);

	copy_file_flags(fd, standin);
	for (unsigned i = 0; i < n; i++)
		if (!replace_at(p, fds[i], standin) && i == 0)
			return false;
	return true;
}

static bool take_numbers(
	struct sx_pending *p, int fd, const struct sx_ownfd *room)
{
	int standin = sx_standin_make(&p->standin, room);

	if (standin < 0)
		return false;
	p->sock = sx_ownfd_dup(room, fd);
	bool ok = p->sock >= 0 && sx_hook_cookie(p->sock, &p->cookie) &&
		  replace(p, fd, standin);
	real_close(standin);
	return ok;
}

static void keep_address(
	struct sx_pending *p, const struct sx_pending_start *start)
{
	p->domain = start->domain;
	p->sa_len = start->len < sizeof(p->sa) ? start->len : sizeof(p->sa);
	memcpy(&p->sa, start->sa, p->sa_len);
}

/* The lock is held. */
static struct sx_pending *make(const struct sx_pending_start *start)
{
	struct sx_pending *p = NULL;
	struct sx_ownfd room;

	sx_ownfd_begin(&room);
	if (dialer.is_up || sx_dialer_start(&dialer, &room) == 0)
		p = sx_pendmem_new();
	if (p)
		keep_address(p, start);
	if (p && !take_numbers(p, start->fd, &room)) {
		sx_pending_end(p);
		p = NULL;
	}
	sx_ownfd_end(&room);
	return p;
}

/* A socket on which a connection failed says so to the next connect(), and
 * that would be the dial's. False: it is no new one. */
static bool renew(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return real_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	       info.tcpi_state == TCP_CLOSE && sx_hook_unconnect(fd) == 0;
}

static void begin_dial(
	struct sx_pending *p, const struct sx_pending_start *start)
{
	if (!start->under_way) {
		p->rcvlowat = sx_hook_set_rcvlowat(p->sock, 1);
		sx_engine_begin(sx_hook_engine(), &p->dialed, p->sock,
			start->domain, start->flags, start->verdict,
			start->dest);
		return;
	}
	p->rcvlowat = start->rcvlowat;
	sx_engine_move(&p->dialed, start->under_way, p->sock);
}

bool sx_pending_begin(const struct sx_pending_start *start)
{
	int saved = errno;

	if (!start->under_way && !renew(start->fd))
		return false;
	sx_lock(&lock);
	struct sx_pending *p = make(start);
	sx_pending_unlock();
	errno = saved;
	if (!p)
		return false;
	begin_dial(p, start); /* may open files: without the lock */
	sx_lock(&lock);
	LIST_INSERT_HEAD(&dialer.made, p, link);
	sx_dialer_wake(&dialer);
	sx_pending_unlock();
	errno = saved;
	return true;
}

static struct sx_pending *make_association(
	struct sx_carried *c, struct sx_associating *a, int fd, int *own)
{
	struct sx_pending *p = NULL;
	struct sx_ownfd room;

	sx_ownfd_begin(&room);
	*own = sx_ownfd_dup(&room, fd);
	if (*own >= 0 && (dialer.is_up || sx_dialer_start(&dialer, &room) == 0))
		p = sx_pendmem_new();
	sx_ownfd_end(&room);
	if (!p) {
		sx_ownfd_close(*own);
		return NULL;
	}
	p->carried = c;
	p->sock = a->dial.reach.fd;
	sx_associating_move(&p->associating, a, p->sock);
	LIST_INSERT_HEAD(&dialer.made, p, link);
	sx_dialer_wake(&dialer);
	return p;
}

bool sx_pending_associate(
	struct sx_carried *c, struct sx_associating *a, int fd, int *own)
{
	sx_lock(&lock);
	bool ok = make_association(c, a, fd, own) != NULL;
	sx_unlock(&lock);
	return ok;
}

/* The lock is held. A number that shows something else by now is left. */
void sx_pending_put_back(struct sx_pending *p)
{
	bool is_first = true;

	p->phase = SX_PENDING_BACK;
	sx_hook_cookie(p->sock, &p->cookie);
	if (p->rcvlowat != 1)
		sx_hook_set_rcvlowat(p->sock, p->rcvlowat);
	for (unsigned i = 0; i < p->n_fds; i++) {
		int fd = p->fds[i];
		if (sx_standin_is_at(&p->standin, fd)) {
			if (is_first)
				copy_file_flags(fd, p->sock);
			is_first = false;
			exchange(fd, p->sock);
		}
	}
}

void sx_pending_forget(const struct sx_pending *p)
{
	for (unsigned i = 0; i < p->n_fds; i++)
		forget(p, p->fds[i]);
}

void sx_pending_end(struct sx_pending *p)
{
	sx_standin_close(&p->standin);
	sx_ownfd_close(p->sock);
	sx_pending_forget(p);
	sx_pendmem_free(p);
}

bool sx_pending_is_over(void)
{
	sx_lock(&lock);
	bool is_over = sx_pendmem_count() == 0;
	if (is_over) {
		sx_dialer_close(&dialer);
		sx_pendmem_release();
	}
	sx_unlock(&lock);
	return is_over;
}

int sx_pending_wait(int fd, struct sx_deadline limit, bool (*interrupted)(void))
{
	while (get(fd)) {
		int r = sx_io_wait(&sx_sys_real, fd, POLLOUT, limit);
		if (r == 0)
			return -ETIMEDOUT;
		if (r == -EINTR && interrupted && interrupted())
			return r;
	}
	return 0;
}

void sx_pending_wait_if_it_blocks(int fd, int flags)
{
	if (!(flags & MSG_DONTWAIT) && !(real_fcntl(fd, F_GETFL) & O_NONBLOCK))
		sx_pending_wait(fd, SX_NEVER, sx_hook_interrupts);
}

void sx_pending_abort(int fd)
{
	struct sx_pending *p = sx_pending_lock(fd);

	if (!p)
		return;
	give_up(p);
	sx_pending_unlock();
	sx_pending_wait(fd, SX_NEVER, NULL);
}

void sx_pending_before_exec(void)
{
	if (atomic_load(&sx_pending_fds.n) == 0)
		return;
	for (int fd = sx_fdtab_next(&sx_pending_fds, 0); fd >= 0;
		fd = sx_fdtab_next(&sx_pending_fds, (unsigned)fd + 1))
		if (get(fd) && !(real_fcntl(fd, F_GETFD) & FD_CLOEXEC))
			sx_pending_wait(fd, SX_NEVER, NULL);
}

void sx_pending_before_fork(void)
{
	sx_lock(&lock);
}

void sx_pending_after_fork(void)
{
	sx_unlock(&lock);
}

/* The connection is the parent's. Here its numbers show one that failed. */
static void fail_in_child(const struct sx_pending *p)
{
	int fd = real_socket(p->domain, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	copy_file_flags(p->fds[0], fd);
	sx_failure_make(fd, p->domain, ECONNABORTED);
	for (unsigned i = 0; i < p->n_fds; i++) {
		int fd_flags = real_fcntl(p->fds[i], F_GETFD);
		if (sx_standin_is_at(&p->standin, p->fds[i]))
			real_dup3(fd, p->fds[i],
				fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0);
	}
	real_close(fd);
}

void sx_pending_after_fork_in_child(void)
{
	struct sx_pending *p;

	sx_fdtab_inherit(&sx_pending_fds);
	sx_fdtab_inherit(&sx_ownfds);
	sx_watchtab_inherit();
	for (p = sx_pendmem_next(0); p; p = sx_pendmem_next(p->index + 1)) {
		if (p->n_fds && p->phase != SX_PENDING_BACK)
			fail_in_child(p);
		for (unsigned i = 0; p->carried && i < p->associating.n_made;
			i++)
			sx_ownfd_close(p->associating.made[i].fd);
		sx_pending_end(p);
	}
	if (dialer.is_up)
		sx_dialer_close(&dialer);
	sx_pendmem_release();
	LIST_INIT(&dialer.made);
	sx_unlock(&lock);
}
