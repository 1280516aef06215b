#include "core/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/* Options that mean the same for both families. An option that the kernel
 * refuses to set is skipped: it has its default then. */
static const struct {
	int level, name;
} kept_options[] = {
	{SOL_SOCKET, SO_KEEPALIVE},
	{SOL_SOCKET, SO_LINGER},
	{SOL_SOCKET, SO_OOBINLINE},
	{SOL_SOCKET, SO_RCVLOWAT},
	{SOL_SOCKET, SO_RCVTIMEO},
	{SOL_SOCKET, SO_SNDTIMEO},
	{SOL_SOCKET, SO_REUSEADDR},
	{SOL_SOCKET, SO_REUSEPORT},
	{SOL_SOCKET, SO_PRIORITY},
	{SOL_SOCKET, SO_MARK},
	{SOL_SOCKET, SO_BINDTODEVICE},
	{SOL_SOCKET, SO_TIMESTAMP},
	{SOL_SOCKET, SO_BUSY_POLL},
	{IPPROTO_TCP, TCP_NODELAY},
	{IPPROTO_TCP, TCP_KEEPIDLE},
	{IPPROTO_TCP, TCP_KEEPINTVL},
	{IPPROTO_TCP, TCP_KEEPCNT},
	{IPPROTO_TCP, TCP_USER_TIMEOUT},
	{IPPROTO_TCP, TCP_SYNCNT},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT},
	{IPPROTO_TCP, TCP_CONGESTION},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT},
};

static void copy_option(
	const struct sx_sys *sys, int from, int to, int level, int name)
{
	char val[64];
	socklen_t len = sizeof(val);

	if (sys->getsockopt(from, level, name, val, &len) == 0)
		sys->setsockopt(to, level, name, val, len);
}

/* The kernel reports buffer sizes doubled, and doubles what it is given. A
 * size that was never set is left alone: setting it ends its tuning. */
static void copy_buffer_size(
	const struct sx_sys *sys, int from, int to, int name)
{
	int size, fresh;
	socklen_t len = sizeof(size), fresh_len = sizeof(fresh);

	if (sys->getsockopt(from, SOL_SOCKET, name, &size, &len) ||
		sys->getsockopt(to, SOL_SOCKET, name, &fresh, &fresh_len) ||
		size == fresh)
		return;
	size /= 2;
	sys->setsockopt(to, SOL_SOCKET, name, &size, sizeof(size));
}

static void copy_options(const struct sx_sys *sys, int from, int to)
{
	size_t n = sizeof(kept_options) / sizeof(*kept_options);

	for (size_t i = 0; i < n; i++)
		copy_option(sys, from, to, kept_options[i].level,
			kept_options[i].name);
	copy_buffer_size(sys, from, to, SO_SNDBUF);
	copy_buffer_size(sys, from, to, SO_RCVBUF);
	sys->fcntl(to, F_SETOWN, sys->fcntl(from, F_GETOWN, 0));
	sys->fcntl(to, F_SETFL, sys->fcntl(from, F_GETFL, 0));
}

int sx_swap_family(const struct sx_sys *sys, int fd, int family)
{
	int fd_flags = sys->fcntl(fd, F_GETFD, 0);
	int new_fd = sys->socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd_flags < 0 || new_fd < 0) {
		int err = -errno;
		if (new_fd >= 0)
			sys->close(new_fd);
		return err;
	}
	copy_options(sys, fd, new_fd);
	int r = sys->dup3(new_fd, fd, fd_flags & FD_CLOEXEC ? O_CLOEXEC : 0);
	int err = r < 0 ? -errno : 0;
	sys->close(new_fd);
	return err;
}
