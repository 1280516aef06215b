/*
 * listen(2), accept(2), bind(2): connections and datagrams from outside,
 * where the configuration does not let them in. As it is by default, nothing
 * is done here.
 */
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <unistd.h>

static enum sx_inbound policy(void)
{
	struct sx_engine *e = sx_hook_engine();

	return e ? sx_engine_conf(e)->inbound : SX_INBOUND_NONE;
}

/* True for sockets that are no IP sockets as well. */
static bool is_local(const struct sockaddr_storage *sa, socklen_t len)
{
	struct sx_ip ip;

	return sx_ip_from_sockaddr(sa, len, &ip, NULL) ||
	       sx_ip_is_loopback(&ip);
}

/* Whether others than this machine could connect to it. A socket that was
 * not bound gets any address. */
static bool is_reachable(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	return real_getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	       !is_local(&sa, len);
}

static int hook_listen(int fd, int backlog)
{
	struct sx_hook_sock sock;
	int saved = errno;

	if (!sx_hook_is_inet(fd, &sock))
		return real_listen(fd, backlog);
	enum sx_inbound inbound = policy();
	if (inbound == SX_INBOUND_NONE ||
		(inbound == SX_INBOUND_LOCAL && is_reachable(fd)))
		return sx_hook_refuse(EACCES, "to listen", NULL, "inbound");
	errno = saved;
	return real_listen(fd, backlog);
}

/* A listening socket may be inherited, or be passed by another process: the
 * last word is said when somebody comes. The kernel's error for one who has
 * gone again tells the program to go on. */
static int judge(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	enum sx_inbound inbound = policy();
	int saved = errno;

	if (inbound == SX_INBOUND_ANY)
		return fd;
	if (getpeername(fd, (struct sockaddr *)&sa, &len) == 0 &&
		sx_sockaddr_family(&sa, len) != AF_UNIX &&
		(inbound == SX_INBOUND_NONE || !is_local(&sa, len))) {
		real_close(fd);
		return sx_hook_refuse(ECONNABORTED, "a connection from outside",
			NULL, "inbound");
	}
	errno = saved;
	return fd;
}

static int hook_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{
	int got = real_accept4(fd, sa, len, flags);

	return got < 0 ? got : judge(got);
}

/* A datagram socket listens as soon as it has a port of its own choice. */
static int hook_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	struct sx_hook_sock sock;
	struct sx_ip ip;
	uint16_t port;

	if (!sa || sx_ip_from_sockaddr(sa, len, &ip, &port) || port == 0 ||
		!sx_hook_is_inet(fd, &sock) || sock.type != SOCK_DGRAM)
		return real_bind(fd, sa, len);
	enum sx_inbound inbound = policy();
	if (inbound == SX_INBOUND_NONE ||
		(inbound == SX_INBOUND_LOCAL && !sx_ip_is_loopback(&ip)))
		return sx_hook_refuse(
			EACCES, "a port for datagrams", NULL, "inbound");
	return real_bind(fd, sa, len);
}

SX_EXPORT int bind(int fd, __CONST_SOCKADDR_ARG sa, socklen_t len)
{
	return hook_bind(fd, sa.__sockaddr__, len);
}

SX_EXPORT int listen(int fd, int backlog)
{
	return hook_listen(fd, backlog);
}

SX_EXPORT int accept(int fd, __SOCKADDR_ARG sa, socklen_t *len)
{
	return hook_accept4(fd, sa.__sockaddr__, len, 0);
}

SX_EXPORT int accept4(int fd, __SOCKADDR_ARG sa, socklen_t *len, int flags)
{
	return hook_accept4(fd, sa.__sockaddr__, len, flags);
}
