#include "core/reach.h"

#include "base/log.h"
#include "core/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>

static void clear_error(struct sx_reach *r)
{
	int err;
	socklen_t len = sizeof(err);

	if (r->attempted)
		r->sys->getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &err, &len);
}

void sx_reach_disconnect(struct sx_reach *r)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	if (!r->attempted)
		return;
	if (r->family == AF_UNIX) { /* those cannot be dissolved */
		if (!sx_swap_family(r->sys, r->fd, r->own_family))
			r->family = r->own_family;
		return;
	}
	r->sys->connect(r->fd, &none, sizeof(none));
}

void sx_reach_dissolve(struct sx_reach *r)
{
	sx_reach_disconnect(r);
	clear_error(r);
	r->attempted = false;
}

static bool is_unconnected(const struct sx_reach *r)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	return r->sys->getsockopt(r->fd, IPPROTO_TCP, TCP_INFO, &info, &len) ==
		       0 &&
	       info.tcpi_state == TCP_CLOSE;
}

static int replace(struct sx_reach *r, int family)
{
	if (!is_unconnected(r))
		return EISCONN;
	sx_log(SX_LOG_DEBUG,
		"fd %d: replaced by a socket of family %d, for the "
		"server",
		r->fd, family);
	int err = -sx_swap_family(r->sys, r->fd, family);
	if (!err)
		r->family = family;
	return err;
}

static void allow_mapped(struct sx_reach *r)
{
	int v6only = 0, off = 0;
	socklen_t len = sizeof(v6only);

	if (r->sys->getsockopt(
		    r->fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &len) == 0 &&
		v6only)
		r->sys->setsockopt(
			r->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
}

static void set_flags(struct sx_reach *r, int flags)
{
	if (!(r->flags & O_NONBLOCK))
		r->sys->fcntl(r->fd, F_SETFL, flags);
}

static int call_connect(struct sx_reach *r, const void *sa, socklen_t len)
{
	set_flags(r, r->flags | O_NONBLOCK);
	int failed = r->sys->connect(r->fd, sa, len);
	int err = failed ? errno : 0;
	set_flags(r, r->flags);
	return err;
}

static int call_connect_ip(
	struct sx_reach *r, const struct sx_ip *ip, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len =
		sx_ip_to_sockaddr(ip, port, (sa_family_t)r->family, &sa);

	return call_connect(r, &sa, len);
}

int sx_reach_connect_unix(struct sx_reach *r, const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	int err = replace(r, AF_UNIX);

	if (err)
		return err;
	r->attempted = true;
	if (n >= sizeof(un.sun_path))
		return ENAMETOOLONG;
	memcpy(un.sun_path, path, n + 1);
	err = call_connect(r, &un, sizeof(un));
	/* its queue is full: as good as refused, and no pending connect() */
	return err == EAGAIN ? ECONNREFUSED : err;
}

int sx_reach_renew(struct sx_reach *r)
{
	int err = r->is_mapped ? replace(r, AF_INET6) : 0;

	if (!err)
		r->is_mapped = false;
	return err;
}

int sx_reach_connect(struct sx_reach *r, const struct sx_ip *ip, uint16_t port)
{
	int err = 0;

	if (r->family == AF_INET && ip->family == AF_INET6)
		err = replace(r, AF_INET6);
	else if (r->family == AF_INET6 && ip->family == AF_INET)
		allow_mapped(r);
	else
		err = sx_reach_renew(r);
	if (err)
		return err;
	r->is_mapped = r->family == AF_INET6 && ip->family == AF_INET;
	err = call_connect_ip(r, ip, port);
	r->attempted = !sx_reach_is_own_error(err);
	return err == EINTR ? EINPROGRESS : err;
}

int sx_reach_outcome(struct sx_reach *r, const struct sx_ip *ip, uint16_t port)
{
	int err = call_connect_ip(r, ip, port);

	if (err == EALREADY)
		clear_error(r); /* an old one, that woke us */
	return err == EISCONN ? 0 : err;
}

bool sx_reach_is_own_error(int err)
{
	static const int own[] = {EBADF, ENOTSOCK, EISCONN, EALREADY, EINVAL,
		EFAULT, EPROTOTYPE, EOPNOTSUPP, ENOBUFS, ENOMEM};

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (err == own[i])
			return true;
	return false;
}
