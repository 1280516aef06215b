/*
 * setsockopt(2), getsockopt(2), getsockname(2): of a socket whose connection
 * is pending (hook/pendopt.h) or has failed (hook/failure.h), and of one that
 * was replaced by a unix socket, because its server is behind one: what only
 * TCP and IP have is taken without effect then, so that programs which insist
 * go on. For those the kernel is asked first; only what it refuses is looked
 * at, and a name that is none.
 */
#include "base/addr.h"
#include "hook/carried.h"
#include "hook/failure.h"
#include "hook/pendopt.h"
#include "hook/real.h"
#include "hook/socktab.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

/* The family of the address the program connected the socket to, if it has
 * become a unix socket by that; else AF_UNSPEC. errno is kept. */
static sa_family_t replaced(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	int domain, saved = errno;
	socklen_t domain_len = sizeof(domain);
	bool is_unix = real_getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain,
			       &domain_len) == 0 &&
		       domain == AF_UNIX;
	bool known =
		is_unix && sx_socktab_peer(fd, (struct sockaddr *)&peer, &len);

	errno = saved;
	return known ? peer.ss_family : AF_UNSPEC;
}

static bool is_lost(int fd, int level)
{
	return errno == EOPNOTSUPP &&
	       (level == IPPROTO_TCP || level == IPPROTO_IP ||
		       level == IPPROTO_IPV6) &&
	       replaced(fd) != AF_UNSPEC;
}

/* Several datagrams in one buffer: what a relay carries has a header for
 * each. */
static bool is_batching(int level, int name)
{
	return level == IPPROTO_UDP && (name == UDP_GRO || name == UDP_SEGMENT);
}

static int hook_setsockopt(
	int fd, int level, int name, const void *val, socklen_t len)
{
	int saved = errno, r;

	if (sx_pendopt_set(fd, level, name, val, len, &r))
		return r;
	if (is_batching(level, name) && sx_carried_get(fd)) {
		errno = ENOPROTOOPT;
		return -1;
	}
	r = real_setsockopt(fd, level, name, val, len);
	if (r == 0 || !is_lost(fd, level))
		return r;
	errno = saved;
	return 0;
}

/* 0 for everything; of TCP_INFO the state says that it is connected. */
static int hook_getsockopt(
	int fd, int level, int name, void *val, socklen_t *len)
{
	int saved = errno, r;

	if (sx_pendopt_get(fd, level, name, val, len, &r))
		return r;
	r = real_getsockopt(fd, level, name, val, len);
	if (r == 0 && level == SOL_SOCKET && name == SO_ERROR && val &&
		*len == sizeof(int))
		*(int *)val = sx_failure_so_error(fd, *(int *)val);
	if (r == 0 || !val || !len || !is_lost(fd, level))
		return r;
	memset(val, 0, *len);
	if (level == IPPROTO_TCP && name == TCP_INFO && *len)
		*(uint8_t *)val = TCP_ESTABLISHED;
	errno = saved;
	return 0;
}

/* The loopback, with a port as a kernel would have given it. */
static void make_name(sa_family_t family, struct sockaddr *sa, socklen_t *len)
{
	struct sx_ip ip = sx_ip_loopback(family);
	struct sockaddr_storage name;
	socklen_t n = sx_ip_to_sockaddr(&ip, 32768, family, &name);
	memcpy(sa, &name, *len < n ? *len : n);
	*len = n;
}

static int hook_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	socklen_t room = len ? *len : 0;
	int r;

	if (sx_pendopt_name(fd, sa, len, &r))
		return r;
	r = real_getsockname(fd, sa, len);
	if (r == 0)
		sx_carried_own_name(fd, sa, room, len);
	if (r || sx_sockaddr_family(sa, room) != AF_UNIX ||
		*len > sizeof(sa_family_t))
		return r;
	sa_family_t family = replaced(fd);
	if (family != AF_UNSPEC) {
		*len = room;
		make_name(family, sa, len);
	}
	return 0;
}

SX_EXPORT int setsockopt(
	int fd, int level, int name, const void *val, socklen_t len)
{
	return hook_setsockopt(fd, level, name, val, len);
}

SX_EXPORT int getsockopt(int fd, int level, int name, void *restrict val,
	socklen_t *restrict len)
{
	return hook_getsockopt(fd, level, name, val, len);
}

SX_EXPORT int getsockname(int fd, __SOCKADDR_ARG sa, socklen_t *restrict len)
{
	return hook_getsockname(fd, sa.__sockaddr__, len);
}
