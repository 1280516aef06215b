/*
 * recvfrom(2), recvmsg(2), recvmmsg(2): a question to a nameserver may have
 * been answered in this process; the answer comes from the nameserver.
 */
#include "hook/nameserver.h"
#include "hook/real.h"

#include <limits.h>

static bool may_be_ours(const void *sa)
{
	return sa &&
	       atomic_load_explicit(&sx_nameserver_asked, memory_order_relaxed);
}

static ssize_t hook_recvfrom(int fd, void *buf, size_t n, int flags,
	struct sockaddr *sa, socklen_t *len)
{
	if (!may_be_ours(sa) || !len)
		return real_recvfrom(fd, buf, n, flags, sa, len);
	socklen_t room = *len;
	ssize_t got = real_recvfrom(fd, buf, n, flags, sa, len);
	if (got >= 0)
		sx_nameserver_restore(sa, room, len);
	return got;
}

static ssize_t hook_recvfrom_chk(int fd, void *buf, size_t n, size_t size,
	int flags, struct sockaddr *sa, socklen_t *len)
{
	if (n > size) /* libc ends the process */
		return real_recvfrom_chk(fd, buf, n, size, flags, sa, len);
	return hook_recvfrom(fd, buf, n, flags, sa, len);
}

static ssize_t hook_recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (!msg || !may_be_ours(msg->msg_name))
		return real_recvmsg(fd, msg, flags);
	socklen_t room = msg->msg_namelen;
	ssize_t got = real_recvmsg(fd, msg, flags);
	if (got >= 0)
		sx_nameserver_restore(msg->msg_name, room, &msg->msg_namelen);
	return got;
}

/* The call writes over how much room the names have. */
static int receive_and_restore(int fd, struct mmsghdr *vec, unsigned n,
	int flags, struct timespec *timeout)
{
	socklen_t rooms[IOV_MAX]; /* the kernel takes no more messages */

	for (unsigned i = 0; i < n && i < IOV_MAX; i++)
		rooms[i] = vec[i].msg_hdr.msg_namelen;
	int got = real_recvmmsg(fd, vec, n, flags, timeout);
	for (int i = 0; i < got && i < IOV_MAX; i++) {
		struct msghdr *msg = &vec[i].msg_hdr;
		if (msg->msg_name)
			sx_nameserver_restore(
				msg->msg_name, rooms[i], &msg->msg_namelen);
	}
	return got;
}

static int hook_recvmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags,
	struct timespec *timeout)
{
	if (!may_be_ours(vec))
		return real_recvmmsg(fd, vec, n, flags, timeout);
	return receive_and_restore(fd, vec, n, flags, timeout);
}

SX_EXPORT ssize_t recvfrom(int fd, void *buf, size_t n, int flags,
	__SOCKADDR_ARG sa, socklen_t *len)
{
	return hook_recvfrom(fd, buf, n, flags, sa.__sockaddr__, len);
}

/* What recvfrom() is in programs that are built with _FORTIFY_SOURCE. */
SX_EXPORT ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t size,
	int flags, struct sockaddr *sa, socklen_t *len)
{
	return hook_recvfrom_chk(fd, buf, n, size, flags, sa, len);
}

SX_EXPORT ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	return hook_recvmsg(fd, msg, flags);
}

SX_EXPORT int recvmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags,
	struct timespec *timeout)
{
	return hook_recvmmsg(fd, vec, n, flags, timeout);
}
