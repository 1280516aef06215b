/*
 * sendto(2), sendmsg(2), sendmmsg(2): what goes to an address without
 * connect(). Datagrams that are not direct are refused; TCP with
 * MSG_FASTOPEN is connected first.
 *
 * A message without an address belongs to a connected socket and passes
 * untouched.
 */
#include "hook/hook.h"
#include "hook/real.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum way {
	WAY_PASS,
	WAY_REFUSED,       /* errno is set */
	WAY_CONNECT_FIRST, /* then send without address and MSG_FASTOPEN */
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

static enum way way_of_datagram(
	const struct sx_verdict *verdict, const struct sx_dest *dest)
{
	if (verdict->action == SX_ACTION_DIRECT && dest->kind == SX_DEST_IP)
		return WAY_PASS;
	sx_hook_refuse(
		verdict->action == SX_ACTION_BLOCK ? EACCES : ENETUNREACH,
		"a datagram", dest, verdict->where);
	return WAY_REFUSED;
}

static enum way way_of(
	int fd, const struct sockaddr *sa, socklen_t len, int flags)
{
	struct sx_engine *engine;
	struct sx_hook_sock sock;
	struct sx_dest dest;
	struct sx_ip ip;
	uint16_t port;

	if (!sa || read_address(sa, len, &ip, &port) ||
		!sx_hook_is_inet(fd, &sock))
		return WAY_PASS;
	/* Without MSG_FASTOPEN, TCP ignores the address */
	if (sx_hook_is_tcp(&sock) && !(flags & MSG_FASTOPEN))
		return WAY_PASS;
	engine = sx_hook_engine();
	if (!engine || sx_engine_dest(engine, &ip, port, &dest)) {
		sx_hook_refuse(EHOSTUNREACH, "a datagram", NULL, NULL);
		return WAY_REFUSED;
	}
	if (!sx_hook_is_tcp(&sock))
		dest.transport = SX_TRANSPORT_UDP;
	struct sx_verdict verdict = sx_engine_decide(engine, &dest);
	if (!sx_hook_is_tcp(&sock))
		return way_of_datagram(&verdict, &dest);
	return verdict.action == SX_ACTION_DIRECT && dest.kind == SX_DEST_IP
		       ? WAY_PASS
		       : WAY_CONNECT_FIRST;
}

static ssize_t hook_sendto(int fd, const void *buf, size_t n, int flags,
	const struct sockaddr *sa, socklen_t len)
{
	switch (way_of(fd, sa, len, flags)) {
	case WAY_PASS:
		return real_sendto(fd, buf, n, flags, sa, len);
	case WAY_REFUSED:
		return -1;
	case WAY_CONNECT_FIRST:
		break;
	}
	if (hook_connect(fd, sa, len))
		return -1;
	return real_sendto(fd, buf, n, flags & ~MSG_FASTOPEN, NULL, 0);
}

static ssize_t hook_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	if (!msg || !msg->msg_name)
		return real_sendmsg(fd, msg, flags);
	switch (way_of(fd, msg->msg_name, msg->msg_namelen, flags)) {
	case WAY_PASS:
		return real_sendmsg(fd, msg, flags);
	case WAY_REFUSED:
		return -1;
	case WAY_CONNECT_FIRST:
		break;
	}
	if (hook_connect(fd, msg->msg_name, msg->msg_namelen))
		return -1;
	struct msghdr rest = *msg;
	rest.msg_name = NULL;
	rest.msg_namelen = 0;
	return real_sendmsg(fd, &rest, flags & ~MSG_FASTOPEN);
}

/* How many messages from the first may pass as they are. *way: that of the
 * one that stops. */
static unsigned n_passing(
	int fd, const struct mmsghdr *vec, unsigned n, int flags, enum way *way)
{
	unsigned i;

	*way = WAY_PASS;
	for (i = 0; i < n && *way == WAY_PASS; i++) {
		const struct msghdr *msg = &vec[i].msg_hdr;
		if (msg->msg_name)
			*way = way_of(
				fd, msg->msg_name, msg->msg_namelen, flags);
	}
	return *way == WAY_PASS ? n : i - 1;
}

/* As the kernel's: the messages before one that fails are sent, and an error
 * is reported only for the first. */
static int hook_sendmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags)
{
	enum way way;
	unsigned passing = vec ? n_passing(fd, vec, n, flags, &way) : n;

	if (!vec || passing)
		return real_sendmmsg(fd, vec, passing, flags);
	if (n == 0)
		return real_sendmmsg(fd, vec, n, flags);
	if (way == WAY_REFUSED)
		return -1;
	ssize_t sent = hook_sendmsg(fd, &vec[0].msg_hdr, flags);
	if (sent < 0)
		return -1;
	vec[0].msg_len = (unsigned)sent;
	return 1;
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
