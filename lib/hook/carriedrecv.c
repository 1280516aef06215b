/*
 * Receiving: the header in front of each datagram is read into a place of its
 * own, the payload into the program's. How long the header is is known when
 * it is there: the place is as long as that of the datagram before, and where
 * it was another the payload is moved.
 */
#include "hook/carrying.h"
#include "hook/io.h"
#include "hook/nameserver.h"
#include "hook/real.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* One datagram as the kernel gives it. */
struct arrival {
	struct sx_carried *c;
	struct msghdr *msg; /* the program's */
	struct msghdr raw;
	struct sockaddr_storage from;
	uint8_t head[SX_UDP_HEAD_MAX], rest[SX_UDP_HEAD_MAX];
	size_t head_room; /* of head, in front of the program's iovecs */
	size_t len;       /* of the whole datagram */
	size_t at;        /* where the payload begins */
	struct sockaddr_storage source;
	socklen_t source_len;
};

/* head_room bytes, then the program's, then what a longer header pushes
 * out. */
static void lay_out(struct arrival *a, struct iovec *iov)
{
	size_t n = a->msg->msg_iovlen;

	iov[0] = (struct iovec){a->head, a->head_room};
	memcpy(iov + 1, a->msg->msg_iov, n * sizeof(*iov));
	iov[n + 1] = (struct iovec){a->rest, sizeof(a->rest)};
	a->raw = *a->msg;
	a->raw.msg_iov = iov;
	a->raw.msg_iovlen = n + 2;
	a->raw.msg_name = &a->from;
	a->raw.msg_namelen = sizeof(a->from);
}

static void set_source(struct arrival *a, const struct sx_ip *ip, uint16_t port)
{
	a->source_len = sx_ip_to_sockaddr(
		ip, port, (sa_family_t)a->c->domain, &a->source);
}

/* The address that the program sent to. What it has not sent to has that of
 * the server's word, but a name has none. */
static bool find_source(struct arrival *a, const struct sx_dest *said)
{
	struct sx_ip ip = said->ip;

	if (said->kind == SX_DEST_IP)
		sx_carried_name_of(a->c, &said->ip, said->port, &ip);
	else if (!sx_carried_name_said(a->c, said->name, said->port, &ip))
		return false;
	set_source(a, &ip, said->port);
	return a->source_len != 0;
}

/* A connected socket hears of its peer alone, whatever the server calls it. */
static bool is_of_peer(struct arrival *a, const struct sx_dest *said)
{
	const struct sx_dest *peer = &a->c->peer;

	if (said->port != peer->port)
		return false;
	if (said->kind == SX_DEST_IP && peer->kind == SX_DEST_IP)
		return sx_ip_equal(&said->ip, &peer->ip);
	if (said->kind == SX_DEST_NAME && peer->kind == SX_DEST_NAME)
		return !strcmp(said->name, peer->name);
	return peer->kind == SX_DEST_NAME;
}

static bool is_from_relay(struct arrival *a, struct sx_ip *ip, uint16_t *port)
{
	bool known =
		!sx_ip_from_sockaddr(&a->from, a->raw.msg_namelen, ip, port);

	if (!known)
		return false;
	/* the kernel lets nothing else through */
	if (atomic_load(&a->c->is_connected)) {
		*ip = a->c->assoc.relay;
		*port = a->c->assoc.relay_port;
	}
	return *port == a->c->assoc.relay_port &&
	       sx_ip_equal(ip, &a->c->assoc.relay);
}

/* What a rule sends direct may also come directly; it has no header. */
static bool is_direct(struct arrival *a, const struct sx_ip *ip, uint16_t port)
{
	struct sx_dest dest = {.kind = SX_DEST_IP,
		.transport = SX_TRANSPORT_UDP,
		.ip = *ip,
		.port = port};
	socklen_t len = a->raw.msg_namelen;

	memcpy(&a->source, &a->from, sizeof(a->source));
	sx_nameserver_restore(
		(struct sockaddr *)&a->source, sizeof(a->source), &len);
	a->source_len = len;
	a->at = 0;
	return memcmp(&a->source, &a->from, sizeof(a->from)) != 0 ||
	       sx_engine_decide(sx_hook_engine(), &dest).action ==
		       SX_ACTION_DIRECT;
}

/* False: it is not for the program. */
static bool understand(struct arrival *a)
{
	uint8_t bytes[SX_UDP_HEAD_MAX];
	struct sx_dest said;
	struct sx_ip ip;
	uint16_t port;

	if (!is_from_relay(a, &ip, &port))
		return a->raw.msg_namelen && is_direct(a, &ip, port);
	size_t most = sx_udp_head_max(&a->c->assoc);
	size_t n = sx_iov_read(a->raw.msg_iov, a->raw.msg_iovlen, 0, bytes,
		a->len < most ? a->len : most);
	a->at = sx_udp_accept(&a->c->assoc, &ip, port, bytes, n, &said);
	if (!a->at)
		return false;
	if (!atomic_load(&a->c->is_connected))
		return find_source(a, &said);
	if (!is_of_peer(a, &said))
		return false;
	set_source(a, &a->c->peer_ip, a->c->peer.port);
	return true;
}

/* To the program's place, which begins behind head_room. Returns what
 * recvmsg() is to return. */
static ssize_t deliver(struct arrival *a, int flags)
{
	struct msghdr *msg = a->msg;
	size_t room = sx_iov_len(msg->msg_iov, msg->msg_iovlen);
	size_t len = a->len - a->at, fits = len < room ? len : room;

	sx_iov_move(
		a->raw.msg_iov, a->raw.msg_iovlen, a->head_room, a->at, fits);
	if (a->at)
		atomic_store(&a->c->head_len, (unsigned)a->at);
	msg->msg_controllen = a->raw.msg_controllen;
	msg->msg_flags = a->raw.msg_flags & ~MSG_TRUNC;
	if (len > room)
		msg->msg_flags |= MSG_TRUNC;
	if (msg->msg_name) {
		socklen_t space = msg->msg_namelen;
		memcpy(msg->msg_name, &a->source,
			space < a->source_len ? space : a->source_len);
		msg->msg_namelen = a->source_len;
	}
	return (ssize_t)(flags & MSG_TRUNC ? len : fits);
}

/* What was only looked at is not wanted: away with it. */
static void throw_away(int fd)
{
	struct msghdr none = {.msg_name = NULL};

	real_recvmsg(fd, &none, MSG_DONTWAIT);
}

/* The next datagram that is for the program. */
static ssize_t receive(struct arrival *a, int fd, struct iovec *iov, int flags)
{
	for (;;) {
		a->head_room = atomic_load(&a->c->head_len);
		lay_out(a, iov);
		ssize_t n = real_recvmsg(fd, &a->raw, flags | MSG_TRUNC);
		if (n < 0) {
			sx_carried_correct_errno(a->c);
			return n;
		}
		a->len = (size_t)n;
		if (understand(a))
			return deliver(a, flags);
		if (flags & MSG_PEEK)
			throw_away(fd);
	}
}

ssize_t sx_carried_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct arrival a = {.c = sx_carried_get(fd), .msg = msg};
	struct iovec few[SX_IOV_FEW], *iov;

	if (!a.c || flags & MSG_ERRQUEUE || msg->msg_iovlen > IOV_MAX - 2)
		return real_recvmsg(fd, msg, flags);
	iov = sx_iov_room(few, msg->msg_iovlen + 2);
	if (!iov) {
		errno = ENOMEM;
		return -1;
	}
	ssize_t n = receive(&a, fd, iov, flags);
	sx_iov_done(few, iov);
	return n;
}
