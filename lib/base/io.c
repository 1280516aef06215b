#include "base/io.h"

#include <errno.h>

ssize_t sx_io_send(const struct sx_sys *sys, int fd, const void *buf, size_t n)
{
	ssize_t r;

	do
		r = sys->send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

static ssize_t receive(
	const struct sx_sys *sys, int fd, void *buf, size_t n, int flags)
{
	ssize_t r;

	do
		r = sys->recv(fd, buf, n, flags | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

ssize_t sx_io_recv(const struct sx_sys *sys, int fd, void *buf, size_t n)
{
	return receive(sys, fd, buf, n, 0);
}

ssize_t sx_io_peek(const struct sx_sys *sys, int fd, void *buf, size_t n)
{
	return receive(sys, fd, buf, n, MSG_PEEK);
}

int sx_io_wait(const struct sx_sys *sys, int fd, short events,
	struct sx_deadline until)
{
	struct pollfd p = {.fd = fd, .events = events};
	int r = sys->poll(&p, 1, sx_deadline_poll_ms(until, sx_clock_ns(sys)));

	if (r < 0)
		return -errno;
	return r ? p.revents : 0;
}
