/*
 * recvfrom(2), recvmsg(2), recvmmsg(2): a question to a nameserver may have
 * been answered in this process; the answer comes from the nameserver. What a
 * relay carries comes from the address that was sent to (hook/carried.h).
 */
#include "hook/carried.h"
#include "hook/nameserver.h"
#include "hook/pending.h"
#include "hook/real.h"

#include <limits.h>

static bool may_be_ours(const void *sa)
{
	return sa &&
	       atomic_load_explicit(&sx_nameserver_asked, memory_order_relaxed);
}

static ssize_t recvfrom_carried(int fd, void *buf, size_t n, int flags,
	struct sockaddr *sa, socklen_t *len)
{
	struct iovec iov = {buf, n};
	struct msghdr msg = {.msg_name = len ? sa : NULL,
		.msg_namelen = sa && len ? *len : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1};
	ssize_t got = sx_carried_recvmsg(fd, &msg, flags);

	if (got >= 0 && sa && len)
		*len = msg.msg_namelen;
	return got;
}

static ssize_t hook_recvfrom(int fd, void *buf, size_t n, int flags,
	struct sockaddr *sa, socklen_t *len)
{
	sx_pending_wait_to_block(fd, flags);
	if (sx_carried_get(fd))
		return recvfrom_carried(fd, buf, n, flags, sa, len);
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

static ssize_t receive_and_take(int fd, struct msghdr *msg, int flags)
{
	ssize_t got = real_recvmsg(fd, msg, flags);

	if (got >= 0 && msg && msg->msg_controllen)
		sx_carried_received(msg);
	return got;
}

static ssize_t hook_recvmsg(int fd, struct msghdr *msg, int flags)
{
	sx_pending_wait_to_block(fd, flags);
	if (msg && sx_carried_get(fd))
		return sx_carried_recvmsg(fd, msg, flags);
	if (!msg || !may_be_ours(msg->msg_name))
		return receive_and_take(fd, msg, flags);
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

/* One by one: what is dropped leaves no gap. */
static int recvmmsg_carried(int fd, struct mmsghdr *vec, unsigned n, int flags,
	const struct timespec *timeout)
{
	struct sx_deadline end = SX_NEVER;
	unsigned got;

	if (timeout)
		end = sx_deadline_in(sx_clock_ns(&sx_sys_real),
			(uint64_t)timeout->tv_sec * 1000 +
				(uint64_t)timeout->tv_nsec / SX_NS_PER_MS);
	for (got = 0; got < n; got++) {
		ssize_t r = sx_carried_recvmsg(
			fd, &vec[got].msg_hdr, flags & ~MSG_WAITFORONE);
		if (r < 0)
			break;
		vec[got].msg_len = (unsigned)r;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (sx_deadline_passed(end, sx_clock_ns(&sx_sys_real)))
			return (int)got + 1;
	}
	return got || n == 0 ? (int)got : -1;
}

static int hook_recvmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags,
	struct timespec *timeout)
{
	if (vec && sx_carried_get(fd))
		return recvmmsg_carried(fd, vec, n, flags, timeout);
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
