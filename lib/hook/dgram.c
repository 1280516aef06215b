/*
 * sendto(2), sendmsg(2), sendmmsg(2): what goes to an address without
 * connect(). Datagrams for a nameserver go to where they are answered, others
 * that are not direct go by a relay or are refused; TCP with MSG_FASTOPEN is
 * connected first.
 *
 * A message without an address belongs to a connected socket.
 */
#include "hook/carried.h"
#include "hook/hook.h"
#include "hook/nameserver.h"
#include "hook/passed.h"
#include "hook/pending.h"
#include "hook/real.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum way {
	WAY_PASS,
	WAY_REFUSED,       /* errno is set */
	WAY_CONNECT_FIRST, /* then send without address and MSG_FASTOPEN */
	WAY_ELSEWHERE,     /* to another address */
	WAY_CARRIED,       /* by a relay */
};

struct elsewhere {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* What is sent, taken apart. */
struct target {
	int fd;
	struct sx_hook_sock sock;
	struct sx_ip ip;
	struct sx_dest dest;
	struct sx_verdict verdict;
	struct elsewhere to; /* for WAY_ELSEWHERE */
};

/* Linux takes AF_UNSPEC in an address for a datagram socket as AF_INET. */
static int read_address(const struct sockaddr *sa, socklen_t len,
	struct sx_ip *ip, uint16_t *port)
{
	struct sockaddr_in in;

	if (len < sizeof(in) || len > sizeof(struct sockaddr_storage) ||
		sx_sockaddr_family(sa, len) != AF_UNSPEC)
		return sx_ip_from_sockaddr(sa, len, ip, port);
	memcpy(&in, sa, sizeof(in));
	in.sin_family = AF_INET;
	return sx_ip_from_sockaddr(&in, sizeof(in), ip, port);
}

static enum way refuse(const struct target *t, int err)
{
	sx_hook_refuse(err, "a datagram", &t->dest, t->verdict.where);
	return WAY_REFUSED;
}

static enum way way_of_datagram(struct target *t)
{
	switch (t->verdict.action) {
	case SX_ACTION_DIRECT:
		if (t->dest.kind == SX_DEST_IP)
			return WAY_PASS;
		break;
	case SX_ACTION_BLOCK:
		return refuse(t, EACCES);
	case SX_ACTION_PROXY:
		if (sx_nameserver_is(&t->sock, &t->dest) &&
			sx_nameserver_redirect(t->fd, &t->sock, &t->ip,
				&t->to.sa, &t->to.len) == 0)
			return WAY_ELSEWHERE;
		if (sx_carried_can(&t->sock, &t->dest))
			return WAY_CARRIED;
		break;
	}
	return refuse(t, ENETUNREACH);
}

static enum way way_of(struct target *t, int fd, const struct sockaddr *sa,
	socklen_t len, int flags)
{
	struct sx_engine *engine;
	uint16_t port;

	t->fd = fd;
	if (!sa || read_address(sa, len, &t->ip, &port))
		return WAY_PASS;
	if (!sx_carried_kind(fd, &t->sock) && !sx_hook_is_inet(fd, &t->sock))
		return WAY_PASS;
	/* Without MSG_FASTOPEN, TCP ignores the address */
	if (sx_hook_is_tcp(&t->sock) && !(flags & MSG_FASTOPEN))
		return WAY_PASS;
	engine = sx_hook_engine();
	if (!engine || sx_engine_dest(engine, &t->ip, port, &t->dest)) {
		sx_hook_refuse(EHOSTUNREACH, "a datagram", NULL, NULL);
		return WAY_REFUSED;
	}
	if (!sx_hook_is_tcp(&t->sock))
		t->dest.transport = SX_TRANSPORT_UDP;
	t->verdict = sx_engine_decide(engine, &t->dest);
	if (!sx_hook_is_tcp(&t->sock))
		return way_of_datagram(t);
	return t->verdict.action == SX_ACTION_DIRECT &&
			       t->dest.kind == SX_DEST_IP
		       ? WAY_PASS
		       : WAY_CONNECT_FIRST;
}

/* Without what goes with the message: that may choose an interface. */
static ssize_t send_elsewhere(
	const struct target *t, const struct msghdr *msg, int flags)
{
	struct msghdr other = *msg;

	other.msg_name = (void *)&t->to.sa;
	other.msg_namelen = t->to.len;
	other.msg_control = NULL;
	other.msg_controllen = 0;
	return real_sendmsg(t->fd, &other, flags);
}

static ssize_t send_carried(
	const struct target *t, const struct msghdr *msg, int flags)
{
	const struct sx_carried_dest to = {&t->dest, &t->verdict, t->ip};
	ssize_t r = sx_carried_sendmsg(t->fd, &t->sock, &to, msg, flags);

	if (r < 0 && errno == ENETUNREACH)
		refuse(t, ENETUNREACH);
	return r;
}

static ssize_t connect_and_send(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr rest = *msg;

	if (hook_connect(fd, msg->msg_name, msg->msg_namelen))
		return -1;
	rest.msg_name = NULL;
	rest.msg_namelen = 0;
	return real_sendmsg(fd, &rest, flags & ~MSG_FASTOPEN);
}

static ssize_t send_by(enum way way, const struct target *t,
	const struct msghdr *msg, int flags)
{
	switch (way) {
	case WAY_PASS:
		return real_sendmsg(t->fd, msg, flags);
	case WAY_ELSEWHERE:
		return send_elsewhere(t, msg, flags);
	case WAY_CARRIED:
		return send_carried(t, msg, flags);
	case WAY_REFUSED:
		return -1;
	case WAY_CONNECT_FIRST:
		break;
	}
	return connect_and_send(t->fd, msg, flags);
}

static ssize_t hook_sendto(int fd, const void *buf, size_t n, int flags,
	const struct sockaddr *sa, socklen_t len)
{
	struct iovec iov = {(void *)buf, n};
	struct msghdr msg = {.msg_name = (void *)sa,
		.msg_namelen = len,
		.msg_iov = &iov,
		.msg_iovlen = 1};
	struct target t;

	if (!sa)
		return send(fd, buf, n, flags);
	enum way way = way_of(&t, fd, sa, len, flags);
	if (way == WAY_PASS)
		return real_sendto(fd, buf, n, flags, sa, len);
	return send_by(way, &t, &msg, flags);
}

/* Who gets a descriptor shall get a connection, and not what stands for one
 * that is pending. */
static void hand_out(int fd)
{
	sx_pending_wait(fd, SX_NEVER, NULL);
	sx_carried_give(fd);
}

static void hand_out_all(const struct msghdr *msg)
{
	bool any = atomic_load(&sx_pending_fds.n) ||
		   atomic_load(&sx_carried_fds.n);

	if (any && msg->msg_controllen)
		sx_passed_fds(msg, hand_out);
}

static ssize_t hook_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct target t;

	if (!msg)
		return real_sendmsg(fd, msg, flags);
	hand_out_all(msg);
	sx_pending_wait_to_block(fd, flags);
	if (!msg->msg_name)
		return sx_carried_is_connected(fd)
			       ? sx_carried_sendmsg(fd, NULL, NULL, msg, flags)
			       : real_sendmsg(fd, msg, flags);
	enum way way = way_of(&t, fd, msg->msg_name, msg->msg_namelen, flags);
	return send_by(way, &t, msg, flags);
}

/* How many messages from the first may pass as they are. *way and *t: those
 * of the one that stops. */
static unsigned n_passing(int fd, const struct mmsghdr *vec, unsigned n,
	int flags, enum way *way, struct target *t)
{
	unsigned i;

	*way = WAY_PASS;
	for (i = 0; i < n && *way == WAY_PASS; i++) {
		const struct msghdr *msg = &vec[i].msg_hdr;
		if (msg->msg_name)
			*way = way_of(
				t, fd, msg->msg_name, msg->msg_namelen, flags);
	}
	return *way == WAY_PASS ? n : i - 1;
}

/* The first messages without an address. */
static unsigned n_nameless(const struct mmsghdr *vec, unsigned n)
{
	unsigned i = 0;

	while (i < n && !vec[i].msg_hdr.msg_name)
		i++;
	return i;
}

/* Sends the first messages; how many, or -1. All that may pass go at once,
 * another goes alone. */
static int send_some(int fd, struct mmsghdr *vec, unsigned n, int flags)
{
	struct target t;
	enum way way;
	unsigned nameless =
		sx_carried_is_connected(fd) ? n_nameless(vec, n) : 0;

	if (nameless)
		return sx_carried_sendmmsg(fd, vec, nameless, flags);
	unsigned passing = n_passing(fd, vec, n, flags, &way, &t);
	if (passing)
		return real_sendmmsg(fd, vec, passing, flags);
	ssize_t sent = send_by(way, &t, &vec[0].msg_hdr, flags);
	if (sent < 0)
		return -1;
	vec[0].msg_len = (unsigned)sent;
	return 1;
}

/* As the kernel's: the messages before one that fails are sent, and an error
 * is reported only for the first. */
static int hook_sendmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags)
{
	unsigned sent = 0;

	if (!vec || n == 0)
		return real_sendmmsg(fd, vec, n, flags);
	for (unsigned i = 0; i < n; i++)
		hand_out_all(&vec[i].msg_hdr);
	while (sent < n) {
		int r = send_some(fd, vec + sent, n - sent, flags);
		if (r <= 0)
			return sent ? (int)sent : r;
		sent += (unsigned)r;
	}
	return (int)sent;
}

SX_EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags,
	__CONST_SOCKADDR_ARG sa, socklen_t len)
{
	return hook_sendto(fd, buf, n, flags, sa.__sockaddr__, len);
}

SX_EXPORT ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return hook_sendmsg(fd, msg, flags);
}

SX_EXPORT int sendmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags)
{
	return hook_sendmmsg(fd, vec, n, flags);
}
