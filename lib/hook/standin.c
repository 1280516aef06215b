#include "hook/standin.h"

#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>

/* Until not a byte more goes in; poll() would say so at a quarter of it. */
static size_t fill(int fd)
{
	static const char bytes[4096];
	size_t filled = 0;
	ssize_t n;

	while ((n = real_send(fd, bytes, sizeof(bytes),
			MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
		filled += (size_t)n;
	return filled;
}

int sx_standin_make(struct sx_standin *s, const struct sx_ownfd *room)
{
	int pair[2], least = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	real_setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	s->filled = fill(pair[0]);
	s->peer = sx_ownfd_move(room, pair[1]);
	if (s->peer < 0 || !sx_hook_cookie(pair[0], &s->cookie)) {
		int err = s->peer < 0 ? s->peer : -EOPNOTSUPP;
		sx_standin_close(s);
		real_close(pair[0]);
		return err;
	}
	return pair[0];
}

bool sx_standin_is_at(const struct sx_standin *s, int fd)
{
	uint64_t cookie;

	return sx_hook_cookie(fd, &cookie) && cookie == s->cookie;
}

/* How many of n bytes that are to come out may leave: those that we put in,
 * and what sock takes of the rest. */
static ssize_t pass_on(
	struct sx_standin *s, const char *bytes, size_t n, int sock)
{
	size_t ours = n < s->filled ? n : s->filled;

	s->filled -= ours;
	if (ours)
		return (ssize_t)ours;
	return real_send(sock, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool sx_standin_drain(struct sx_standin *s, int sock)
{
	char bytes[4096];
	ssize_t n;

	while ((n = real_recv(s->peer, bytes, sizeof(bytes),
			MSG_PEEK | MSG_DONTWAIT)) > 0) {
		ssize_t out = pass_on(s, bytes, (size_t)n, sock);
		if (out < 0)
			return errno != EAGAIN;
		real_recv(s->peer, bytes, (size_t)out, MSG_DONTWAIT);
	}
	return n == 0 || errno != EAGAIN;
}

void sx_standin_close(struct sx_standin *s)
{
	sx_ownfd_close(s->peer);
	s->peer = -1;
}
