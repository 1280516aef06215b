/*
 * UDP sockets whose datagrams a SOCKS5 relay carries (core/udp.h).
 *
 * The program's own socket sends and receives; a header goes in front of each
 * datagram to the relay, and off each that comes from it. The association is
 * made when the first datagram is sent, by the sender where the socket
 * blocks, else by the thread that dials (hook/dialer.h), while the first few
 * datagrams wait. It belongs to the socket: copies share it, and it ends with
 * the last of the program's numbers. Its control connection is a descriptor
 * of our own; that it has ended is noticed at the next datagram, and another
 * association is made.
 */
#ifndef SX_HOOK_CARRIED_H
#define SX_HOOK_CARRIED_H

#include "core/associating.h"
#include "hook/fdtab.h"
#include "hook/hook.h"

#include <stdbool.h>

struct sx_carried;

/* What the program's numbers stand for: struct sx_carried. */
extern struct sx_fdtab sx_carried_fds;

static inline struct sx_carried *sx_carried_get(int fd)
{
	return sx_fdtab_get(&sx_carried_fds, fd);
}

/* What the kernel says of such a socket, without asking it again; false if fd
 * is none. */
bool sx_carried_kind(int fd, struct sx_hook_sock *out);

/* A datagram's destination, and who decided. Borrowed. */
struct sx_carried_dest {
	const struct sx_dest *dest;
	const struct sx_verdict *verdict;
	struct sx_ip ip; /* what the program said: of the fake-DNS table for
			    a name */
};

/* Whether datagrams of such a socket to dest can be carried at all: UDP, not
 * to many. */
bool sx_carried_can(
	const struct sx_hook_sock *sock, const struct sx_dest *dest);

/*
 * connect(): from now on the socket sends to dest and hears of it alone.
 * Nothing is sent. 0, or -1 with errno.
 */
int sx_carried_connect(int fd, const struct sx_hook_sock *sock,
	const struct sx_carried_dest *to, const struct sockaddr *sa,
	socklen_t len);

/* It is connected otherwise now, or no more. */
void sx_carried_disconnect(int fd);

/* getsockname() has filled sa, with room for so many bytes: where its word is
 * a loopback address or of the other family, because it is that towards the
 * relay, or there is no relay yet, in its place comes the one towards the
 * destination. */
void sx_carried_own_name(
	int fd, struct sockaddr *sa, socklen_t room, socklen_t *len);

/* Is it connected to a destination that is carried? */
bool sx_carried_is_connected(int fd);

/*
 * Sends msg, whose name is not looked at: to to, or NULL: to where the socket
 * is connected. As sendmsg(2); ENETUNREACH: no server carries datagrams now.
 */
ssize_t sx_carried_sendmsg(int fd, const struct sx_hook_sock *sock,
	const struct sx_carried_dest *to, const struct msghdr *msg, int flags);

/* The same for messages of a connected socket. */
int sx_carried_sendmmsg(int fd, struct mmsghdr *vec, unsigned n, int flags);

/* As recvmsg(2) on a socket that sx_carried_get() knows. */
ssize_t sx_carried_recvmsg(int fd, struct msghdr *msg, int flags);

/*
 * hook/carriedpass.c. Before exec: what the next program has to know of the
 * sockets that it keeps goes into its environment; true if there are any, and
 * then after_exec() must follow where it fails. From exec: the other end, in
 * the constructor.
 */
bool sx_carried_before_exec(void);
void sx_carried_after_exec(void);
void sx_carried_from_exec(void);

/* fd is given to another process by SCM_RIGHTS; a message was received, which
 * may bring such ones. */
void sx_carried_give(int fd);
void sx_carried_received(const struct msghdr *msg);

/* Numbers come and go (hook/fds.c). */
void sx_carried_copied(int fd, int to);
void sx_carried_closed(int fd);
void sx_carried_closed_range(unsigned first, unsigned last);

/* Around fork(), outside of the lock of hook/pending.h. */
void sx_carried_before_fork(void);
void sx_carried_after_fork(void);
void sx_carried_after_fork_in_child(void);

/* Of the dialer: a dial has ended well. As sx_associating_next(), with the
 * descriptor under a number of our own. */
int sx_carried_next(struct sx_associating *a);

/* Of the dialer: the association that it has dialed for is made, or r says
 * why not. */
void sx_carried_made(struct sx_carried *c, struct sx_associating *a, int r);

#endif
