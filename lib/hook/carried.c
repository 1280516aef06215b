#include "hook/carried.h"

#include "base/lock.h"
#include "base/log.h"
#include "hook/carrying.h"
#include "hook/copies.h"
#include "hook/ownfd.h"
#include "hook/pending.h"
#include "hook/real.h"

#include <errno.h>
#include <linux/futex.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define LOOK_NS      (5 * SX_NS_PER_MS)    /* between looks at a server */
#define FAILED_NS    (1000 * SX_NS_PER_MS) /* between vain attempts */
#define HEAD_USUALLY 10                    /* of an IPv4 address */

struct sx_fdtab sx_carried_fds;
static struct sx_lock lock = SX_LOCK_INIT;
static struct sx_carried *free_ones; /* linked by queue */

static uint64_t now(void)
{
	return sx_clock_ns(&sx_sys_real);
}

static bool is_to_many(const struct sx_ip *ip)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};

	if (ip->family == AF_INET6)
		return ip->bytes[0] == 0xff;
	return ip->bytes[0] >> 4 == 0xe || !memcmp(ip->bytes, broadcast, 4);
}

bool sx_carried_can(const struct sx_hook_sock *sock, const struct sx_dest *dest)
{
	return sock->type == SOCK_DGRAM && sock->protocol == IPPROTO_UDP &&
	       (dest->kind == SX_DEST_NAME || !is_to_many(&dest->ip));
}

bool sx_carried_kind(int fd, struct sx_hook_sock *out)
{
	const struct sx_carried *c = sx_carried_get(fd);

	if (c)
		*out = (struct sx_hook_sock){
			c->domain, SOCK_DGRAM, IPPROTO_UDP};
	return c != NULL;
}

/* Records are used again and stay mapped: a thread may wait in recvmsg()
 * while another closes the socket. */
static struct sx_carried *allocate(void)
{
	struct sx_carried *c = free_ones;

	if (c) {
		free_ones = (struct sx_carried *)c->queue;
		memset(c, 0, sizeof(*c));
		return c;
	}
	void *m = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return m == MAP_FAILED ? NULL : m;
}

static void release(struct sx_carried *c)
{
	sx_carried_drop_queue(c);
	c->queue = (struct sx_carried_queue *)free_ones;
	free_ones = c;
}

static void close_own(int fd)
{
	sx_pending_lock_all();
	sx_ownfd_close(fd);
	sx_pending_unlock();
}

static void end_association(struct sx_carried *c)
{
	close_own(c->assoc.fd);
	c->assoc.fd = -1;
	for (; c->assoc.n_beyond; c->assoc.n_beyond--)
		close_own(c->assoc.beyond[c->assoc.n_beyond - 1].fd);
}

/* Many datagrams in one buffer would be one header for all of them. */
static void undo_batching(int fd)
{
	int off = 0;

	real_setsockopt(fd, IPPROTO_UDP, UDP_GRO, &off, sizeof(off));
	real_setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &off, sizeof(off));
}

/* In which family the socket can send. IPV6_V6ONLY can be cleared as long as
 * it is not bound. */
static sa_family_t family_of(int fd, int domain)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa), size = sizeof(int);
	int v6only = 0;
	struct sx_ip own;
	uint16_t port;

	if (domain == AF_INET)
		return AF_INET;
	if (real_getsockname(fd, (struct sockaddr *)&sa, &len) ||
		sx_ip_from_sockaddr((struct sockaddr *)&sa, len, &own, &port))
		return AF_UNSPEC;
	if (!sx_ip_is_any(&own))
		return own.family;
	real_getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &size);
	return v6only && port ? AF_INET6 : AF_UNSPEC;
}

/* For all numbers that show the socket. */
static struct sx_carried *make(int fd, const struct sx_hook_sock *sock)
{
	int fds[SX_COPIES_MAX];
	unsigned n = sx_copies_of(fd, fds);
	struct sx_carried *c = allocate();

	if (!c)
		return NULL;
	c->domain = sock->domain;
	c->family = family_of(fd, sock->domain);
	c->assoc.fd = c->own_fd = -1;
	c->head_len = HEAD_USUALLY;
	for (unsigned i = 0; i < n; i++)
		if (sx_fdtab_set(&sx_carried_fds, fds[i], c) == 0)
			c->n_fds++;
	undo_batching(fd);
	return c;
}

struct sx_carried *sx_carried_make(int fd, const struct sx_hook_sock *sock)
{
	struct sx_carried *c = sx_carried_get(fd);
	int saved = errno;

	if (c)
		return c;
	sx_lock(&lock);
	c = sx_carried_get(fd);
	if (!c)
		c = make(fd, sock);
	sx_unlock(&lock);
	errno = saved;
	return c;
}

/* The lock is held. */
static void leave(int fd)
{
	struct sx_carried *c = sx_carried_get(fd);

	if (!c)
		return;
	sx_fdtab_set(&sx_carried_fds, fd, NULL);
	if (--c->n_fds)
		return;
	if (atomic_load(&c->state) == SX_CARRIED_MAKING) {
		c->is_given_up = true; /* who makes it will end it */
		return;
	}
	end_association(c);
	release(c);
}

static bool is_own(int fd)
{
	return sx_fdtab_own(&sx_carried_fds, fd) != NULL;
}

void sx_carried_closed(int fd)
{
	int saved = errno;

	if (!is_own(fd))
		return;
	sx_lock(&lock);
	leave(fd);
	sx_unlock(&lock);
	errno = saved;
}

void sx_carried_closed_range(unsigned first, unsigned last)
{
	int fd = sx_fdtab_next(&sx_carried_fds, first);

	for (; fd >= 0 && (unsigned)fd <= last;
		fd = sx_fdtab_next(&sx_carried_fds, (unsigned)fd + 1))
		sx_carried_closed(fd);
}

void sx_carried_copied(int fd, int to)
{
	int saved = errno;

	if (!is_own(fd) && !is_own(to))
		return;
	sx_lock(&lock);
	leave(to);
	struct sx_carried *c = sx_carried_get(fd);
	if (c && sx_fdtab_set(&sx_carried_fds, to, c) == 0)
		c->n_fds++;
	sx_unlock(&lock);
	errno = saved;
}

/* Associations. */

static void wake_all(struct sx_carried *c)
{
	real_syscall(SYS_futex, &c->state, FUTEX_WAKE_PRIVATE, 1 << 30, NULL,
		NULL, 0);
}

static void wait_for_maker(struct sx_carried *c)
{
	real_syscall(SYS_futex, &c->state, FUTEX_WAIT_PRIVATE,
		SX_CARRIED_MAKING, NULL, NULL, 0);
}

struct sx_carried_relay *sx_carried_relay(struct sx_carried *c)
{
	return &c->relays[atomic_load(&c->relay) & 1];
}

/* The relay as the socket can reach it; connected to, if the program has
 * connected it. False: it cannot. */
static bool set_relay(struct sx_carried *c, int fd)
{
	unsigned other = !(atomic_load(&c->relay) & 1);
	struct sx_carried_relay *r = &c->relays[other];

	r->len = sx_ip_to_sockaddr(&c->assoc.relay, c->assoc.relay_port,
		(sa_family_t)c->domain, &r->sa);
	if (!r->len)
		return false;
	r->lead_len = sx_udp_lead(&c->assoc, r->lead);
	if (c->domain == AF_INET6 && c->assoc.relay.family == AF_INET)
		sx_carried_allow_ipv4(fd);
	atomic_store(&c->relay, other);
	return !atomic_load(&c->is_connected) ||
	       sx_carried_connect_anew(fd, r) == 0;
}

static void tell(struct sx_carried *c, int fd)
{
	sx_carried_tell(c, fd);
	if (atomic_load(&c->is_connected))
		sx_carried_connect_for_now(fd, c->domain);
}

/* The connections are closed now, as any other. */
static void disown(const struct sx_associating *a)
{
	sx_pending_lock_all();
	sx_fdtab_set(&sx_ownfds, a->dial.reach.fd, NULL);
	for (unsigned i = 0; i < a->n_made; i++)
		sx_fdtab_set(&sx_ownfds, a->made[i].fd, NULL);
	sx_pending_unlock();
}

/* The last dial is over. 0 or -errno. */
static int made(struct sx_carried *c, struct sx_associating *a, int r, int fd)
{
	struct sx_udp_assoc assoc;

	if (r)
		disown(a);
	int err = sx_engine_associate_end(a, r, &assoc);
	sx_lock(&lock);
	c->assoc.fd = assoc.fd;
	c->assoc.relay = assoc.relay;
	c->assoc.relay_port = assoc.relay_port;
	c->assoc.n_beyond = assoc.n_beyond;
	memcpy(c->assoc.beyond, assoc.beyond, sizeof(assoc.beyond));
	if (!err && (c->is_given_up || !set_relay(c, fd))) {
		end_association(c);
		err = -ENETUNREACH;
	}
	atomic_store(&c->looked_ns, now());
	atomic_store(&c->failed_ns, err && err != -EINTR ? now() : 0);
	if (err && c->queue && !c->is_given_up)
		tell(c, fd);
	if (err)
		sx_carried_drop_queue(c);
	else
		sx_carried_flush(c, fd);
	atomic_store(&c->state, err ? SX_CARRIED_NONE : SX_CARRIED_UP);
	if (c->is_given_up)
		release(c);
	sx_unlock(&lock);
	wake_all(c);
	return err;
}

void sx_carried_made(struct sx_carried *c, struct sx_associating *a, int r)
{
	int fd = c->own_fd;

	c->own_fd = -1;
	made(c, a, r, fd);
	close_own(fd);
}

/* The control connection, under a number of our own. */
static void hide_control(struct sx_associating *a)
{
	struct sx_ownfd room;

	sx_pending_lock_all();
	sx_ownfd_begin(&room);
	int own = sx_ownfd_dup(&room, a->dial.reach.fd);
	sx_ownfd_end(&room);
	sx_pending_unlock();
	if (own < 0)
		return;
	real_close(a->dial.reach.fd);
	a->dial.reach.fd = own;
}

static int begin(struct sx_associating *a, const struct sx_dest *dest,
	const struct sx_verdict *verdict, sa_family_t family)
{
	int err = sx_engine_associate_begin(
		sx_hook_engine(), a, verdict, dest, family);

	if (!err)
		hide_control(a);
	return err;
}

int sx_carried_next(struct sx_associating *a)
{
	int r = sx_associating_next(a);

	if (r > 0)
		hide_control(a);
	return r;
}

static int give_up(struct sx_carried *c, int err)
{
	sx_lock(&lock);
	atomic_store(&c->state, SX_CARRIED_NONE);
	if (c->is_given_up)
		release(c);
	sx_unlock(&lock);
	wake_all(c);
	return err;
}

static int make_now(struct sx_carried *c, struct sx_associating *a, int fd)
{
	unsigned ms = sx_engine_conf(sx_hook_engine())->handshake_timeout_ms;
	struct sx_deadline until = sx_deadline_in(now(), ms);
	int r;

	do {
		r = sx_dial_run(&a->dial, until, sx_hook_interrupts);
		if (r == 0)
			r = sx_carried_next(a);
		else if (r == SX_DIAL_INTERRUPTED)
			r = -EINTR;
	} while (r == 1);
	return made(c, a, r, fd);
}

static int make_later(struct sx_carried *c, struct sx_associating *a, int fd)
{
	int r = sx_dial_step(&a->dial, 0);

	if (r < 0)
		return made(c, a, r, fd);
	if (sx_pending_associate(c, a, fd, &c->own_fd))
		return SX_CARRIED_LATER;
	return make_now(c, a, fd);
}

static bool is_alive(struct sx_carried *c)
{
	uint64_t at = now();

	if (at - atomic_load(&c->looked_ns) < LOOK_NS)
		return true;
	bool alive = sx_udp_is_alive(&c->assoc, &sx_sys_real);
	if (alive) /* what is dead stays so for the next look */
		atomic_store(&c->looked_ns, at);
	return alive;
}

/* Whether it is this thread that has to make it. */
static bool take_turn(struct sx_carried *c)
{
	sx_lock(&lock);
	/* another thread may have made a new one meanwhile */
	if (atomic_load(&c->state) == SX_CARRIED_UP &&
		!sx_udp_is_alive(&c->assoc, &sx_sys_real)) {
		end_association(c);
		atomic_store(&c->state, SX_CARRIED_NONE);
	}
	bool mine = atomic_load(&c->state) == SX_CARRIED_NONE;
	if (mine)
		atomic_store(&c->state, SX_CARRIED_MAKING);
	sx_unlock(&lock);
	return mine;
}

static int associate(struct sx_carried *c, int fd, bool waits,
	const struct sx_dest *dest, const struct sx_verdict *verdict)
{
	struct sx_associating a;
	int err = begin(&a, dest, verdict, c->family);

	if (err)
		return give_up(c, err);
	return waits ? make_now(c, &a, fd) : make_later(c, &a, fd);
}

int sx_carried_ready(struct sx_carried *c, int fd, int flags,
	const struct sx_dest *dest, const struct sx_verdict *verdict)
{
	int saved = errno, r;

	if (atomic_load(&c->state) == SX_CARRIED_UP && is_alive(c))
		return SX_CARRIED_NOW;
	bool waits = !(flags & MSG_DONTWAIT) &&
		     !(real_fcntl(fd, F_GETFL) & O_NONBLOCK);
	for (;;) {
		uint64_t failed = atomic_load(&c->failed_ns);
		if (failed && now() - failed < FAILED_NS)
			return -ENETUNREACH;
		if (atomic_load(&c->state) == SX_CARRIED_UP && is_alive(c))
			return SX_CARRIED_NOW;
		if (take_turn(c))
			break;
		if (atomic_load(&c->state) == SX_CARRIED_UP)
			continue;
		if (!waits)
			return SX_CARRIED_LATER;
		wait_for_maker(c);
	}
	r = associate(c, fd, waits, dest, verdict);
	errno = saved;
	return r;
}

bool sx_carried_enqueue(struct sx_carried *c, const struct iovec *iov, size_t n)
{
	sx_lock(&lock);
	bool waits = atomic_load(&c->state) == SX_CARRIED_MAKING;
	if (waits)
		sx_carried_put(c, iov, n);
	sx_unlock(&lock);
	return waits;
}

void sx_carried_dissociate(struct sx_carried *c)
{
	sx_lock(&lock);
	if (atomic_load(&c->state) == SX_CARRIED_UP) {
		end_association(c);
		atomic_store(&c->state, SX_CARRIED_NONE);
	}
	sx_unlock(&lock);
}

/* fork(): both have the socket and the association. */

void sx_carried_before_fork(void)
{
	sx_lock(&lock);
}

void sx_carried_after_fork(void)
{
	sx_unlock(&lock);
}

/* Nobody here makes what was being made. */
void sx_carried_after_fork_in_child(void)
{
	sx_fdtab_inherit(&sx_carried_fds);
	for (int fd = sx_fdtab_next(&sx_carried_fds, 0); fd >= 0;
		fd = sx_fdtab_next(&sx_carried_fds, (unsigned)fd + 1)) {
		struct sx_carried *c = sx_carried_get(fd);
		if (atomic_load(&c->state) != SX_CARRIED_MAKING)
			continue;
		close_own(c->own_fd);
		c->own_fd = -1;
		sx_carried_drop_queue(c);
		atomic_store(&c->state, SX_CARRIED_NONE);
	}
	sx_unlock(&lock);
}
