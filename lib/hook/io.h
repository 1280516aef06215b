/*
 * iovecs: what the kernel scattered, in other places.
 */
#ifndef SX_HOOK_IO_H
#define SX_HOOK_IO_H

#include <stddef.h>
#include <sys/uio.h>

#define SX_IOV_FEW 32U

/* Room for n iovecs: few, as long as they fit; NULL: no memory. */
struct iovec *sx_iov_room(struct iovec few[SX_IOV_FEW], size_t n);

/* Gives it back; errno is kept. */
void sx_iov_done(const struct iovec few[SX_IOV_FEW], struct iovec *room);

/* All bytes of n iovecs, a position in them. */
size_t sx_iov_len(const struct iovec *iov, size_t n);

/* Copies up to len bytes from the position at; how many there were. */
size_t sx_iov_read(
	const struct iovec *iov, size_t n, size_t at, void *buf, size_t len);

/* Moves len bytes from the position from to the position to; they may
 * overlap. Both ends are inside. */
void sx_iov_move(
	const struct iovec *iov, size_t n, size_t to, size_t from, size_t len);

#endif
