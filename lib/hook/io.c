#include "hook/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct iovec *sx_iov_room(struct iovec few[SX_IOV_FEW], size_t n)
{
	return n <= SX_IOV_FEW ? few : calloc(n, sizeof(*few));
}

void sx_iov_done(const struct iovec few[SX_IOV_FEW], struct iovec *room)
{
	int saved = errno;

	if (room != few)
		free(room);
	errno = saved;
}

size_t sx_iov_len(const struct iovec *iov, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len;
}

/* The piece of one iovec from the position at: its length, 0 at the end. */
static size_t piece(const struct iovec *iov, size_t n, size_t at, char **out)
{
	for (size_t i = 0; i < n; i++) {
		if (at < iov[i].iov_len) {
			*out = (char *)iov[i].iov_base + at;
			return iov[i].iov_len - at;
		}
		at -= iov[i].iov_len;
	}
	return 0;
}

static size_t copy(const struct iovec *iov, size_t n, size_t at, char *buf,
	size_t len, int is_in)
{
	size_t done = 0, room;
	char *place;

	while (done < len && (room = piece(iov, n, at + done, &place))) {
		size_t part = room < len - done ? room : len - done;
		memcpy(is_in ? place : buf + done, is_in ? buf + done : place,
			part);
		done += part;
	}
	return done;
}

size_t sx_iov_read(
	const struct iovec *iov, size_t n, size_t at, void *buf, size_t len)
{
	return copy(iov, n, at, buf, len, 0);
}

/* By parts, from the end that is not overwritten first. */
void sx_iov_move(
	const struct iovec *iov, size_t n, size_t to, size_t from, size_t len)
{
	char part[512];

	for (size_t done = 0; done < len && to != from;) {
		size_t size =
			len - done < sizeof(part) ? len - done : sizeof(part);
		size_t at = to < from ? done : len - done - size;
		copy(iov, n, from + at, part, size, 0);
		copy(iov, n, to + at, part, size, 1);
		done += size;
	}
}
