#include "hook/dialer.h"

#include "hook/carried.h"
#include "hook/failure.h"
#include "hook/hook.h"
#include "hook/pending.h"
#include "hook/pendmem.h"
#include "hook/real.h"
#include "hook/socktab.h"
#include "hook/thread.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

#define N_EVENTS 64
/* How often it is looked after those who still have hold of a stand-in. */
#define LOOK_MS 100

/* What an event is of: the record's generation and index, and this. */
enum {
	OF_WAKE,
	OF_SOCK,
	OF_PEER,
	N_KINDS = 4
};

/* The thread's own. */
struct run {
	struct sx_dialer *d;
	struct sx_pending_list dialing, back;
};

static uint64_t now(void)
{
	return sx_clock_ns(&sx_sys_real);
}

static uint64_t event_of(const struct sx_pending *p, unsigned kind)
{
	return (uint64_t)p->generation << 32 | p->index * N_KINDS | kind;
}

static struct sx_dial *dial_of(struct sx_pending *p)
{
	return p->carried ? &p->associating.dial : &p->dialed.dial;
}

/* A file that is not in the set yet, or not any more, is added. */
static void watch(const struct sx_dialer *d, const struct sx_pending *p,
	unsigned kind, uint32_t events)
{
	int fd = kind == OF_SOCK ? p->sock : p->standin.peer;
	struct epoll_event e = {
		.events = events, .data.u64 = event_of(p, kind)};

	if (real_epoll_ctl(d->epoll, EPOLL_CTL_MOD, fd, &e) && errno == ENOENT)
		real_epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &e);
}

/* Of the program's numbers, one that shows the socket that came back; -1:
 * none does. */
static int number_of(const struct sx_pending *p)
{
	uint64_t cookie;

	for (unsigned i = 0; i < p->n_fds; i++)
		if (sx_hook_cookie(p->fds[i], &cookie) && cookie == p->cookie)
			return p->fds[i];
	return -1;
}

static void unwatch(const struct sx_dialer *d, int fd)
{
	if (fd >= 0)
		real_epoll_ctl(d->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* An unconnected socket would always have something to say: with no events
 * wanted it is not watched. Another one may have taken its place. */
static void watch_sock(const struct sx_dialer *d, struct sx_pending *p)
{
	short events = dial_of(p)->events;

	if (events)
		watch(d, p, OF_SOCK, (uint32_t)events);
	else
		unwatch(d, p->sock);
}

/* Keeps the number under which the socket is watched, and nothing else of it:
 * a set of its own would take a number of the program's for a moment. */
static void let_go_of_sock(const struct run *run, struct sx_pending *p)
{
	p->is_let_go =
		sx_ownfd_dup3(run->d->wake, p->sock, O_CLOEXEC) == p->sock;
}

/* Else it would go on to wake us, for as long as the program has it. */
static void unwatch_sock(const struct run *run, const struct sx_pending *p)
{
	int fd = p->is_let_go ? number_of(p) : -1;

	if (fd >= 0)
		sx_ownfd_dup3(fd, p->sock, O_CLOEXEC);
	unwatch(run->d, p->sock);
}

/* The files may live on: the socket at the program's number, both of them in
 * a child. The lock is held. */
static void end_locked(const struct run *run, struct sx_pending *p)
{
	unwatch_sock(run, p);
	unwatch(run->d, p->standin.peer);
	sx_pending_end(p);
}

static void end(const struct run *run, struct sx_pending *p)
{
	sx_pending_lock_all();
	end_locked(run, p);
	sx_pending_unlock();
}

/*
 * Somebody who was waiting when the socket came back still has hold of the
 * stand-in. A thread in poll() for what has not come yet sleeps at the
 * stand-in, and looks at the number when that says something: so it is woken
 * by a byte at the stand-in when the socket has something to say. The socket is
 * watched without keeping it open, but for a write() that may be waiting in
 * a stand-in that blocks.
 */
static void stay(struct run *run, struct sx_pending *p)
{
	LIST_INSERT_HEAD(&run->back, p, link);
	watch(run->d, p, OF_PEER, EPOLLIN | EPOLLRDHUP | EPOLLET);
	watch(run->d, p, OF_SOCK, EPOLLIN | EPOLLRDHUP | EPOLLET);
	if (real_fcntl(p->sock, F_GETFL) & O_NONBLOCK)
		let_go_of_sock(run, p);
}

/*
 * As soon as its numbers are forgotten the program may close them, and count
 * on it that the socket is closed then and in no epoll set any more: so we
 * let go of it before.
 */
static void give_back(struct run *run, struct sx_pending *p)
{
	sx_pending_lock_all();
	sx_pending_put_back(p);
	if (sx_standin_drain(&p->standin, p->sock)) {
		end_locked(run, p);
	} else {
		stay(run, p);
		sx_pending_forget(p);
	}
	sx_pending_unlock();
}

static void fail(struct sx_pending *p, int err)
{
	sx_reach_renew(&p->dialed.dial.reach);
	sx_failure_make(p->sock, p->domain, err);
}

/* The connection is the association's now. */
static void hand_over(struct run *run, struct sx_pending *p, int r)
{
	LIST_REMOVE(p, link);
	real_epoll_ctl(run->d->epoll, EPOLL_CTL_DEL, p->sock, NULL);
	p->sock = -1;
	sx_carried_made(p->carried, &p->associating, r);
	end(run, p);
}

static void step(struct run *run, struct sx_pending *p, short revents);

/* The server's association is made; the one before it comes next, if any. */
static void associated(struct run *run, struct sx_pending *p)
{
	unwatch(run->d, p->sock);
	int r = sx_carried_next(&p->associating);
	p->sock = p->associating.dial.reach.fd;
	if (r == 1)
		step(run, p, 0);
	else
		hand_over(run, p, r);
}

static void over(struct run *run, struct sx_pending *p, int r)
{
	if (p->carried) {
		if (r == 0)
			associated(run, p);
		else
			hand_over(run, p, r);
		return;
	}
	sx_engine_end(&p->dialed, r);
	if (r == 0)
		sx_socktab_put(p->sock, (struct sockaddr *)&p->sa, p->sa_len);
	else
		fail(p, -r);
	LIST_REMOVE(p, link);
	give_back(run, p);
}

static void step(struct run *run, struct sx_pending *p, short revents)
{
	int r = sx_dial_step(dial_of(p), revents);

	if (r == SX_DIAL_WAIT)
		watch_sock(run->d, p);
	else
		over(run, p, r);
}

/* By close() of all its numbers; or the socket is to come back. */
static void give_up(struct run *run, struct sx_pending *p)
{
	sx_dial_abandon(&p->dialed.dial);
	LIST_REMOVE(p, link);
	if (p->n_fds)
		give_back(run, p);
	else
		end(run, p);
}

/* All that are handed over, at once: the program is busy with more. */
static struct sx_pending *take_made(struct run *run)
{
	sx_pending_lock_all();
	struct sx_pending *first = LIST_FIRST(&run->d->made), *p;
	LIST_FOREACH (p, &run->d->made, link)
		p->phase = SX_PENDING_DIALING;
	LIST_INIT(&run->d->made);
	sx_pending_unlock();
	return first;
}

static void begin_made(struct run *run)
{
	struct sx_pending *p, *after;

	if (!atomic_exchange(&run->d->is_woken, false))
		return;
	for (p = take_made(run); p; p = after) {
		after = LIST_NEXT(p, link);
		LIST_INSERT_HEAD(&run->dialing, p, link);
		if (!p->carried)
			watch(run->d, p, OF_PEER, EPOLLRDHUP);
		step(run, p, 0);
	}
}

/* Those whose time has come, and those that were given up. */
static void look_at_dialing(struct run *run)
{
	struct sx_pending *p = LIST_FIRST(&run->dialing), *after;

	for (; p; p = after) {
		after = LIST_NEXT(p, link);
		if (atomic_load(&p->is_given_up))
			give_up(run, p);
		else if (sx_deadline_passed(dial_of(p)->until, now()))
			step(run, p, 0);
	}
}

static void leave(const struct run *run, struct sx_pending *p)
{
	LIST_REMOVE(p, link);
	end(run, p);
}

static void look_at_back(struct run *run)
{
	struct sx_pending *p = LIST_FIRST(&run->back), *after;

	for (; p; p = after) {
		after = LIST_NEXT(p, link);
		if (sx_standin_drain(&p->standin, p->sock) || number_of(p) < 0)
			leave(run, p);
	}
}

static int wait_ms(const struct run *run)
{
	struct sx_deadline next = SX_NEVER;
	struct sx_pending *p;

	LIST_FOREACH (p, &run->dialing, link)
		next = sx_deadline_min(next, dial_of(p)->until);
	if (!LIST_EMPTY(&run->back))
		next = sx_deadline_min(next, sx_deadline_in(now(), LOOK_MS));
	return sx_deadline_poll_ms(next, now());
}

/* Who sleeps at the stand-in looks at the socket. Where a read() may be
 * waiting at it too, it must not get a byte for that, but the end. */
static void wake_those_at(struct run *run, struct sx_pending *p, unsigned kind)
{
	if (kind == OF_PEER)
		return; /* looked at in each turn */
	if (p->is_let_go)
		real_send(p->standin.peer, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		leave(run, p);
}

/* The program has let go of a pending one in a way that no hook saw. */
static void let_go(struct sx_pending *p)
{
	sx_pending_lock_all();
	while (p->n_fds)
		sx_pending_leave(p, p->fds[0]);
	sx_pending_unlock();
}

static void handle(struct run *run, const struct epoll_event *e)
{
	unsigned kind = (unsigned)e->data.u64 % N_KINDS;
	struct sx_pending *p = sx_pendmem_find(
		(uint32_t)e->data.u64 / N_KINDS, (uint32_t)(e->data.u64 >> 32));
	eventfd_t n;

	if (kind == OF_WAKE)
		eventfd_read(run->d->wake, &n);
	else if (p && p->phase == SX_PENDING_BACK)
		wake_those_at(run, p, kind);
	else if (p && kind == OF_PEER)
		let_go(p);
	else if (p)
		step(run, p, (short)e->events);
}

/* False at the end. */
static bool turn(struct run *run)
{
	struct epoll_event events[N_EVENTS];

	begin_made(run);
	look_at_dialing(run);
	look_at_back(run);
	if (LIST_EMPTY(&run->dialing) && LIST_EMPTY(&run->back) &&
		sx_pending_is_over())
		return false;
	int n = epoll_wait(run->d->epoll, events, N_EVENTS, wait_ms(run));
	for (int i = 0; i < n; i++)
		handle(run, &events[i]);
	/* closed by the program, past all hooks: what is left is to be late */
	if (n < 0 && errno != EINTR)
		poll(NULL, 0, LOOK_MS);
	return true;
}

static void *serve(void *d)
{
	struct run run = {.d = d};

	prctl(PR_SET_NAME, "socksify-dial");
	while (turn(&run))
		continue;
	return NULL;
}

static int open_epoll(struct sx_dialer *d, const struct sx_ownfd *room)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = OF_WAKE};

	d->epoll = sx_ownfd_move(room, epoll_create1(EPOLL_CLOEXEC));
	d->wake = sx_ownfd_move(room, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (d->epoll < 0 || d->wake < 0)
		return -EMFILE;
	return real_epoll_ctl(d->epoll, EPOLL_CTL_ADD, d->wake, &e) ? -errno
								    : 0;
}

int sx_dialer_start(struct sx_dialer *d, const struct sx_ownfd *room)
{
	int err = open_epoll(d, room);

	atomic_store(&d->is_woken, false);
	if (!err)
		err = sx_thread_start(serve, d);
	if (err)
		sx_dialer_close(d);
	d->is_up = !err;
	return err;
}

void sx_dialer_wake(struct sx_dialer *d)
{
	if (!atomic_exchange(&d->is_woken, true))
		eventfd_write(d->wake, 1);
}

void sx_dialer_close(struct sx_dialer *d)
{
	sx_ownfd_close(d->epoll);
	sx_ownfd_close(d->wake);
	d->epoll = d->wake = -1;
	d->is_up = false;
}
