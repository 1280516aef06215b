/*
 * syscall(2): the network's calls, those of descriptors and execve() by number
 * go the way of their names; every other number passes as it is, with all six
 * arguments.
 */
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Descriptors, whatever they are of. */
static long syscall_of_files(long number, const long a[6])
{
	switch (number) {
	case SYS_close:
		return close((int)a[0]);
	case SYS_close_range:
		return close_range((unsigned)a[0], (unsigned)a[1], (int)a[2]);
	case SYS_read:
		return read((int)a[0], (void *)a[1], (size_t)a[2]);
	case SYS_write:
		return write((int)a[0], (const void *)a[1], (size_t)a[2]);
	case SYS_readv:
		return readv((int)a[0], (const struct iovec *)a[1], (int)a[2]);
	case SYS_writev:
		return writev((int)a[0], (const struct iovec *)a[1], (int)a[2]);
	case SYS_dup:
		return dup((int)a[0]);
#ifdef SYS_dup2 /* not on every machine */
	case SYS_dup2:
		return dup2((int)a[0], (int)a[1]);
#endif
	case SYS_dup3:
		return dup3((int)a[0], (int)a[1], (int)a[2]);
	case SYS_fcntl:
		return fcntl((int)a[0], (int)a[1], a[2]);
	case SYS_shutdown:
		return shutdown((int)a[0], (int)a[1]);
	case SYS_epoll_ctl:
		return epoll_ctl((int)a[0], (int)a[1], (int)a[2],
			(struct epoll_event *)a[3]);
	default:
		return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

static long hook_syscall(long number, const long a[6])
{
	switch (number) {
	case SYS_connect:
		return connect((int)a[0], (const struct sockaddr *)a[1],
			(socklen_t)a[2]);
	case SYS_socket:
		return socket((int)a[0], (int)a[1], (int)a[2]);
	case SYS_sendto:
		return sendto((int)a[0], (const void *)a[1], (size_t)a[2],
			(int)a[3], (const struct sockaddr *)a[4],
			(socklen_t)a[5]);
	case SYS_sendmsg:
		return sendmsg(
			(int)a[0], (const struct msghdr *)a[1], (int)a[2]);
	case SYS_sendmmsg:
		return sendmmsg((int)a[0], (struct mmsghdr *)a[1],
			(unsigned)a[2], (int)a[3]);
	case SYS_bind:
		return bind((int)a[0], (const struct sockaddr *)a[1],
			(socklen_t)a[2]);
	case SYS_setsockopt:
		return setsockopt((int)a[0], (int)a[1], (int)a[2],
			(const void *)a[3], (socklen_t)a[4]);
	case SYS_getsockopt:
		return getsockopt((int)a[0], (int)a[1], (int)a[2], (void *)a[3],
			(socklen_t *)a[4]);
	case SYS_getsockname:
		return getsockname(
			(int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2]);
	case SYS_listen:
		return listen((int)a[0], (int)a[1]);
#ifdef SYS_accept /* not on every machine */
	case SYS_accept:
		return accept(
			(int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2]);
#endif
	case SYS_accept4:
		return accept4((int)a[0], (struct sockaddr *)a[1],
			(socklen_t *)a[2], (int)a[3]);
	case SYS_io_uring_setup:
		if (!sx_hook_may_use_io_uring())
			return -1;
		return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	case SYS_recvfrom:
		return recvfrom((int)a[0], (void *)a[1], (size_t)a[2],
			(int)a[3], (struct sockaddr *)a[4], (socklen_t *)a[5]);
	case SYS_recvmsg:
		return recvmsg((int)a[0], (struct msghdr *)a[1], (int)a[2]);
	case SYS_recvmmsg:
		return recvmmsg((int)a[0], (struct mmsghdr *)a[1],
			(unsigned)a[2], (int)a[3], (struct timespec *)a[4]);
	case SYS_getpeername:
		return getpeername(
			(int)a[0], (struct sockaddr *)a[1], (socklen_t *)a[2]);
	case SYS_execve:
		return execve((const char *)a[0], (char *const *)a[1],
			(char *const *)a[2]);
	case SYS_execveat:
		return execveat((int)a[0], (const char *)a[1],
			(char *const *)a[2], (char *const *)a[3], (int)a[4]);
	default:
		return syscall_of_files(number, a);
	}
}

/* Like libc's, this takes up to six arguments of a register's width from
 * wherever the caller put them. */
SX_EXPORT long syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return hook_syscall(number, a);
}
