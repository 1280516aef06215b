/*
 * connect(2).
 */
#include "core/connecting.h"
#include "hook/carried.h"
#include "hook/failure.h"
#include "hook/hook.h"
#include "hook/nameserver.h"
#include "hook/nss.h"
#include "hook/pending.h"
#include "hook/real.h"
#include "hook/socktab.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/time.h>

/* One connect() on an IPv4 or IPv6 socket. */
struct attempt {
	int fd;
	const struct sockaddr *sa;
	socklen_t len;
	struct sx_hook_sock sock;
	struct sx_dest dest;
	struct sx_verdict verdict;
};

/* A blocking socket's own send timeout bounds connect(), as in the kernel. */
static struct sx_deadline own_deadline(int fd)
{
	struct timeval tv = {0};
	socklen_t len = sizeof(tv);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len) ||
		(tv.tv_sec == 0 && tv.tv_usec == 0))
		return SX_NEVER;
	return sx_deadline_in(sx_clock_ns(&sx_sys_real),
		(uint64_t)tv.tv_sec * 1000 +
			((uint64_t)tv.tv_usec + 999) / 1000);
}

static bool go_on_in_background(const struct attempt *a, int flags,
	struct sx_connecting *under_way, int rcvlowat)
{
	return sx_pending_begin(&(struct sx_pending_start){
		.fd = a->fd,
		.domain = a->sock.domain,
		.flags = flags,
		.sa = a->sa,
		.len = a->len,
		.verdict = &a->verdict,
		.dest = &a->dest,
		.under_way = under_way,
		.rcvlowat = rcvlowat,
	});
}

/* The wait ended before the dial; which errno value that is. */
static int stop_waiting(const struct attempt *a, int flags,
	struct sx_connecting *c, int rcvlowat, int why)
{
	bool is_late = why == SX_DIAL_LATE;

	if (go_on_in_background(a, flags, c, rcvlowat))
		return is_late ? EINPROGRESS : EINTR;
	sx_dial_abandon(&c->dial);
	sx_hook_set_rcvlowat(a->fd, rcvlowat);
	return is_late ? ETIMEDOUT : EINTR;
}

/* Waits for the tunnel; 0 or a positive errno value. */
static int dial(const struct attempt *a, int flags)
{
	bool blocking = !(flags & O_NONBLOCK);
	int rcvlowat = sx_hook_set_rcvlowat(a->fd, 1);
	struct sx_connecting c;

	sx_engine_begin(sx_hook_engine(), &c, a->fd, a->sock.domain, flags,
		&a->verdict, &a->dest);
	int r = sx_dial_run(&c.dial, blocking ? own_deadline(a->fd) : SX_NEVER,
		blocking ? sx_hook_interrupts : NULL);
	if (r > 0)
		return stop_waiting(a, flags, &c, rcvlowat, r);
	sx_engine_end(&c, r);
	if (rcvlowat != 1)
		sx_hook_set_rcvlowat(a->fd, rcvlowat);
	return -r;
}

static int connect_by_proxy(const struct attempt *a)
{
	int saved = errno, flags = real_fcntl(a->fd, F_GETFL);

	if (flags < 0)
		return -1;
	if (flags & O_NONBLOCK && go_on_in_background(a, flags, NULL, 1)) {
		errno = EINPROGRESS;
		return -1;
	}
	int err = dial(a, flags);
	if (err) {
		errno = err;
		return -1;
	}
	sx_socktab_put(a->fd, a->sa, a->len);
	errno = saved;
	return 0;
}

/* A name that a rule sends direct although its address is ours: a rule with
 * a port, which was not known when the name was looked up. */
static int connect_direct_by_name(const struct attempt *a)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *res, *ai;
	struct sockaddr_storage sa;
	struct sx_ip ip;
	int r = -1;

	if (a->sock.domain == AF_INET)
		hints.ai_family = AF_INET;
	if (SX_ALLOWED_LOOKUP(
		    real_getaddrinfo(a->dest.name, NULL, &hints, &res)))
		return sx_hook_refuse(EHOSTUNREACH,
			"a direct connection, the name has no address,",
			&a->dest, a->verdict.where);
	errno = EHOSTUNREACH;
	for (ai = res; ai && r; ai = ai->ai_next) {
		if (sx_ip_from_sockaddr(ai->ai_addr, ai->ai_addrlen, &ip, NULL))
			continue;
		socklen_t len = sx_ip_to_sockaddr(
			&ip, a->dest.port, (sa_family_t)a->sock.domain, &sa);
		r = real_connect(a->fd, (struct sockaddr *)&sa, len);
		if (r && (errno == EINPROGRESS || errno == EISCONN))
			break;
	}
	int err = errno;
	freeaddrinfo(res);
	if (r == 0 || err == EINPROGRESS)
		sx_socktab_put(a->fd, a->sa, a->len);
	errno = err;
	return r;
}

static int connect_direct(const struct attempt *a)
{
	if (a->dest.kind == SX_DEST_NAME)
		return connect_direct_by_name(a);
	sx_socktab_forget(a->fd);
	sx_carried_disconnect(a->fd);
	return real_connect(a->fd, a->sa, a->len);
}

static int connect_carried(const struct attempt *a)
{
	struct sx_carried_dest to = {.dest = &a->dest, .verdict = &a->verdict};

	sx_ip_from_sockaddr(a->sa, a->len, &to.ip, NULL);
	return sx_carried_connect(a->fd, &a->sock, &to, a->sa, a->len);
}

static int connect_by_rule(struct attempt *a)
{
	if (!sx_hook_is_tcp(&a->sock))
		a->dest.transport = SX_TRANSPORT_UDP;
	a->verdict = sx_engine_decide(sx_hook_engine(), &a->dest);
	switch (a->verdict.action) {
	case SX_ACTION_DIRECT:
		return connect_direct(a);
	case SX_ACTION_BLOCK:
		return sx_hook_refuse(
			EACCES, "a connection", &a->dest, a->verdict.where);
	case SX_ACTION_PROXY:
		if (sx_nameserver_is(&a->sock, &a->dest))
			return sx_nameserver_connect(
				a->fd, &a->sock, a->sa, a->len);
		if (sx_hook_is_tcp(&a->sock))
			return connect_by_proxy(a);
		if (sx_carried_can(&a->sock, &a->dest))
			return connect_carried(a);
		return sx_hook_refuse(ENETUNREACH,
			"other than TCP cannot be carried,", &a->dest,
			a->verdict.where);
	}
	return sx_hook_refuse(EACCES, "a connection", &a->dest, NULL);
}

/* A socket that became a unix socket when it was connected. */
static bool is_connected_otherwise(
	int fd, const struct sockaddr *sa, socklen_t len)
{
	sa_family_t family = sx_sockaddr_family(sa, len);
	struct sockaddr_storage peer;
	socklen_t peer_len = sizeof(peer);

	return (family == AF_INET || family == AF_INET6) &&
	       sx_socktab_peer(fd, (struct sockaddr *)&peer, &peer_len);
}

/* The attempt that is under way is given up; the kernel leaves ECONNRESET. */
static int give_up_pending(int fd, const struct sockaddr *sa, socklen_t len)
{
	sx_pending_abort(fd);
	return real_connect(fd, sa, len);
}

/* connect() while one is under way; the errno value, or 0. */
static int connect_pending(int fd)
{
	if (real_fcntl(fd, F_GETFL) & O_NONBLOCK)
		return EALREADY;
	int r = sx_pending_wait(fd, own_deadline(fd), sx_hook_interrupts);
	if (r)
		return r == -EINTR ? EINTR : EALREADY;
	return sx_failure_connect(fd);
}

/* Those on which something has begun: true, and errno is set, if that is all
 * there is to say. */
static bool has_begun(int fd, const struct sockaddr *sa, socklen_t len, int *r)
{
	bool is_pending = sx_pending_is(fd);
	int saved = errno, err;

	if (sx_sockaddr_family(sa, len) == AF_UNSPEC) {
		*r = is_pending ? give_up_pending(fd, sa, len) : 0;
		return is_pending;
	}
	err = is_pending ? connect_pending(fd) : sx_failure_connect(fd);
	*r = err ? -1 : 0;
	errno = err ? err : saved;
	return is_pending || err;
}

int hook_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct attempt a = {.fd = fd, .sa = sa, .len = len};
	struct sx_engine *engine;
	struct sx_ip ip;
	uint16_t port;

	int r;

	/* What is not an IP address the kernel judges, as ever */
	if (!sa || len > sizeof(struct sockaddr_storage))
		return real_connect(fd, sa, len);
	if (has_begun(fd, sa, len, &r))
		return r;
	if (sx_ip_from_sockaddr(sa, len, &ip, &port) ||
		!sx_hook_is_inet(fd, &a.sock)) {
		if (sx_sockaddr_family(sa, len) == AF_UNSPEC) {
			sx_socktab_forget(fd);
			sx_carried_disconnect(fd);
		}
		if (is_connected_otherwise(fd, sa, len)) {
			errno = EISCONN;
			return -1;
		}
		if (sx_hook_is_name_service(sa, len))
			return sx_hook_refuse(EACCES,
				"to ask a name service of this machine", NULL,
				NULL);
		return real_connect(fd, sa, len);
	}
	engine = sx_hook_engine();
	if (!engine)
		return sx_hook_refuse(
			EACCES, "a connection", NULL, "not configured yet");
	if (sx_engine_dest(engine, &ip, port, &a.dest))
		return sx_hook_refuse(EHOSTUNREACH,
			"an address of the fake-DNS pool that stands for no "
			"name,",
			&a.dest, NULL);
	return connect_by_rule(&a);
}

SX_EXPORT int connect(int fd, __CONST_SOCKADDR_ARG sa, socklen_t len)
{
	return hook_connect(fd, sa.__sockaddr__, len);
}

/* libc's other public name for it. */
SX_EXPORT_ALIAS(__connect, connect);
