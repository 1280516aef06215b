/*
 * Sending: a header in front of each datagram, as an iovec of its own.
 */
#include "hook/carrying.h"
#include "hook/io.h"
#include "hook/real.h"

#include <errno.h>
#include <limits.h>
#include <netinet/udp.h>
#include <string.h>

/* Of one sendmmsg(): how many go to the kernel at once, and the iovecs of
 * one message in such a batch. */
#define N_BATCH     16U
#define N_BATCH_IOV 8U

#define N_MORE 2U /* iovecs than the program's message has */

static ssize_t fail(int err)
{
	errno = err;
	return -1;
}

/* Segments of one buffer would share one header; what is said to this is
 * what programs know from hardware that cannot do it. */
static bool has_segments(const struct msghdr *msg)
{
	struct cmsghdr *c = msg->msg_controllen ? CMSG_FIRSTHDR(msg) : NULL;

	for (; c; c = CMSG_NXTHDR((void *)msg, c))
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_SEGMENT)
			return true;
	return false;
}

/* msg with a header of n bytes in front, to the relay: iov[0] leads there,
 * what else there is belongs to the datagram. */
static void wrap(struct sx_carried *c, const struct msghdr *msg,
	struct iovec *iov, uint8_t *head, size_t n, struct msghdr *out)
{
	struct sx_carried_relay *relay = sx_carried_relay(c);
	bool is_connected = atomic_load(&c->is_connected);

	iov[0] = (struct iovec){relay->lead, relay->lead_len};
	iov[1] = (struct iovec){head, n};
	memcpy(iov + N_MORE, msg->msg_iov, msg->msg_iovlen * sizeof(*iov));
	*out = *msg;
	out->msg_iov = iov;
	out->msg_iovlen = msg->msg_iovlen + N_MORE;
	out->msg_name = is_connected ? NULL : &relay->sa;
	out->msg_namelen = is_connected ? 0 : relay->len;
}

/* A message, and what is done with it. */
struct sending {
	struct sx_carried *c;
	int fd, flags;
	const struct sx_carried_dest *to;
	const struct msghdr *msg;
	struct iovec *iov; /* with N_MORE */
};

static ssize_t send_wrapped(const struct sending *s)
{
	uint8_t head[SX_UDPHDR_MAX];
	size_t n = sx_udp_wrap(s->to->dest, head);
	struct msghdr wrapped;

	for (;;) {
		int ready = sx_carried_ready(
			s->c, s->fd, s->flags, s->to->dest, s->to->verdict);
		if (ready < 0)
			return fail(-ready);
		if (s->to->dest->kind == SX_DEST_NAME)
			sx_carried_note(s->c, &s->to->ip, s->to->dest->port);
		wrap(s->c, s->msg, s->iov, head, n, &wrapped);
		if (ready == SX_CARRIED_NOW)
			break;
		if (sx_carried_enqueue(
			    s->c, s->iov + 1, wrapped.msg_iovlen - 1))
			return (ssize_t)sx_iov_len(
				s->msg->msg_iov, s->msg->msg_iovlen);
	}
	ssize_t sent = real_sendmsg(s->fd, &wrapped, s->flags);
	return sent < 0 ? sent : sent - (ssize_t)(s->iov[0].iov_len + n);
}

ssize_t sx_carried_sendmsg(int fd, const struct sx_hook_sock *sock,
	const struct sx_carried_dest *to, const struct msghdr *msg, int flags)
{
	struct sx_carried *c =
		to ? sx_carried_make(fd, sock) : sx_carried_get(fd);
	struct iovec few[SX_IOV_FEW];

	if (msg->msg_iovlen > IOV_MAX - N_MORE)
		return fail(EMSGSIZE);
	if (has_segments(msg))
		return fail(EIO);
	struct iovec *iov =
		c ? sx_iov_room(few, msg->msg_iovlen + N_MORE) : NULL;
	if (!iov)
		return fail(ENOMEM);
	const struct sx_carried_dest peer = {&c->peer, &c->verdict, c->peer_ip};
	const struct sending s = {c, fd, flags, to ? to : &peer, msg, iov};
	ssize_t sent = send_wrapped(&s);
	sx_iov_done(few, iov);
	return sent;
}

/* Of the first messages, those that can go at once. */
static unsigned batch_of(const struct mmsghdr *vec, unsigned n)
{
	unsigned i;

	for (i = 0; i < n && i < N_BATCH; i++)
		if (vec[i].msg_hdr.msg_iovlen > N_BATCH_IOV - N_MORE ||
			has_segments(&vec[i].msg_hdr))
			break;
	return i;
}

static int send_batch(struct sx_carried *c, int fd, struct mmsghdr *vec,
	unsigned n, int flags)
{
	struct mmsghdr wrapped[N_BATCH];
	struct iovec iov[N_BATCH][N_BATCH_IOV];
	uint8_t head[SX_UDPHDR_MAX];
	size_t len = sx_udp_wrap(&c->peer, head);

	for (unsigned i = 0; i < n; i++) {
		wrap(c, &vec[i].msg_hdr, iov[i], head, len,
			&wrapped[i].msg_hdr);
		wrapped[i].msg_len = 0;
	}
	int sent = real_sendmmsg(fd, wrapped, n, flags);
	for (int i = 0; i < sent; i++)
		vec[i].msg_len = wrapped[i].msg_len -
				 (unsigned)(iov[i][0].iov_len + len);
	return sent;
}

int sx_carried_sendmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags)
{
	struct sx_carried *c = sx_carried_get(fd);
	unsigned batch = batch_of(vec, n);

	if (c && batch > 1 &&
		sx_carried_ready(c, fd, flags, &c->peer, &c->verdict) ==
			SX_CARRIED_NOW)
		return send_batch(c, fd, vec, batch, flags);
	ssize_t sent =
		sx_carried_sendmsg(fd, NULL, NULL, &vec[0].msg_hdr, flags);
	if (sent < 0)
		return -1;
	vec[0].msg_len = (unsigned)sent;
	return 1;
}
