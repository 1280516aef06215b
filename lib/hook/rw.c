/*
 * read(2), write(2), send(2), recv(2) and their relatives. Two kinds of
 * sockets need them: one that blocks and whose connection is still pending
 * has to wait for it, and a UDP socket whose datagrams a relay carries has a
 * header to put on or take off. While the process has neither, this costs
 * two loads.
 */
#include "hook/carried.h"
#include "hook/pending.h"
#include "hook/real.h"

#include <sys/uio.h>

static ssize_t carried_send(
	int fd, const struct iovec *iov, size_t n, int flags)
{
	const struct msghdr msg = {
		.msg_iov = (struct iovec *)iov, .msg_iovlen = n};

	return sx_carried_sendmsg(fd, NULL, NULL, &msg, flags);
}

static ssize_t carried_recv(
	int fd, const struct iovec *iov, size_t n, int flags)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = n};

	return sx_carried_recvmsg(fd, &msg, flags);
}

static ssize_t hook_read(int fd, void *buf, size_t n)
{
	sx_pending_wait_to_block(fd, 0);
	if (!sx_carried_get(fd))
		return real_read(fd, buf, n);
	return carried_recv(fd, &(struct iovec){buf, n}, 1, 0);
}

static ssize_t hook_recv(int fd, void *buf, size_t n, int flags)
{
	sx_pending_wait_to_block(fd, flags);
	if (!sx_carried_get(fd))
		return real_recv(fd, buf, n, flags);
	return carried_recv(fd, &(struct iovec){buf, n}, 1, flags);
}

static ssize_t hook_write(int fd, const void *buf, size_t n)
{
	sx_pending_wait_to_block(fd, 0);
	if (!sx_carried_is_connected(fd))
		return real_write(fd, buf, n);
	return carried_send(fd, &(struct iovec){(void *)buf, n}, 1, 0);
}

static ssize_t hook_send(int fd, const void *buf, size_t n, int flags)
{
	sx_pending_wait_to_block(fd, flags);
	if (!sx_carried_is_connected(fd))
		return real_send(fd, buf, n, flags);
	return carried_send(fd, &(struct iovec){(void *)buf, n}, 1, flags);
}

static ssize_t hook_readv(int fd, const struct iovec *iov, int n)
{
	sx_pending_wait_to_block(fd, 0);
	if (!sx_carried_get(fd) || n < 0)
		return real_readv(fd, iov, n);
	return carried_recv(fd, iov, (size_t)n, 0);
}

static ssize_t hook_writev(int fd, const struct iovec *iov, int n)
{
	sx_pending_wait_to_block(fd, 0);
	if (!sx_carried_is_connected(fd) || n < 0)
		return real_writev(fd, iov, n);
	return carried_send(fd, iov, (size_t)n, 0);
}

SX_EARLY SX_EXPORT ssize_t read(int fd, void *buf, size_t n)
{
	return hook_read(fd, buf, n);
}

SX_EARLY SX_EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	return hook_write(fd, buf, n);
}

SX_EXPORT ssize_t readv(int fd, const struct iovec *iov, int n)
{
	return hook_readv(fd, iov, n);
}

SX_EXPORT ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return hook_writev(fd, iov, n);
}

SX_EXPORT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	return hook_recv(fd, buf, n, flags);
}

SX_EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	return hook_send(fd, buf, n, flags);
}

/* What they are in programs that are built with _FORTIFY_SOURCE; libc ends
 * the process where n is too large. */
SX_EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
{
	return n > size ? real_read_chk(fd, buf, n, size)
			: hook_read(fd, buf, n);
}

SX_EXPORT ssize_t __recv_chk(
	int fd, void *buf, size_t n, size_t size, int flags)
{
	return n > size ? real_recv_chk(fd, buf, n, size, flags)
			: hook_recv(fd, buf, n, flags);
}
