/*
 * Sending, receiving and waiting on a descriptor without blocking in it.
 * EINTR, EAGAIN and short writes are dealt with here and nowhere else.
 *
 * A signal never loses or repeats bytes: send and recv are asked not to
 * wait, so they cannot be interrupted half-way, and waiting moves no bytes.
 */
#ifndef SX_BASE_IO_H
#define SX_BASE_IO_H

#include "base/clock.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * One send() of what fits now, without SIGPIPE. How many bytes went, or
 * -EAGAIN when none fits, or another -errno. [signal-safe]
 */
ssize_t sx_io_send(const struct sx_sys *sys, int fd, const void *buf, size_t n);

/*
 * One recv() of what is there. How many bytes, 0 at the end of the stream,
 * -EAGAIN when nothing is there yet, or another -errno. [signal-safe]
 */
ssize_t sx_io_recv(const struct sx_sys *sys, int fd, void *buf, size_t n);

/*
 * As sx_io_recv(), but what it reads stays in the socket. [signal-safe]
 */
ssize_t sx_io_peek(const struct sx_sys *sys, int fd, void *buf, size_t n);

/*
 * Waits for events (POLLIN, POLLOUT) on fd. The events that are there, with
 * POLLERR, POLLHUP and POLLNVAL; 0 when until passes first; -EINTR when a
 * signal handler ran: call again, until is a point in time; or another
 * -errno. [signal-safe]
 */
int sx_io_wait(const struct sx_sys *sys, int fd, short events,
	struct sx_deadline until);

#endif
