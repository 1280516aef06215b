/*
 * getpeername(2): the address that the program asked for.
 */
#include "base/addr.h"
#include "hook/pending.h"
#include "hook/real.h"
#include "hook/socktab.h"

#include <errno.h>

static int hook_getpeername(int fd, struct sockaddr *sa, socklen_t *len)
{
	socklen_t room = len ? *len : 0;

	if (sx_pending_is(fd)) {
		errno = ENOTCONN;
		return -1;
	}
	int r = real_getpeername(fd, sa, len);
	sa_family_t family = r ? AF_UNSPEC : sx_sockaddr_family(sa, room);

	/* AF_UNIX: the server may be behind a unix socket */
	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return r;
	if (sx_socktab_peer(fd, sa, &room))
		*len = room;
	return 0;
}

SX_EXPORT int getpeername(int fd, __SOCKADDR_ARG sa, socklen_t *len)
{
	return hook_getpeername(fd, sa.__sockaddr__, len);
}
