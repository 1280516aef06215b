#include "base/sys.h"

#include <fcntl.h>
#include <unistd.h>

static int libc_connect(int fd, const struct sockaddr *sa, socklen_t len)
{
	return connect(fd, sa, len);
}

static int libc_bind(int fd, const struct sockaddr *sa, socklen_t len)
{
	return bind(fd, sa, len);
}

static int libc_getsockname(int fd, struct sockaddr *sa, socklen_t *len)
{
	return getsockname(fd, sa, len);
}

static int libc_fcntl(int fd, int cmd, long arg)
{
	return fcntl(fd, cmd, arg);
}

const struct sx_sys sx_sys_libc = {
	.socket = socket,
	.connect = libc_connect,
	.send = send,
	.recv = recv,
	.poll = poll,
	.getsockopt = getsockopt,
	.setsockopt = setsockopt,
	.getsockname = libc_getsockname,
	.bind = libc_bind,
	.fcntl = libc_fcntl,
	.dup3 = dup3,
	.close = close,
	.clock_gettime = clock_gettime,
	.getaddrinfo = getaddrinfo,
	.freeaddrinfo = freeaddrinfo,
};
