/*
 * connect(2).
 */
#include "core/connecting.h"
#include "hook/hook.h"
#include "hook/nameserver.h"
#include "hook/nss.h"
#include "hook/real.h"
#include "hook/socktab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
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

/* Those come from what a thread does itself, not while it waits; sanitizers
 * and crash reporters handle them. */
static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE ||
	       sig == SIGILL || sig == SIGTRAP || sig == SIGABRT ||
	       sig == SIGSYS;
}

/*
 * A signal handler ran while we waited. The kernel's connect() returns EINTR
 * if that handler was installed without SA_RESTART, and goes on otherwise.
 * Which handler it was cannot be known here: EINTR is taken if there is any
 * of that kind.
 */
static bool interrupted(void)
{
	struct sigaction sa;

	for (int sig = 1; sig < NSIG; sig++)
		if (!is_fault(sig) && sigaction(sig, NULL, &sa) == 0 &&
			sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN &&
			!(sa.sa_flags & SA_RESTART))
			return true;
	return false;
}

/* A blocking socket's own send timeout bounds connect(), as in the kernel. */
static struct sx_deadline own_deadline(int fd)
{
	struct timeval tv = {0};
	socklen_t len = sizeof(tv);

	if (real_getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len) ||
		(tv.tv_sec == 0 && tv.tv_usec == 0))
		return SX_NEVER;
	return sx_deadline_in(sx_clock_ns(&sx_sys_real),
		(uint64_t)tv.tv_sec * 1000 +
			((uint64_t)tv.tv_usec + 999) / 1000);
}

static int dial(const struct attempt *a, int flags)
{
	bool blocking = !(flags & O_NONBLOCK);
	struct sx_connecting c;

	sx_engine_begin(sx_hook_engine(), &c, a->fd, a->sock.domain, flags,
		&a->verdict, &a->dest);
	int r = sx_dial_run(&c.dial, blocking ? own_deadline(a->fd) : SX_NEVER,
		blocking ? interrupted : NULL);
	if (r > 0) {
		sx_dial_abandon(&c.dial);
		r = r == SX_DIAL_LATE ? -ETIMEDOUT : -EINTR;
	}
	sx_engine_end(&c, r);
	return r;
}

/* A socket that is only readable with more bytes than the server's answer has
 * would never be. Returns what it was, 1 normally. */
static int set_rcvlowat(int fd, int bytes)
{
	int was = 1;
	socklen_t len = sizeof(was);

	real_getsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &was, &len);
	if (was != bytes)
		real_setsockopt(
			fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
	return was;
}

static int connect_by_proxy(const struct attempt *a)
{
	int saved = errno, flags = fcntl(a->fd, F_GETFL);

	if (flags < 0)
		return -1;
	int rcvlowat = set_rcvlowat(a->fd, 1);
	int r = dial(a, flags);
	if (rcvlowat != 1)
		set_rcvlowat(a->fd, rcvlowat);
	if (r < 0) {
		errno = -r;
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
	return real_connect(a->fd, a->sa, a->len);
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

int hook_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct attempt a = {.fd = fd, .sa = sa, .len = len};
	struct sx_engine *engine;
	struct sx_ip ip;
	uint16_t port;

	/* What is not an IP address the kernel judges, as ever */
	if (!sa || len > sizeof(struct sockaddr_storage))
		return real_connect(fd, sa, len);
	if (sx_ip_from_sockaddr(sa, len, &ip, &port) ||
		!sx_hook_is_inet(fd, &a.sock)) {
		if (sx_sockaddr_family(sa, len) == AF_UNSPEC)
			sx_socktab_forget(fd);
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
